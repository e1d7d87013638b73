import type { Statement } from '../../common/database/database.js';
import { addMoney } from '../usage/pricing.js';

/** A call of a model that a turn was not let in for: nobody knew that it would be made. */
export interface FurtherCall<T> {
  /** USD, as a decimal string. */
  expectedCost: string;
  /** USD that it can come to; as much as is expected when absent. */
  reservedCost?: string;
  /** For the sentence of a refusal: "Your budget does not allow …". */
  what: string;
  make: () => Promise<T>;
  /** Resolves when the calls that have ended so far are accounted. */
  accounted: () => Promise<unknown>;
}

/** What an admission does to the database; the promises of its ends do not reject. */
export interface AdmissionActs {
  /** Absent where there is no budget. */
  extend?: (call: {
    expectedCost: string;
    reservedCost: string;
    freedCost: string;
    what: string;
  }) => Promise<void>;
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
  /** Reserved for the call that the turn was let in for. */
  private firstReserve: string;
  /** What that call is still expected to cost. */
  private firstCost: string;
  /** What further calls that are under way are expected to cost. */
  private furtherCost = '0';
  /** Reserved for calls that have ended. */
  private freedCost = '0';

  constructor(
    /** `RateLimit-Limit`, `-Remaining` and `-Reset` of the window that is closest to its limit. */
    readonly headers: Readonly<Record<string, string>>,
    private readonly acts: AdmissionActs,
    /** USD that the turn was let in with. */
    {
      expectedCost = 0,
      reservedCost = expectedCost,
    }: { expectedCost?: string | number; reservedCost?: string | number } = {},
  ) {
    this.firstCost = String(expectedCost);
    this.firstReserve = String(reservedCost);
  }

  /** The call that the turn was let in for has ended: what was reserved for it is there for the next one. */
  firstCallEnded(): void {
    this.freedCost = addMoney(this.freedCost, this.firstReserve);
    this.firstReserve = '0';
    this.firstCost = '0';
  }

  /**
   * Makes a call with what it can come to reserved as well; where there is no budget, it is just made. What was reserved for
   * calls that have ended counts as theirs until the next one, or the end of the turn.
   *
   * @throws AppError 429 `budget_exceeded` when the budget does not allow it, and whatever the call fails with
   */
  async reserving<T>({
    expectedCost,
    reservedCost = expectedCost,
    what,
    make,
    accounted,
  }: FurtherCall<T>): Promise<T> {
    if (!this.acts.extend) return make();
    const { freedCost } = this;
    this.freedCost = '0';
    this.furtherCost = addMoney(this.furtherCost, expectedCost);
    try {
      try {
        await accounted();
        const stillExpected = addMoney(this.firstCost, this.furtherCost);
        await this.acts.extend({ expectedCost: stillExpected, reservedCost, freedCost, what });
      } catch (error) {
        this.freedCost = addMoney(this.freedCost, freedCost);
        throw error;
      }
      try {
        return await make();
      } finally {
        this.freedCost = addMoney(this.freedCost, reservedCost);
      }
    } finally {
      this.furtherCost = addMoney(this.furtherCost, `-${expectedCost}`);
    }
  }

  /** Returns the turn's place to the windows it was taken from, and what was reserved. Never rejects. */
  giveBack(): Promise<void> {
    return (this.end ??= this.acts.giveBack());
  }

  /** Ends the reservation, in a statement of its own. Never rejects. */
  settle(actualCost?: string | number): Promise<void> {
    return (this.end ??= this.acts.settle(actualCost));
  }

  /**
   * Settles without a round trip: the statements belong into the transaction that stores the calls, and may be
   * repeated with it. Should it fail for good, the reservation runs out by itself.
   */
  settlement(actualCost?: string | number): Statement[] {
    if (this.end) return [];
    this.end = Promise.resolve();
    return this.acts.settlement(actualCost);
  }
}
