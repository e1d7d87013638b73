import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { APICallError } from 'ai';
import type { Pricing } from '../admin-config/pricing-schema.js';
import { type Cost, costOf, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import { TokenEstimate } from '../usage/token-estimate.js';
import { isUsed } from '../usage/usage-words.js';
import type { RunPart } from '../accounting/accounted-run.js';
import { currentPart } from '../accounting/run-context.js';
import type { CallMetadata, CallSoFar, CallStatus, FinishedCall, SentCall } from '../usage/usage.types.js';
import { CallSpan } from './call-span.js';
import { countCall } from './model-metrics.js';
import { type AskedModel, estimatePromptTokens, tokensPerEstimate } from './prompt-tokens.js';
import { consistent, isReported, toTokenUsage } from './token-usage.js';
import type { Vendor } from './vendors/vendor.js';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** The model that is called, as accounting needs it. */
export interface ModelDescriptor {
  provider: ModelProvider;
  /** The vendor's id of the model. */
  id: string;
  /** Whether the key is the user's own. */
  ownKey: boolean;
  pricing?: Pricing;
  /** The version of the catalog that contains the price. */
  priceVersion?: number;
  /** The price of the model that has answered. Vendors choose another model for names that they retire. */
  pricingOf?(answeredBy: string): Pricing | undefined;
}

/** The minimum that vendors bill for a picture. Only used if nothing is reported. */
const TOKENS_OF_IMAGE = 1_290;

/** Records one call of a model, from its start to its end, whatever that is. */
export class ModelCall {
  private readonly part: RunPart = currentPart();
  private readonly sent: SentCall;
  private readonly usageOfVendor?: Vendor['usage'];
  private readonly startedAt = performance.now();
  private readonly span: CallSpan;
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
  private isFree = false;
  private ended = false;

  /** @throws Error outside of an accounted run */
  constructor(
    private readonly model: ModelDescriptor,
    private readonly params: Pick<LanguageModelV4CallOptions, 'prompt' | 'tools'>,
  ) {
    if (model.provider !== 'demo') this.usageOfVendor = VENDORS[model.provider].usage;
    this.span = new CallSpan(params);
    this.sent = this.part.run.send(this.part, model, () => this.soFar());
  }

  /** Records a part of the answer. It runs for every token, so it only counts. */
  observe(part: LanguageModelV4StreamPart): void {
    this.span.observe(part);
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

  /** Records which model has answered according to the vendor. */
  noteAnsweredBy(modelId: string | undefined): void {
    if (modelId !== undefined && modelId !== '') this.answeredBy = modelId.slice(0, 200);
  }

  private noteSearches(part: LanguageModelV4StreamPart): void {
    for (const search of this.usageOfVendor?.searches?.(part, this.model.id) ?? []) this.searches.add(search);
  }

  /** Records an answer that arrived in one piece. */
  noteContent(content: LanguageModelV4Content[]): void {
    for (const part of content) {
      this.span.observe(part);
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

  /** Records pictures that were drawn. */
  noteImages(images: number): void {
    this.images += images;
  }

  /** Records the tokens of pictures, which are parts of the reported tokens. */
  noteImageDetails(details: Partial<TokenUsage>): void {
    this.details = details;
  }

  noteFinish(usage: LanguageModelV4Usage, finishReason: string): void {
    this.usage = usage;
    this.finishReason = finishReason;
  }

  /**
   * Records an error before the first part of the answer.
   *
   * @param isBilled false if the call did not reach its vendor, or if the vendor refused it; it then only costs what the
   *   vendor has reported anyway
   */
  noteFailure(error: unknown, { isBilled }: { isBilled: boolean }): void {
    this.isFree = !isBilled;
    const usage = APICallError.isInstance(error) && this.usageOfVendor?.ofFailure?.(error.data);
    if (usage) this.noteFinish(usage, 'error');
  }

  /** Whether the budget of the run allows to make this call again, although it is billed. */
  mayRepeat(): Promise<boolean> {
    const { admission } = this.part.run;
    return admission && !this.model.ownKey ? admission.mayRepeat() : Promise.resolve(true);
  }

  /** Ends the call. Only the first end counts. It is booked in the background, see `AccountedRun`. */
  end(status: CallStatus, errorCode?: string): void {
    if (this.ended) return;
    this.ended = true;
    const durationMs = Math.round(performance.now() - this.startedAt);
    const { tokens, estimated } = this.count();
    const { cost, metadata } = this.billOf(tokens);
    const finished: FinishedCall = {
      ...this.sent,
      tokens,
      cost,
      metadata: {
        ...metadata,
        status,
        errorCode,
        finishReason: this.endedAs(status),
        timeToFirstTokenMs: this.timeToFirstToken(),
        estimated: estimated || undefined,
      },
      durationMs,
      // The clock may have been set back during the call.
      respondedAt: new Date(Math.max(Date.now(), this.sent.requestedAt.getTime())),
    };
    countCall(finished, this.isListed());
    this.span.end(finished);
    this.part.finish(finished);
  }

  /** The minimum cost. A call that was sent is billed, however it ends. */
  private soFar(): CallSoFar {
    const { tokens } = this.count();
    return { tokens, ...this.billOf(tokens) };
  }

  /** The cost, and what is known of the call apart from its end. */
  private billOf(tokens: TokenUsage): { cost: Cost; metadata: CallMetadata } {
    const { model, sent, answeredBy } = this;
    const pricing = (answeredBy && model.pricingOf?.(answeredBy)) || model.pricing;
    const cost = costOf(tokens, pricing, sent.requestedAt);
    const isUnpriced = pricing === undefined && model.provider !== 'demo' && isUsed({ tokens });
    const metadata: CallMetadata = {
      ...sent.metadata,
      toolCalls: this.toolCalls.length > 0 ? this.toolCalls : undefined,
      cachedInputTokens: tokens.cachedInputTokens,
      cacheWriteTokens: tokens.cacheWriteTokens,
      cacheWriteHourTokens: tokens.cacheWriteHourTokens,
      imageInputTokens: tokens.imageInputTokens,
      audioInputTokens: tokens.audioInputTokens,
      imageOutputTokens: tokens.imageOutputTokens,
      reasoningTokens: tokens.reasoningTokens,
      webSearches: tokens.webSearches,
      answeredBy,
      unroundedCost: cost.unrounded,
      priceVersion: pricing && model.priceVersion,
      unpriced: isUnpriced ? true : undefined,
    };
    return { cost, metadata };
  }

  /** Estimated once, because every checkpoint needs it while the call is running. */
  private get promptTokens(): number {
    return (this.estimatedPrompt ??= estimatePromptTokens(this.params, this.asked));
  }

  private get asked(): AskedModel {
    return { provider: this.model.provider, modelId: this.model.id };
  }

  /** The finish reason of a failed call is an error, unless the provider refused to answer. */
  private endedAs(status: CallStatus): string | undefined {
    return status === 'error' && this.finishReason !== 'content-filter' ? 'error' : this.finishReason;
  }

  /** The figures that the provider reported. If they are incomplete, an estimate of what has arrived completes them. */
  private count(): { tokens: TokenUsage; estimated: boolean } {
    const { usage, usageOfVendor } = this;
    const written =
      Math.ceil(this.output.tokens * tokensPerEstimate(this.asked)) + this.images * TOKENS_OF_IMAGE;
    const searched = this.searches.size > 0 ? { webSearches: this.searches.size } : {};
    // After a cut, or after an error of vendors that repeat their figures, these are the figures of the last chunk and
    // not of the end.
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
    if (this.isFree && written === 0 && reported.inputTokens === 0)
      return { tokens: NO_TOKENS, estimated: false };
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

  /** Every model of the catalog has a price. The demo model is the only other model that this server names itself. */
  private isListed(): boolean {
    return this.model.pricing !== undefined || this.model.provider === 'demo';
  }
}
