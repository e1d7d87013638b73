import { randomUUID } from 'node:crypto';
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { CatalogModel } from '../admin-config/config-schemas.js';
import { costOf, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import { currentUsage, type UsageContext } from '../usage/usage-context.js';
import type { UsageService } from '../usage/usage.service.js';
import type { CallMetadata, CallStatus, StartedCall } from '../usage/usage.types.js';
import { countCall } from './model-metrics.js';
import {
  CHARACTERS_PER_IMAGE,
  consistent,
  estimateTokens,
  isReported,
  promptCharacters,
  toTokenUsage,
} from './token-usage.js';
import type { Vendor } from './vendors/vendor.js';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** The model that is called, as accounting needs it. */
export interface ModelDescriptor {
  provider: ModelProvider;
  /** The vendor's own id. */
  id: string;
  pricing?: CatalogModel['pricing'];
}

/** Records one call of a model, from its start to whatever end it has. */
export class ModelCall {
  private readonly context: UsageContext = currentUsage();
  private readonly started: StartedCall;
  private readonly usageOfVendor?: Vendor['usage'];
  private readonly ready: Promise<unknown>;
  private readonly startedAt = performance.now();
  private firstContentAt?: number;
  private outputCharacters = 0;
  private imageInputTokens = 0;
  private partial: Partial<TokenUsage> = {};
  private usage?: LanguageModelV4Usage;
  private finishReason?: string;
  private readonly toolCalls: NonNullable<CallMetadata['toolCalls']> = [];
  private ended = false;

  /** @throws Error outside of a usage context */
  constructor(
    private readonly model: ModelDescriptor,
    private readonly prompt: LanguageModelV4CallOptions['prompt'],
    private readonly usageService: UsageService,
  ) {
    const { userId, chatId, agentType, purpose, requestId, messageId, ownKey } = this.context;
    if (model.provider !== 'demo') this.usageOfVendor = VENDORS[model.provider].usage;
    this.started = {
      id: randomUUID(),
      userId,
      chatId,
      agentType,
      model: model.id,
      provider: model.provider,
      requestedAt: new Date(),
      metadata: { purpose, requestId, messageId, ownKey: ownKey ?? false },
    };
    // Without the rows of its chat a call is accounted all the same.
    this.ready = (this.context.ready ?? Promise.resolve()).catch(() => undefined);
    void this.ready.then(() => usageService.start(this.started));
  }

  get ownKey(): boolean {
    return this.started.metadata.ownKey;
  }

  /** Takes note of a part of the answer. Runs for every token: it only counts. */
  observe(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
      case 'tool-input-delta':
        this.outputCharacters += part.delta.length;
        this.firstContentAt ??= performance.now();
        return;
      case 'tool-call':
        this.noteToolCall(part);
        return;
      case 'finish':
        this.noteFinish(part.usage, part.finishReason.unified);
        return;
      case 'custom':
      case 'raw':
        this.partial = { ...this.partial, ...this.usageOfVendor?.partial?.(part) };
    }
  }

  /** Takes note of an answer that came in one piece. */
  noteContent(content: LanguageModelV4Content[]): void {
    for (const part of content) {
      if (part.type === 'text' || part.type === 'reasoning') this.outputCharacters += part.text.length;
      else if (part.type === 'tool-call') {
        this.outputCharacters += part.input.length;
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
    this.outputCharacters += images * CHARACTERS_PER_IMAGE;
  }

  /** Takes note of the tokens that were pictures, as a part of those of the input. */
  noteImageInput(tokens: number): void {
    this.imageInputTokens = tokens;
  }

  noteFinish(usage: LanguageModelV4Usage, finishReason: string): void {
    this.usage = usage;
    this.finishReason = finishReason;
  }

  /** The call is over. Only the first end counts; the row is completed in the background, see `UsageTally`. */
  end(status: CallStatus, errorCode?: string): void {
    if (this.ended) return;
    this.ended = true;
    const durationMs = Math.round(performance.now() - this.startedAt);
    const { tokens, estimated } = this.count(status);
    const cost = costOf(tokens, this.model.pricing);
    const metadata: CallMetadata = {
      ...this.started.metadata,
      status,
      errorCode,
      finishReason: this.endedAs(status),
      toolCalls: this.toolCalls.length > 0 ? this.toolCalls : undefined,
      cachedInputTokens: tokens.cachedInputTokens,
      cacheWriteTokens: tokens.cacheWriteTokens,
      imageInputTokens: tokens.imageInputTokens,
      reasoningTokens: tokens.reasoningTokens,
      timeToFirstTokenMs: this.timeToFirstToken(),
      estimated: estimated || undefined,
      unroundedCost: cost.unrounded,
    };
    const { messageId, tally } = this.context;
    const finished = {
      ...this.started,
      messageId,
      tokens,
      cost,
      metadata,
      durationMs,
      respondedAt: new Date(),
    };
    countCall(finished, this.isListed());
    if (tally) tally.add(finished);
    else void this.ready.then(() => this.usageService.finish([finished]));
  }

  /** The finish reason of a failed call is an error, unless the provider refused to answer. */
  private endedAs(status: CallStatus): string | undefined {
    return status === 'error' && this.finishReason !== 'content-filter' ? 'error' : this.finishReason;
  }

  /** What the provider reported; else what it had reported so far, completed by an estimate of what had arrived. */
  private count(status: CallStatus): { tokens: TokenUsage; estimated: boolean } {
    const { usage } = this;
    // The figures of a stream that was cut off are those of its last chunk, not of its end.
    if (usage && this.finishReason !== 'interrupted' && isReported(usage, this.outputCharacters))
      return { tokens: this.withImageInput(toTokenUsage(usage)), estimated: false };
    const reported = { ...NO_TOKENS, ...(usage ? toTokenUsage(usage) : {}), ...this.partial };
    // A call that was refused, or that nothing came of, is not billed.
    const billed = this.outputCharacters > 0 || reported.inputTokens > 0 || status === 'success';
    if (!billed) return { tokens: NO_TOKENS, estimated: false };
    const tokens = consistent({
      ...reported,
      inputTokens: reported.inputTokens || estimateTokens(promptCharacters(this.prompt)),
      outputTokens: Math.max(reported.outputTokens, estimateTokens(this.outputCharacters)),
    });
    return { tokens, estimated: true };
  }

  private withImageInput(tokens: TokenUsage): TokenUsage {
    const { imageInputTokens } = this;
    return imageInputTokens > 0 ? consistent({ ...tokens, imageInputTokens }) : tokens;
  }

  private timeToFirstToken(): number | undefined {
    return this.firstContentAt === undefined ? undefined : Math.round(this.firstContentAt - this.startedAt);
  }

  /** Every model of the catalog has a price; the demo model is the only one beside it that we name ourselves. */
  private isListed(): boolean {
    return this.model.pricing !== undefined || this.model.provider === 'demo';
  }
}
