import { AppError } from '../../common/errors/app-error.js';
import type { ExpectedCost } from '../usage/expected-cost.js';
import { addMoney } from '../usage/pricing.js';
import type { AdmissionRequest, Budget } from './admission.types.js';
import { costsWithin } from './agent-limits.js';

/** A model call that the admission of a run did not cover, because it was not known yet. */
export interface FurtherCall<T> {
  /** Only called if a budget needs it. The highest possible cost is absent if it equals the expected one. */
  costs: () => Pick<ExpectedCost, 'expectedCost'> & Partial<Pick<ExpectedCost, 'reservedCost'>>;
  /** True if the call uses a key of the user. Nothing is then reserved for it. */
  ownKey?: boolean;
  /** Completes the sentence of a refusal: "Your budget does not allow …". */
  what: string;
  /** @param room what the call may cost in USD. Undefined if nothing limits it */
  make: (room?: number) => Promise<T>;
}

/**
 * What further calls need from the database. Absent if there is no budget. Resolves to what all running calls of the run may
 * cost in USD, together with this one.
 */
export type Extend = (call: {
  expectedCost: string;
  reservedCost: string;
  freedCost: string;
  what: string;
}) => Promise<number | undefined>;

/** The budget of a run, and the cost in USD for which it was admitted. */
export interface Admitted extends Partial<
  Pick<AdmissionRequest, 'expectedCost' | 'reservedCost' | 'besideCost' | 'firstCost'>
> {
  budget?: Budget;
  /** What its calls may cost in USD. */
  room?: number;
}

/** A first call may cost this many times what its admission has assumed, before the difference is reserved as well. */
const TOLERANCE = 1.05;

/**
 * What an admitted run may spend. Budgets count what `usage_logs` contains, so a reservation ends together with the
 * rows of its calls or later, never before.
 */
export class Admission {
  /** The reservation for the call that the run was admitted for. */
  private firstReserve: string;
  /** The expected cost of that call, as long as it is running. */
  private firstCost: string;
  /** The expected cost of calls beside it. They may run until the end. */
  private readonly besideCost: string;
  /** The expected cost of further running calls. */
  private furtherCost = '0';
  /** The reservations for calls that have ended. */
  private freedCost = '0';
  /** See {@link firstRoom}. */
  private roomOfFirst?: number;
  /** The assumed cost of the first call. Absent if it is not checked. */
  private assumed?: ExpectedCost;

  /**
   * @param headers `RateLimit-Limit`, `-Remaining` and `-Reset` of the window that is closest to its limit
   * @param book resolves when the calls that have ended so far are booked
   */
  constructor(
    readonly headers: Readonly<Record<string, string>>,
    private readonly extend: Extend | undefined,
    private readonly book: () => Promise<unknown>,
    private readonly admitted: Admitted = {},
  ) {
    const { expectedCost = 0, reservedCost = expectedCost, besideCost = 0, firstCost } = admitted;
    const beside = Math.min(besideCost, Number(reservedCost), Number(expectedCost));
    this.besideCost = toDecimal(beside);
    this.firstCost = addMoney(String(expectedCost), `-${this.besideCost}`);
    this.firstReserve = addMoney(String(reservedCost), `-${this.besideCost}`);
    this.assumed = extend && firstCost;
    if (admitted.room !== undefined) this.roomOfFirst = admitted.room - beside;
  }

  /** What the call may cost in USD that the run was admitted for. Undefined if nothing limits it. */
  get firstRoom(): number | undefined {
    return this.roomOfFirst;
  }

  /** Whether the cost of the first call must be checked before it is sent: see {@link checkFirst}. */
  get isUnchecked(): boolean {
    return this.assumed !== undefined;
  }

  /**
   * Checks the first call when everything that the model will read is known: files, tools, documents. If it costs more
   * than the admission has assumed, the difference is reserved as well.
   *
   * @throws AppError 429 `budget_exceeded` if the budget does not allow it; nothing was sent then
   */
  async checkFirst(cost: ExpectedCost): Promise<void> {
    const { assumed, extend, admitted } = this;
    if (!assumed || !extend || !admitted.budget) return;
    if (Number(cost.expectedCost) <= Number(assumed.expectedCost) * TOLERANCE) return;
    const within = costsWithin(admitted.budget, cost);
    const missing = Math.max(0, within.reservedCost - Number(this.firstReserve));
    const room = await extend({
      expectedCost: addMoney(addMoney(toDecimal(within.expectedCost), this.besideCost), this.furtherCost),
      reservedCost: toDecimal(missing),
      freedCost: '0',
      what: 'this message',
    });
    if (room !== undefined) this.roomOfFirst = room - Number(this.besideCost) - Number(this.furtherCost);
    this.assumed = cost;
    this.firstCost = toDecimal(within.expectedCost);
    this.firstReserve = addMoney(this.firstReserve, toDecimal(missing));
  }

  /**
   * Whether a running call may be repeated after an attempt that is billed. The reservation covers one attempt, and the
   * cost of the failed one is added to what is spent.
   */
  async mayRepeat(): Promise<boolean> {
    if (!this.extend) return true;
    await this.book();
    try {
      const expectedCost = this.stillExpected();
      await this.extend({ expectedCost, reservedCost: '0', freedCost: '0', what: 'another attempt' });
      return true;
    } catch (error) {
      if (error instanceof AppError) return false;
      throw error;
    }
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
  async reserving<T>(call: FurtherCall<T>): Promise<T> {
    const { costs, ownKey = false, what, make } = call;
    if (!this.extend || ownKey) return make();
    const { expectedCost, reservedCost = expectedCost } = costs();
    const { freedCost } = this;
    this.freedCost = '0';
    this.furtherCost = addMoney(this.furtherCost, expectedCost);
    try {
      let room: number | undefined;
      try {
        await this.book();
        room = await this.extend({ expectedCost: this.stillExpected(), reservedCost, freedCost, what });
        if (room !== undefined) room -= Number(this.stillExpected()) - Number(expectedCost);
      } catch (error) {
        this.freedCost = addMoney(this.freedCost, freedCost);
        throw error;
      }
      try {
        return await make(room);
      } finally {
        this.freedCost = addMoney(this.freedCost, reservedCost);
      }
    } finally {
      this.furtherCost = addMoney(this.furtherCost, `-${expectedCost}`);
    }
  }

  /** The expected cost of all calls that are running or about to be made. */
  private stillExpected(): string {
    return addMoney(addMoney(this.firstCost, this.besideCost), this.furtherCost);
  }
}

/** Not in exponential notation. */
function toDecimal(value: number): string {
  return value.toFixed(12);
}
