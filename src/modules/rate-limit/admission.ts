import type { Statement } from '../../common/database/database.js';

/** What is done when an admission ends; neither promise rejects. */
export interface AdmissionEnds {
  giveBack(): Promise<void>;
  settle(actualCost: string | number | undefined): Promise<void>;
  settlement(actualCost: string | number | undefined): Statement[];
}

/**
 * A turn that was let in. It ends in one of two ways, and only once: it is given back, because no model was asked, or
 * settled, because one was. Whatever is called after that does nothing, and waits for the first call.
 *
 * What counts against a budget is what `usage_logs` says, so a turn is settled with the rows of its calls or after them,
 * never before; the actual cost is only compared with what had been expected.
 */
export class Admission {
  private end?: Promise<void>;

  constructor(
    /** `RateLimit-Limit`, `-Remaining` and `-Reset` of the window that is closest to its limit. */
    readonly headers: Readonly<Record<string, string>>,
    private readonly ends: AdmissionEnds,
  ) {}

  /** Returns the turn's place to the windows it was taken from, and what was reserved. Never rejects. */
  giveBack(): Promise<void> {
    return (this.end ??= this.ends.giveBack());
  }

  /** Ends the reservation, in a statement of its own. Never rejects. */
  settle(actualCost?: string | number): Promise<void> {
    return (this.end ??= this.ends.settle(actualCost));
  }

  /**
   * Settles without a round trip: the statements belong into the transaction that stores the calls, and may be
   * repeated with it. Should it fail for good, the reservation runs out by itself.
   */
  settlement(actualCost?: string | number): Statement[] {
    if (this.end) return [];
    this.end = Promise.resolve();
    return this.ends.settlement(actualCost);
  }
}
