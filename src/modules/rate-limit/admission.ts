import { addMoney } from '../usage/pricing.js';

/** A model call that the admission of a run did not cover, because it was not known yet. */
export interface FurtherCall<T> {
  /** USD, as a decimal string. */
  expectedCost: string;
  /** The highest possible cost in USD. Absent if it equals the expected cost. */
  reservedCost?: string;
  /** Completes the sentence of a refusal: "Your budget does not allow …". */
  what: string;
  make: () => Promise<T>;
}

/** What further calls need from the database. Absent if there is no budget. */
export type Extend = (call: {
  expectedCost: string;
  reservedCost: string;
  freedCost: string;
  what: string;
}) => Promise<void>;

/** The cost in USD for which a run was admitted. */
export interface AdmittedCost {
  expectedCost?: string | number;
  reservedCost?: string | number;
}

/**
 * What an admitted run may spend. Budgets count what `usage_logs` contains, so a reservation ends together with the
 * rows of its calls or later, never before.
 */
export class Admission {
  /** The reservation for the call that the run was admitted for. */
  private firstReserve: string;
  /** The expected cost of that call, as long as it is running. */
  private firstCost: string;
  /** The expected cost of further running calls. */
  private furtherCost = '0';
  /** The reservations for calls that have ended. */
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

  /** Whether a budget limits what the run spends. */
  get hasBudget(): boolean {
    return this.extend !== undefined;
  }

  /** The call that the run was admitted for has ended. Its reservation is available for the next call. */
  firstCallEnded(): void {
    this.freedCost = addMoney(this.freedCost, this.firstReserve);
    this.firstReserve = '0';
    this.firstCost = '0';
  }

  /**
   * Makes a call after its highest possible cost was reserved. Without a budget, nothing is reserved. Reservations of
   * calls that have ended are kept until the next call or the end of the run.
   *
   * @throws AppError 429 `budget_exceeded` if the budget does not allow it, and the error of the call
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
