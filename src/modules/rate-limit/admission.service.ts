import { Injectable, Logger } from '@nestjs/common';
import type { Statement } from '../../common/database/database.js';
import { type AppError, budgetExceeded, rateLimited } from '../../common/errors/app-error.js';
import { rateLimitRefusals } from '../../common/observability/metrics.js';
import { ANSWERING_AGENTS } from '../admin-config/config-schemas.js';
import { Admission, type Extend } from './admission.js';
import { AdmissionRepository } from './admission.repository.js';
import type {
  AdmissionRequest,
  AdmissionResult,
  AdmittedRun,
  Budget,
  Refusal,
  RequestLimits,
} from './admission.types.js';
import { ReservationLeases } from './reservation-leases.js';

/** `limit_value` is an integer. */
const LARGEST_LIMIT = 2 ** 31 - 1;

/** The seconds after which a running answer may have ended and released its reservation. */
const HELD_FOR = 5;
const SOON = 'Try again when they have ended.';

type BudgetRefusal = Extract<Refusal, `${string}_budget`>;

const PERIODS: Record<Refusal, string> = {
  hourly: 'hour',
  daily: 'day',
  daily_budget: 'day',
  monthly_budget: 'month',
};

/** Checks limits and budgets before a run is admitted. The rule itself is in `switchboard.admit`. */
@Injectable()
export class AdmissionService {
  private readonly logger = new Logger(AdmissionService.name);

  constructor(
    private readonly repository: AdmissionRepository,
    private readonly leases: ReservationLeases,
  ) {
    // Prometheus sees no increase in a counter whose first value is 1, so the counters start at 0.
    for (const agent of ANSWERING_AGENTS)
      for (const reason of Object.keys(PERIODS)) rateLimitRefusals.inc({ agent, reason }, 0);
  }

  /**
   * Counts a run in its hour and its day, and reserves its expected cost, in one atomic statement. With any concurrency
   * and any number of servers, exactly as many runs are admitted as the limits allow. A refusal counts nowhere. The
   * statement must run in a transaction that is rolled back if {@link toAdmission} throws.
   */
  admitStatement(run: AdmittedRun, request: AdmissionRequest): Statement {
    return this.repository.admitStatement(run, checkedRequest(request));
  }

  /**
   * Interprets the one row of {@link admitStatement}.
   *
   * @param book resolves when the calls of the run that have ended so far are booked
   * @throws AppError 429 `rate_limited` or `budget_exceeded`, with `Retry-After` and the headers of the limit
   */
  toAdmission(
    run: AdmittedRun,
    request: AdmissionRequest,
    result: AdmissionResult | undefined,
    book: () => Promise<unknown>,
  ): Admission {
    if (!result) throw new Error('An admission statement returned no result.');
    const checked = checkedRequest(request);
    const headers = headersOf(result, checked.limits);
    if (result.refusedBy !== null) throw this.refuse(checked, result, result.refusedBy, headers);
    const { budget } = checked;
    if (!budget) return new Admission(headers, undefined, book);
    this.leases.hold(run.id);
    return new Admission(headers, this.extending(run, { ...checked, budget }), book, {
      ...checked,
      budget,
      room: roomOf(result),
    });
  }

  /**
   * The statement that checks whether any of several agents would admit their user, without admitting a run. Pass its
   * rows to {@link assertAnyAllowed}. The result is no guarantee: the statement of {@link admitStatement} decides.
   *
   * @param routingCost what is reserved in the same transaction for the choice of the agent
   */
  previewStatement(requests: readonly AdmissionRequest[], routingCost = 0): Statement {
    const [first] = requests;
    if (!first) throw new Error('There is no admission to check.');
    return this.repository.previewStatement(first.userId, requests.map(checkedRequest), routingCost > 0);
  }

  /** @throws AppError like {@link toAdmission}, for the first request, if no agent would admit its user */
  assertAnyAllowed(requests: readonly AdmissionRequest[], results: readonly AdmissionResult[]): void {
    const [request] = requests;
    const [result] = results;
    if (!request || results.length !== requests.length)
      throw new Error('An admission check returned no result.');
    if (!result?.refusedBy || results.some(({ refusedBy }) => refusedBy === null)) return;
    const checked = checkedRequest(request);
    throw this.refuse(checked, result, result.refusedBy, headersOf(result, checked.limits));
  }

  /** @throws AppError like {@link assertAnyAllowed}, unless an agent would admit its user once running answers have ended */
  async assertPossible(requests: readonly AdmissionRequest[]): Promise<void> {
    const results = await this.repository.preview(this.previewStatement(requests), requests[0]?.userId);
    if (!results.some(({ isHeld }) => isHeld)) this.assertAnyAllowed(requests, results);
  }

  /** Releases the whole reservation of a run that has ended. */
  release(runId: string): void {
    this.leases.release(runId);
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

  private extending(
    run: AdmittedRun,
    { userId, agentType, budget }: AdmissionRequest & { budget: Budget },
  ): Extend {
    return async ({ expectedCost, reservedCost, freedCost, what }) => {
      const result = await this.repository.extend({
        userId,
        agentType,
        runId: run.id,
        budget,
        expectedCost: checkedCost(expectedCost),
        reservedCost: checkedCost(reservedCost),
        freedCost,
      });
      const { refusedBy: reason, isReserved } = result;
      if (reason === 'daily_budget' || reason === 'monthly_budget') {
        rateLimitRefusals.inc({ agent: agentType, reason });
        this.logger.log({ userId, agent: agentType, reason }, 'A call of a turn was not admitted.');
        throw budgetRefusal(reason, agentType, budget, result, what);
      }
      if (!isReserved) throw new Error('The reservation of a run no longer exists.');
      return roomOf(result);
    };
  }
}

function checkedRequest(request: AdmissionRequest): AdmissionRequest {
  const limits = {
    hourly: storableLimit(request.limits.hourly),
    daily: storableLimit(request.limits.daily),
  };
  const { expectedCost, reservedCost = expectedCost } = request;
  return {
    ...request,
    limits,
    expectedCost: checkedCost(expectedCost),
    reservedCost: checkedCost(reservedCost),
  };
}

/** USD. Undefined if the budget did not apply. */
function roomOf({ room }: AdmissionResult): number | undefined {
  return room === null ? undefined : Number(room);
}

function storableLimit(limit: number): number {
  return limit === Infinity ? limit : Math.min(limit, LARGEST_LIMIT);
}

/** @throws RangeError if the value cannot be a cost; it comes from this server, not from a client */
function checkedCost(cost: string | number): string {
  const value = Number(cost);
  if (cost === '' || !Number.isFinite(value) || value < 0)
    throw new RangeError(`An expected cost cannot be ${JSON.stringify(cost)}.`);
  return String(cost);
}

/** Describes the window with the fewest requests left, or the longer window if both have the same number left. */
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
  reason: BudgetRefusal,
  agent: string,
  budget: Budget | undefined,
  {
    isHeld,
    dailySeconds,
    monthlySeconds,
  }: Pick<AdmissionResult, 'isHeld' | 'dailySeconds' | 'monthlySeconds'>,
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
