import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds of work before others have their turn. */
const SLICE = 4;
const LONGEST_PAUSE = 2_000;

/** Work in the background that takes its turns between those of requests, and rests most of the time. */
export class Pace {
  private since = performance.now();

  /** @param share the share of the time in which it works, up to 1 */
  constructor(
    private readonly share: number,
    private readonly signal?: AbortSignal,
  ) {}

  /** Between two small steps. Pauses only if the last pause is some time ago. */
  async turn(): Promise<void> {
    if (performance.now() - this.since >= SLICE) await this.rest();
  }

  /** Pauses for the time that has passed since the last pause. Call it outside of a transaction. */
  async rest(): Promise<void> {
    const pause = Math.min((performance.now() - this.since) * (1 / this.share - 1), LONGEST_PAUSE);
    // An aborted pause ends at once: so does the work.
    if (pause >= 1) await sleep(pause, undefined, { signal: this.signal }).catch(() => undefined);
    else await nextTurn();
    this.since = performance.now();
  }
}
