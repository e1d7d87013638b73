import { UpstreamTimeoutError } from './upstream-failure.js';

/**
 * Signs of life without any part of an answer may keep a call alive for this many times its deadline for silence: half an
 * hour by default. A gateway may send them forever, although its model has died.
 */
const MOST_SILENCES = 30;

/** Calls that are running, by their abort signals. */
const running = new WeakMap<AbortSignal, Deadline>();

/**
 * Reports that bytes have arrived for the call with this signal. Bytes count as signs of life before they are parsed,
 * because the vendors' clients do not pass on pings, comments and unknown fields.
 */
export function noteSignOfLife(signal: AbortSignal | null | undefined): void {
  if (signal) running.get(signal)?.touch();
}

/** Reports that the request of the call with this signal is on its way to the vendor, who may bill it from now on. */
export function noteSent(signal: AbortSignal | null | undefined): void {
  const deadline = signal && running.get(signal);
  if (deadline) deadline.wasSent = true;
}

/** Reports that everything sent so far for the call with this signal was preparation, for example an upload. */
export function noteOnlyPrepared(signal: AbortSignal | null | undefined): void {
  const deadline = signal && running.get(signal);
  if (deadline) deadline.wasSent = false;
}

/**
 * An abort signal with two possible reasons: the caller canceled the call, or the provider was silent for too long. The
 * reason of the signal says which.
 */
export class Deadline {
  /** Whether the request of the call has left this server. */
  wasSent = false;
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout;
  private patience: number;
  private progressedAt = performance.now();
  private readonly forward = () => this.controller.abort(this.parent?.reason);

  /** @param milliseconds of silence before the first sign of life */
  constructor(
    private readonly parent: AbortSignal | undefined,
    milliseconds: number,
  ) {
    this.patience = milliseconds;
    this.timer = this.startTimer(milliseconds);
    running.set(this.signal, this);
    if (parent?.aborted) this.forward();
    else parent?.addEventListener('abort', this.forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The provider has begun to answer. From now on, it may be silent for this long between two parts. */
  begun(milliseconds: number): void {
    clearTimeout(this.timer);
    this.patience = milliseconds;
    this.timer = this.startTimer(milliseconds);
  }

  /** The provider has sent something. */
  touch(): void {
    const limit = this.patience * MOST_SILENCES;
    if (performance.now() - this.progressedAt < limit) this.timer.refresh();
    else this.controller.abort(new UpstreamTimeoutError(`No part of an answer arrived for ${limit} ms.`));
  }

  /** The provider has sent a part of the answer. */
  progress(): void {
    this.progressedAt = performance.now();
  }

  clear(): void {
    clearTimeout(this.timer);
    running.delete(this.signal);
    this.parent?.removeEventListener('abort', this.forward);
  }

  /** The call has failed. What is left of it ends, too: some of the vendors' clients read on behind an error. */
  end(error: unknown): void {
    this.clear();
    this.controller.abort(error);
  }

  private startTimer(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.controller.abort(new UpstreamTimeoutError(`No data arrived for ${milliseconds} ms.`));
    }, milliseconds);
  }
}
