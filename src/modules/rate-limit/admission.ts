import { addMoney } from '../usage/pricing.js';

/** A call of a model that a run was not admitted for: nobody knew that it would be made. */
export interface FurtherCall<T> {
  /** USD, as a decimal string. */
  expectedCost: string;
  /** USD that it can come to; as much as is expected when absent. */
  reservedCost?: string;
  /** For the sentence of a refusal: "Your budget does not allow …". */
  what: string;
  make: () => Promise<T>;
}

/** What further calls ask the database for. Absent where there is no budget. */
export type Extend = (call: {
  expectedCost: string;
  reservedCost: string;
  freedCost: string;
  what: string;
}) => Promise<void>;

/** USD that a run was admitted with. */
export interface AdmittedCost {
  expectedCost?: string | number;
  reservedCost?: string | number;
}

/**
 * What a run that was admitted may spend. What counts against a budget is what `usage_logs` says: a reservation ends with
 * the rows of its calls or after them, never before.
 */
export class Admission {
  /** Reserved for the call that the run was admitted for. */
  private firstReserve: string;
  /** What that call is still expected to cost. */
  private firstCost: string;
  /** What further calls that are under way are expected to cost. */
  private furtherCost = '0';
  /** Reserved for calls that have ended. */
  private freedCost = '0';

  /**
   * @param headers `RateLimit-Limit`, `-Remaining` and `-Reset` of the window that is closest to its limit
   * @param book resolves when the calls that have ended so far are booked
   */
  constructor(
    readonly headers: Readonly<Record<string, string>>,
    private readonly extend: Extend | undefined,
    private readonly book: () => Promise<unknown>,
    { expectedCost = 0, reservedCost = expectedCost }: AdmittedCost = {},
  ) {
    this.firstCost = String(expectedCost);
    this.firstReserve = String(reservedCost);
  }

  /** The call that the run was admitted for has ended: what was reserved for it is there for the next one. */
  firstCallEnded(): void {
    this.freedCost = addMoney(this.freedCost, this.firstReserve);
    this.firstReserve = '0';
    this.firstCost = '0';
  }

  /**
   * Makes a call with what it can come to reserved as well; where there is no budget, it is just made. What was reserved for
   * calls that have ended counts as theirs until the next one, or the end of the run.
   *
   * @throws AppError 429 `budget_exceeded` when the budget does not allow it, and whatever the call fails with
   */
  async reserving<T>({ expectedCost, reservedCost = expectedCost, what, make }: FurtherCall<T>): Promise<T> {
    if (!this.extend) return make();
    const { freedCost } = this;
    this.freedCost = '0';
    this.furtherCost = addMoney(this.furtherCost, expectedCost);
    try {
      try {
        await this.book();
        const stillExpected = addMoney(this.firstCost, this.furtherCost);
        await this.extend({ expectedCost: stillExpected, reservedCost, freedCost, what });
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
}
