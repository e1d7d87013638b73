import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { Pricing } from '../admin-config/pricing-schema.js';
import { costOf, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import { TokenEstimate } from '../usage/token-estimate.js';
import type { RunPart } from '../accounting/accounted-run.js';
import { currentPart } from '../accounting/run-context.js';
import type { CallFigures, CallMetadata, CallStatus, FinishedCall, SentCall } from '../usage/usage.types.js';
import { countCall } from './model-metrics.js';
import { estimatePromptTokens } from './prompt-tokens.js';
import { consistent, isReported, toTokenUsage } from './token-usage.js';
import type { Vendor } from './vendors/vendor.js';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** The model that is called, as accounting needs it. */
export interface ModelDescriptor {
  provider: ModelProvider;
  /** The vendor's own id. */
  id: string;
  /** Whether the key is the user's own. */
  ownKey: boolean;
  pricing?: Pricing;
  /** The version of the catalog that the price is from. */
  priceVersion?: number;
  /** The price of the model that has answered, which vendors choose themselves for names that they retire. */
  pricingOf?(answeredBy: string): Pricing | undefined;
}

/** What vendors bill for a picture at least; only where nothing is reported. */
const TOKENS_OF_IMAGE = 1_290;

/** Records one call of a model, from its start to whatever end it has. */
export class ModelCall {
  private readonly part: RunPart = currentPart();
  private readonly sent: SentCall;
  private readonly usageOfVendor?: Vendor['usage'];
  private readonly startedAt = performance.now();
  private firstContentAt?: number;
  private estimatedPrompt?: number;
  private readonly output = new TokenEstimate();
  private images = 0;
  private details: Partial<TokenUsage> = {};
  private answeredBy?: string;
  private readonly searches = new Set<string>();
  private partial: Partial<TokenUsage> = {};
  private usage?: LanguageModelV4Usage;
  private finishReason?: string;
  private readonly toolCalls: NonNullable<CallMetadata['toolCalls']> = [];
  private failed = false;
  private ended = false;

  /** @throws Error outside of an accounted run */
  constructor(
    private readonly model: ModelDescriptor,
    private readonly params: Pick<LanguageModelV4CallOptions, 'prompt' | 'tools'>,
  ) {
    if (model.provider !== 'demo') this.usageOfVendor = VENDORS[model.provider].usage;
    this.sent = this.part.run.send(this.part, model, () => this.soFar());
  }

  /** Takes note of a part of the answer. Runs for every token: it only counts. */
  observe(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
      case 'tool-input-delta':
        this.output.add(part.delta);
        this.firstContentAt ??= performance.now();
        return;
      case 'tool-call':
        this.noteToolCall(part);
        return;
      case 'finish':
        this.noteFinish(part.usage, part.finishReason.unified);
        return;
      case 'error':
        this.failed = true;
        return;
      case 'response-metadata':
        return this.noteAnsweredBy(part.modelId);
      case 'tool-result':
        return this.noteSearches(part);
      case 'custom':
      case 'raw':
        this.partial = { ...this.partial, ...this.usageOfVendor?.partial?.(part) };
        this.noteSearches(part);
        if (this.answeredBy === undefined) this.noteAnsweredBy(this.usageOfVendor?.answeredBy?.(part));
    }
  }

  /** Takes note of the model that the vendor says has answered. */
  noteAnsweredBy(modelId: string | undefined): void {
    if (modelId !== undefined && modelId !== '') this.answeredBy = modelId.slice(0, 200);
  }

  private noteSearches(part: LanguageModelV4StreamPart): void {
    for (const search of this.usageOfVendor?.searches?.(part, this.model.id) ?? []) this.searches.add(search);
  }

  /** Takes note of an answer that came in one piece. */
  noteContent(content: LanguageModelV4Content[]): void {
    for (const part of content) {
      if (part.type === 'text' || part.type === 'reasoning') this.output.add(part.text);
      else if (part.type === 'tool-result') this.noteSearches(part);
      else if (part.type === 'tool-call') {
        this.output.add(part.input);
        this.noteToolCall(part);
      }
    }
  }

  noteToolCall({ toolName, toolCallId }: { toolName: string; toolCallId: string }): void {
    this.firstContentAt ??= performance.now();
    this.toolCalls.push({ toolName, toolCallId });
  }

  /** Takes note of pictures that were drawn. */
  noteImages(images: number): void {
    this.images += images;
  }

  /** Takes note of the tokens that were pictures, as parts of those that are reported. */
  noteImageDetails(details: Partial<TokenUsage>): void {
    this.details = details;
  }

  noteFinish(usage: LanguageModelV4Usage, finishReason: string): void {
    this.usage = usage;
    this.finishReason = finishReason;
  }

  /** The call is over. Only the first end counts; it is booked in the background, see `AccountedRun`. */
  end(status: CallStatus, errorCode?: string): void {
    if (this.ended) return;
    this.ended = true;
    const durationMs = Math.round(performance.now() - this.startedAt);
    const { tokens, estimated } = this.count(status);
    const { requestedAt } = this.sent;
    const pricing = (this.answeredBy && this.model.pricingOf?.(this.answeredBy)) || this.model.pricing;
    const cost = costOf(tokens, pricing, requestedAt);
    const metadata: CallMetadata = {
      ...this.sent.metadata,
      status,
      errorCode,
      finishReason: this.endedAs(status),
      toolCalls: this.toolCalls.length > 0 ? this.toolCalls : undefined,
      cachedInputTokens: tokens.cachedInputTokens,
      cacheWriteTokens: tokens.cacheWriteTokens,
      cacheWriteHourTokens: tokens.cacheWriteHourTokens,
      imageInputTokens: tokens.imageInputTokens,
      audioInputTokens: tokens.audioInputTokens,
      imageOutputTokens: tokens.imageOutputTokens,
      reasoningTokens: tokens.reasoningTokens,
      webSearches: tokens.webSearches,
      answeredBy: this.answeredBy,
      timeToFirstTokenMs: this.timeToFirstToken(),
      estimated: estimated || undefined,
      unroundedCost: cost.unrounded,
      priceVersion: pricing && this.model.priceVersion,
      unpriced: pricing === undefined && this.model.provider !== 'demo' ? true : undefined,
    };
    const finished: FinishedCall = {
      ...this.sent,
      tokens,
      cost,
      metadata,
      durationMs,
      respondedAt: new Date(),
    };
    countCall(finished, this.isListed());
    this.part.finish(finished);
  }

  /** What it has cost at least: a call that was sent is paid for, whatever becomes of it. */
  private soFar(): CallFigures {
    const { tokens } = this.count('interrupted');
    return { tokens, cost: costOf(tokens, this.model.pricing, this.sent.requestedAt) };
  }

  /** Estimated once: while the call is under way, every checkpoint asks for it. */
  private get promptTokens(): number {
    const { id: modelId, provider } = this.model;
    return (this.estimatedPrompt ??= estimatePromptTokens(this.params, { provider, modelId }));
  }

  /** The finish reason of a failed call is an error, unless the provider refused to answer. */
  private endedAs(status: CallStatus): string | undefined {
    return status === 'error' && this.finishReason !== 'content-filter' ? 'error' : this.finishReason;
  }

  /** What the provider reported; else what it had reported so far, completed by an estimate of what had arrived. */
  private count(status: CallStatus): { tokens: TokenUsage; estimated: boolean } {
    const { usage, usageOfVendor } = this;
    const written = this.output.tokens + this.images * TOKENS_OF_IMAGE;
    const searched = this.searches.size > 0 ? { webSearches: this.searches.size } : {};
    // After a cut, and after an error of vendors that repeat their figures, they are those of the last chunk and not of the end.
    const isFinal = this.finishReason !== 'interrupted' && !(this.failed && usageOfVendor?.partial);
    if (usage && isFinal && isReported(usage, written)) {
      const tokens = { ...toTokenUsage(usage, usageOfVendor), ...searched, ...this.details };
      return { tokens: consistent(tokens), estimated: false };
    }
    const reported = {
      ...NO_TOKENS,
      ...(usage ? toTokenUsage(usage, usageOfVendor) : {}),
      ...this.partial,
      ...searched,
    };
    // A call that was refused, or that nothing came of, is not billed.
    const billed =
      written > 0 || reported.inputTokens > 0 || status === 'success' || status === 'interrupted';
    if (!billed) return { tokens: NO_TOKENS, estimated: false };
    const tokens = consistent({
      ...reported,
      inputTokens: reported.inputTokens || this.promptTokens,
      outputTokens: Math.max(reported.outputTokens, written),
    });
    return { tokens, estimated: true };
  }

  private timeToFirstToken(): number | undefined {
    return this.firstContentAt === undefined ? undefined : Math.round(this.firstContentAt - this.startedAt);
  }

  /** Every model of the catalog has a price; the demo model is the only one beside it that we name ourselves. */
  private isListed(): boolean {
    return this.model.pricing !== undefined || this.model.provider === 'demo';
  }
}
