import { Injectable, Logger } from '@nestjs/common';
import type { Statement } from '../../common/database/database.js';
import { retryWhileUnavailable } from '../../common/database/retry.js';
import { type AppError, budgetExceeded, rateLimited } from '../../common/errors/app-error.js';
import { rateLimitRefusals } from '../../common/observability/metrics.js';
import { ANSWERING_AGENTS } from '../admin-config/config-schemas.js';
import { addMoney } from '../usage/pricing.js';
import { Admission, type AdmissionActs } from './admission.js';
import { AdmissionRepository } from './admission.repository.js';
import type {
  AdmissionRequest,
  AdmissionResult,
  AgentUse,
  Budget,
  ExtensionResult,
  Refusal,
  RequestLimits,
} from './admission.types.js';
import { ReservationLeases } from './reservation-leases.js';

/** `limit_value` is an integer. */
const LARGEST_LIMIT = 2 ** 31 - 1;

/** Seconds after which a running answer may have ended, and what it had reserved is free again. */
const HELD_FOR = 5;
const SOON = 'Try again when they have ended.';

const PERIODS: Record<Refusal, string> = {
  hourly: 'hour',
  daily: 'day',
  daily_budget: 'day',
  monthly_budget: 'month',
};

/** Lets turns in, as far as limits and budgets go. */
@Injectable()
export class AdmissionService {
  private readonly logger = new Logger(AdmissionService.name);

  constructor(
    private readonly repository: AdmissionRepository,
    private readonly leases: ReservationLeases,
  ) {
    // A counter that first shows itself at 1 has, to Prometheus, never grown.
    for (const agent of ANSWERING_AGENTS)
      for (const reason of Object.keys(PERIODS)) rateLimitRefusals.inc({ agent, reason }, 0);
  }

  /**
   * Counts a turn in its hour and its day, and reserves what it is expected to cost, in one atomic statement: under any
   * concurrency, over any number of servers, exactly as many as the limits say get in. A refusal counts nowhere.
   *
   * @returns the admission, which must be given back or settled in the end
   * @throws AppError 429 `rate_limited` or `budget_exceeded`, with `Retry-After` and the headers of the limit
   */
  async admit(request: AdmissionRequest): Promise<Admission> {
    const checked = checkedRequest(request);
    return this.decide(checked, await this.repository.admit(checked));
  }

  /**
   * The same as a statement, for a transaction that a refusal is to undo; {@link decide} makes the admission of its one
   * row. When that transaction is rolled back, nothing has been counted, and there is nothing to give back.
   */
  asking(request: AdmissionRequest): Statement {
    return this.repository.admitting(checkedRequest(request));
  }

  /** @throws AppError as {@link admit} does */
  decide(request: AdmissionRequest, result: AdmissionResult): Admission {
    const headers = headersOf(result, checkedRequest(request).limits);
    if (result.refusedBy !== null) throw this.refuse(request, result, result.refusedBy, headers);
    return this.admitted(request, result, headers);
  }

  /**
   * A statement that tells whether any of several agents would let their user in, without asking one to. Its rows are for
   * {@link expectRoom}. Nothing is promised: who gets in is decided by {@link admit}.
   */
  looking(requests: readonly AdmissionRequest[]): Statement {
    const [first] = requests;
    if (!first) throw new Error('There is no admission to check.');
    return this.repository.looking(
      first.userId,
      requests.map(({ agentType }) => agentType),
    );
  }

  /** @throws AppError as {@link admit} does, for the first of them, when none would let its user in */
  expectRoom(requests: readonly AdmissionRequest[], uses: readonly AgentUse[]): void {
    const results = requests.map((request, index) => outlook(request, uses[index]));
    const [request] = requests;
    const [result] = results;
    if (!request || !result?.refusedBy || results.some(({ refusedBy }) => refusedBy === null)) return;
    const checked = checkedRequest(request);
    throw this.refuse(checked, result, result.refusedBy, headersOf(result, checked.limits));
  }

  private refuse(
    { userId, agentType, limits, budget }: AdmissionRequest,
    result: AdmissionResult,
    reason: Refusal,
    headers: Record<string, string>,
  ): AppError {
    rateLimitRefusals.inc({ agent: agentType, reason });
    this.logger.log({ userId, agent: agentType, reason }, 'A turn was not admitted.');
    return refusal(reason, agentType, limits, budget, result, headers);
  }

  private admitted(
    request: AdmissionRequest,
    { windowIds, reservationId }: AdmissionResult,
    headers: Record<string, string>,
  ): Admission {
    const { userId, agentType } = request;
    if (reservationId !== null) this.leases.hold(reservationId);
    let expectedCost = Number(request.reservedCost ?? request.expectedCost);
    const compare = (actualCost: string | number | undefined) => {
      if (Number(actualCost) > expectedCost)
        this.logger.debug({ agent: agentType, expectedCost, actualCost }, 'A turn cost more than expected.');
    };
    const extend = reservationId === null ? undefined : this.extending(request, reservationId);
    const acts: AdmissionActs = {
      extend:
        extend &&
        (async (call) => {
          await extend(call);
          expectedCost += Number(call.reservedCost);
        }),
      giveBack: async () => {
        if (reservationId !== null) this.leases.release(reservationId);
        try {
          await this.repository.giveBack(userId, windowIds ?? [], reservationId);
        } catch (error) {
          // Not repeated: it may have been done, and would then be done twice. The window ends by itself.
          this.logger.warn({ err: error, userId, agent: agentType }, 'An admission could not be released.');
        }
      },
      settle: async (actualCost) => {
        compare(actualCost);
        if (reservationId === null) return;
        this.leases.release(reservationId);
        try {
          await retryWhileUnavailable(() => this.repository.dropReservation(userId, reservationId));
        } catch (error) {
          this.logger.warn(
            { err: error, userId, agent: agentType },
            'A reservation could not be released and will expire.',
          );
        }
      },
      settlement: (actualCost) => {
        compare(actualCost);
        if (reservationId === null) return [];
        this.leases.release(reservationId);
        return [this.repository.dropping(reservationId)];
      },
    };
    return new Admission(headers, acts, request);
  }

  private extending(
    { userId, agentType, budget = {} }: AdmissionRequest,
    reservationId: string,
  ): NonNullable<AdmissionActs['extend']> {
    return async ({ expectedCost, reservedCost, freedCost, what }) => {
      const result = await this.repository.extend({
        userId,
        agentType,
        reservationId,
        budget,
        expectedCost: checkedCost(expectedCost),
        reservedCost: checkedCost(reservedCost),
        freedCost,
      });
      const { refusedBy: reason, isReserved } = result;
      if (reason !== null) {
        rateLimitRefusals.inc({ agent: agentType, reason });
        this.logger.log({ userId, agent: agentType, reason }, 'A call of a turn was not admitted.');
        throw budgetRefusal(reason, agentType, budget, result, what);
      }
      if (!isReserved) throw new Error('The reservation of a turn no longer exists.');
    };
  }
}

function checkedRequest(request: AdmissionRequest): AdmissionRequest {
  const limits = {
    hourly: Math.min(request.limits.hourly, LARGEST_LIMIT),
    daily: Math.min(request.limits.daily, LARGEST_LIMIT),
  };
  const { expectedCost, reservedCost = expectedCost } = request;
  return {
    ...request,
    limits,
    expectedCost: checkedCost(expectedCost),
    reservedCost: checkedCost(reservedCost),
  };
}

/** @throws RangeError for what can't be a cost: it is our own figure, not a client's */
function checkedCost(cost: string | number): string {
  const value = Number(cost);
  if (cost === '' || !Number.isFinite(value) || value < 0)
    throw new RangeError(`An expected cost cannot be ${JSON.stringify(cost)}.`);
  return String(cost);
}

/** What the database would say to a request; see the function `admit` there. */
function outlook(request: AdmissionRequest, use: AgentUse | undefined): AdmissionResult {
  if (!use) throw new Error('An admission check returned no result.');
  const { limits, budget, expectedCost } = request;
  const { hourlyUsed, dailyUsed, spentToday, spentThisMonth, reserved, ...seconds } = use;
  const exceeds = (spent: string, limit: number | undefined, held = reserved) =>
    limit !== undefined && Number(addMoney(addMoney(spent, held), String(expectedCost))) > limit;
  let refusedBy: Refusal | null = null;
  let isHeld = false;
  if (dailyUsed >= limits.daily) refusedBy = 'daily';
  else if (hourlyUsed >= limits.hourly) refusedBy = 'hourly';
  else if (exceeds(spentThisMonth, budget?.monthly)) {
    refusedBy = 'monthly_budget';
    isHeld = !exceeds(spentThisMonth, budget?.monthly, '0');
  } else if (exceeds(spentToday, budget?.daily)) {
    refusedBy = 'daily_budget';
    isHeld = !exceeds(spentToday, budget?.daily, '0');
  }
  return { refusedBy, isHeld, windowIds: null, reservationId: null, hourlyUsed, dailyUsed, ...seconds };
}

/** Of the window with the fewest requests left; of the longer one when both have as few. */
function headersOf(result: AdmissionResult, limits: RequestLimits): Record<string, string> {
  const hourly = Math.max(0, limits.hourly - result.hourlyUsed);
  const daily = Math.max(0, limits.daily - result.dailyUsed);
  const [limit, remaining, seconds] =
    hourly < daily
      ? [limits.hourly, hourly, result.hourlySeconds]
      : [limits.daily, daily, result.dailySeconds];
  return {
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(Math.max(1, Math.ceil(seconds))),
  };
}

function refusal(
  reason: Refusal,
  agent: string,
  limits: RequestLimits,
  budget: Budget | undefined,
  result: AdmissionResult,
  headers: Record<string, string>,
): AppError {
  const period = PERIODS[reason];
  switch (reason) {
    case 'hourly':
    case 'daily': {
      const seconds = reason === 'hourly' ? result.hourlySeconds : result.dailySeconds;
      const detail = `You can use the agent ${agent} ${limits[reason]} times per ${period}. ${tryAgain(reason)}`;
      return rateLimited(detail, seconds, headers);
    }
    case 'daily_budget':
    case 'monthly_budget':
      return budgetRefusal(reason, agent, budget, result, 'another answer', headers);
  }
}

function budgetRefusal(
  reason: NonNullable<ExtensionResult['refusedBy']>,
  agent: string,
  budget: Budget | undefined,
  {
    isHeld,
    dailySeconds,
    monthlySeconds,
  }: Pick<ExtensionResult, 'isHeld' | 'dailySeconds' | 'monthlySeconds'>,
  what: string,
  headers?: Record<string, string>,
): AppError {
  const [amount, seconds] =
    reason === 'daily_budget' ? [budget?.daily, dailySeconds] : [budget?.monthly, monthlySeconds];
  const refused = `Your budget of ${amount} USD per ${PERIODS[reason]} for the agent ${agent} does not allow ${what} now`;
  return isHeld
    ? budgetExceeded(
        `${refused}, because of the answers that are being generated. ${SOON}`,
        HELD_FOR,
        headers,
      )
    : budgetExceeded(`${refused}. ${tryAgain(reason)}`, seconds, headers);
}

function tryAgain(reason: Refusal): string {
  return `Try again when the next ${PERIODS[reason]} (UTC) begins.`;
}
