import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type LanguageModelV4StreamPart, TypeValidationError } from '@ai-sdk/provider';
import type { Deadline } from './deadline.js';
import type { ModelCall } from './call-record.js';
import { endOf } from './ending.js';
import { CutOffError, UnfinishedError, UpstreamTimeoutError } from './upstream-failure.js';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** Parts that come before any content. If the call is repeated after them, nothing is lost. */
const PREAMBLE = new Set<LanguageModelV4StreamPart['type']>([
  'stream-start',
  'response-metadata',
  'raw',
  'ping',
  'custom',
  'text-start',
  'text-end',
]);

/** How long to wait for the figures, in milliseconds. Usually they have already arrived. */
const PATIENCE_BEHIND_ERROR = 100;

/**
 * How many parts may be handled in one turn of the event loop. Parts that have already arrived are read without leaving
 * the turn, so a fast answer would keep requests and other streams waiting.
 */
const PARTS_PER_TURN = 32;

type FinishPart = Extract<LanguageModelV4StreamPart, { type: 'finish' }>;

/**
 * The source of a model call's stream. It is pulled, never pushed, and each part is observed once. It handles every way
 * in which a stream can end, and ends the call's record accordingly.
 */
export class CallStream {
  private readonly reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>;
  private readonly head: LanguageModelV4StreamPart[] = [];
  private failure?: { error: unknown };
  private finished = false;
  private parts = 0;

  constructor(
    stream: ReadableStream<LanguageModelV4StreamPart>,
    private readonly provider: ModelProvider,
    private readonly call: ModelCall,
    private readonly deadline: Deadline,
    private readonly failureCode: (error: unknown) => string,
  ) {
    this.reader = stream.getReader();
    // A pending read ends when the stream is canceled, however the provider's client handles the signal.
    deadline.signal.addEventListener('abort', () => this.cancelSource(deadline.signal.reason), {
      once: true,
    });
  }

  /**
   * Reads up to the first part with content.
   *
   * @throws any error before that part; nothing has been lost yet, so the call may be repeated
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
   * @throws the error that cut off the stream; the call's record has then ended
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

  /** The caller does not need the rest. */
  abandon(reason: unknown): void {
    if (this.failure) this.end();
    else this.call.end('aborted');
    this.deadline.clear();
    this.cancelSource(reason);
  }

  private async read(): Promise<LanguageModelV4StreamPart | undefined> {
    for (;;) {
      if (++this.parts % PARTS_PER_TURN === 0) await nextTurn();
      const { value } = await this.reader.read();
      if (this.deadline.signal.aborted) throw this.deadline.signal.reason;
      if (value === undefined) return undefined;
      if (!saysNothing(value)) this.deadline.progress();
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

  /** Whether the failed event has an unknown type and carries no part of the answer. */
  private isIgnored(error: unknown): boolean {
    if (this.provider === 'demo' || !TypeValidationError.isInstance(error)) return false;
    return VENDORS[this.provider].ignores?.(error.value) ?? false;
  }

  /**
   * If the vendor reports the cost of a failed answer, it comes right after the error. The reader may stop at the
   * error, so it is read here.
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
  return PREAMBLE.has(part.type) || ('delta' in part && part.delta === '');
}

/** A finish that the provider never sent. Its client library creates one if the connection ends in the middle. */
function isCutOff(part: LanguageModelV4StreamPart): boolean {
  return part.type === 'finish' && part.finishReason.unified === 'interrupted';
}
