import { setTimeout as sleep } from 'node:timers/promises';
import { type LanguageModelV4StreamPart, TypeValidationError } from '@ai-sdk/provider';
import type { Deadline } from './deadline.js';
import type { ModelCall } from './call-record.js';
import { endOf } from './ending.js';
import { CutOffError, UnfinishedError, UpstreamTimeoutError } from './upstream-failure.js';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** Parts that come before a provider has said anything: nothing is lost when the call is made again after them. */
const PREAMBLE = new Set<LanguageModelV4StreamPart['type']>([
  'stream-start',
  'response-metadata',
  'raw',
  'ping',
  'custom',
  'text-start',
  'text-end',
]);

/** How long the figures are waited for, in milliseconds: mostly they are there already. */
const PATIENCE_BEHIND_ERROR = 100;

type FinishPart = Extract<LanguageModelV4StreamPart, { type: 'finish' }>;

/**
 * The source of a model call's stream: pulled, never pushed, each part observed once on its way. It knows every way in
 * which a stream can end, and ends the call's record accordingly.
 */
export class CallStream {
  private readonly reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>;
  private readonly head: LanguageModelV4StreamPart[] = [];
  private failure?: { error: unknown };
  private finished = false;

  constructor(
    stream: ReadableStream<LanguageModelV4StreamPart>,
    private readonly provider: ModelProvider,
    private readonly call: ModelCall,
    private readonly deadline: Deadline,
    private readonly failureCode: (error: unknown) => string,
  ) {
    this.reader = stream.getReader();
    // A pending read ends when the stream is canceled, whatever the provider's own code makes of the signal.
    deadline.signal.addEventListener('abort', () => this.cancelSource(deadline.signal.reason), {
      once: true,
    });
  }

  /**
   * Reads up to the first part that says something.
   *
   * @throws whatever went wrong before it: nothing has been lost yet, so the call may be made again
   */
  async begin(): Promise<void> {
    try {
      for (;;) {
        const part = await this.read();
        if (part === undefined || isCutOff(part)) throw new CutOffError();
        if (part.type === 'error') {
          await this.readFigures();
          throw part.error;
        }
        this.head.push(part);
        if (!saysNothing(part)) return;
      }
    } catch (error) {
      this.cancelSource(error);
      throw error;
    }
  }

  /**
   * The next part, or undefined at the end.
   *
   * @throws what cut the stream off; the call's record is ended then
   */
  async next(): Promise<LanguageModelV4StreamPart | undefined> {
    try {
      for (;;) {
        const part = this.head.shift() ?? (await this.read());
        if (part === undefined && (this.finished || this.failure)) {
          this.end();
          return undefined;
        }
        if (part === undefined || isCutOff(part)) {
          this.failure ??= { error: new CutOffError() };
          return { type: 'error', error: this.failure.error };
        }
        if (part.type === 'raw' || part.type === 'ping') continue;
        if (part.type === 'finish' && part.finishReason.unified === 'error') {
          this.failure ??= { error: new UnfinishedError(part.finishReason.raw) };
          return { type: 'error', error: this.failure.error };
        }
        if (part.type === 'error') {
          this.failure ??= { error: part.error };
          await this.readFigures();
        } else if (part.type === 'finish') this.finished = true;
        return part;
      }
    } catch (error) {
      this.failure ??= { error };
      this.end();
      this.cancelSource(error);
      throw error;
    }
  }

  /** Nobody wants the rest. */
  abandon(reason: unknown): void {
    if (this.failure) this.end();
    else this.call.end('aborted');
    this.deadline.clear();
    this.cancelSource(reason);
  }

  private async read(): Promise<LanguageModelV4StreamPart | undefined> {
    for (;;) {
      const { value } = await this.reader.read();
      if (this.deadline.signal.aborted) throw this.deadline.signal.reason;
      if (value === undefined) return undefined;
      this.deadline.touch();
      if (value.type === 'error' && this.isIgnored(value.error)) continue;
      const part = value.type === 'finish' ? this.meaningOf(value) : value;
      this.call.observe(part);
      return part;
    }
  }

  /** Replaces the provider's finish reason by the one that this server uses. */
  private meaningOf(part: FinishPart): FinishPart {
    if (isCutOff(part)) return part;
    const { finishReason, reason } = endOf(this.provider, part.finishReason);
    return { ...part, finishReason: { unified: finishReason, raw: reason } };
  }

  /** Whether the failed event is of an unknown type that carries no part of the answer. */
  private isIgnored(error: unknown): boolean {
    if (this.provider === 'demo' || !TypeValidationError.isInstance(error)) return false;
    return VENDORS[this.provider].ignores?.(error.value) ?? false;
  }

  /**
   * What a failed answer has cost comes right behind its error, if the vendor says it at all. The reader may stop at the error,
   * so it is read here.
   */
  private async readFigures(): Promise<void> {
    const reading = this.read().catch(() => undefined);
    const part = await Promise.race([reading, sleep(PATIENCE_BEHIND_ERROR, undefined, { ref: false })]);
    if (part !== undefined) this.head.push(part);
  }

  private end(): void {
    this.deadline.clear();
    if (!this.failure) return this.call.end('success');
    const { signal } = this.deadline;
    if (signal.aborted && !(signal.reason instanceof UpstreamTimeoutError)) return this.call.end('aborted');
    this.call.end('error', this.failureCode(this.failure.error));
  }

  private cancelSource(reason: unknown): void {
    this.reader.cancel(reason).catch(() => undefined);
  }
}

function saysNothing(part: LanguageModelV4StreamPart): boolean {
  return PREAMBLE.has(part.type) || (part.type === 'text-delta' && part.delta === '');
}

/** A finish that the provider never sent: its library makes one up when the connection ends in the middle. */
function isCutOff(part: LanguageModelV4StreamPart): boolean {
  return part.type === 'finish' && part.finishReason.unified === 'interrupted';
}
