import { UpstreamTimeoutError } from './upstream-failure.js';

/** Callbacks for signs of life, by the abort signal of the call. */
const listeners = new WeakMap<AbortSignal, () => void>();

/**
 * Reports that bytes have arrived for the call with this signal. Bytes count as signs of life before they are parsed,
 * because the vendors' clients do not pass on pings, comments and unknown fields.
 */
export function noteSignOfLife(signal: AbortSignal | null | undefined): void {
  if (signal) listeners.get(signal)?.();
}

/**
 * An abort signal with two possible reasons: the caller canceled the call, or the provider was silent for too long. The
 * reason of the signal says which.
 */
export class Deadline {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout;
  private readonly forward = () => this.controller.abort(this.parent?.reason);

  /** @param milliseconds of silence before the first sign of life */
  constructor(
    private readonly parent: AbortSignal | undefined,
    milliseconds: number,
  ) {
    this.timer = this.startTimer(milliseconds);
    listeners.set(this.signal, () => this.touch());
    if (parent?.aborted) this.forward();
    else parent?.addEventListener('abort', this.forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The provider has begun to answer. From now on, it may be silent for this long between two parts. */
  begun(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = this.startTimer(milliseconds);
  }

  /** The provider has sent something. */
  touch(): void {
    this.timer.refresh();
  }

  clear(): void {
    clearTimeout(this.timer);
    listeners.delete(this.signal);
    this.parent?.removeEventListener('abort', this.forward);
  }

  private startTimer(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.controller.abort(new UpstreamTimeoutError(`No data arrived for ${milliseconds} ms.`));
    }, milliseconds);
  }
}
