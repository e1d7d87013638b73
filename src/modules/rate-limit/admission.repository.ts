import { Injectable } from '@nestjs/common';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database, type Statement } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import {
  type AdmissionRequest,
  type AdmissionResult,
  type AdmittedRun,
  type Budget,
  type ExtensionRequest,
  LEASE,
} from './admission.types.js';

const RESULT = `
  refused_by as "refusedBy", is_held as "isHeld", is_reserved as "isReserved",
  hourly_used as "hourlyUsed", hourly_seconds as "hourlySeconds",
  daily_used as "dailyUsed", daily_seconds as "dailySeconds", monthly_seconds as "monthlySeconds",
  room`;

const ADMIT = `
  select ${RESULT}
    from switchboard.admit('admit', $1::uuid, $2::uuid, $3::varchar, $4::integer, $5::integer, $6::numeric, $7::numeric,
                           $8::numeric, $9::numeric, 0, '${LEASE}'::interval, $10::integer, $11::uuid, $12::jsonb)`;

const PREVIEW = `
  select ${RESULT}
    from jsonb_to_recordset($2::jsonb)
           as request (agent varchar, hourly integer, daily integer, "dailyBudget" numeric, "monthlyBudget" numeric,
                       "expectedCost" numeric, position integer)
   cross join lateral switchboard.admit($3, null, $1::uuid, agent, hourly, daily, "dailyBudget", "monthlyBudget",
                                        "expectedCost", 0, 0, null, null, null, null)
   order by position`;

const EXTEND = `
  select ${RESULT}
    from switchboard.admit('extend', $1::uuid, $2::uuid, $3::varchar, null, null, $4::numeric, $5::numeric,
                           $6::numeric, $7::numeric, $8::numeric, '${LEASE}'::interval, null, null, null)`;

/** Rows that another statement has locked are being deleted with their user. */
const RENEW = `
  update switchboard.runs set expires_at = now() + '${LEASE}'::interval
   where id in (select id from switchboard.runs where id = any($1::uuid[]) for no key update skip locked)`;

/**
 * Runs on one instance at a time. Reservations are kept for a while after they expire, because a suspended process
 * renews them when it resumes. Calls that were sent are booked before their run is deleted.
 */
const SWEEP = `
  with turn as materialized (
    select pg_try_advisory_xact_lock(${ADVISORY_LOCKS.windowSweep}) as ours
  ), windows as (
    delete from rate_limit_tracking where id in (
      select id from rate_limit_tracking
       where (select ours from turn) and period_end < now() - interval '1 day'
       order by period_end limit $1::integer for update skip locked)
    returning 1
  ), reservations as (
    delete from switchboard.runs where id in (
      select id from switchboard.runs
       where (select ours from turn) and expires_at < now() - interval '1 hour' and calls = '{}'
       limit $1::integer for update skip locked)
    returning 1
  )
  select (select count(*) from windows)::integer as windows,
         (select count(*) from reservations)::integer as reservations`;

/** The statements of admission. Users may not write these tables, so all statements run as the service. */
@Injectable()
export class AdmissionRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** The statement that admits a run. Its one row is an {@link AdmissionResult}. */
  admitStatement(run: AdmittedRun, request: AdmissionRequest): Statement {
    const { userId, agentType, limits, expectedCost, reservedCost = expectedCost } = request;
    const budget = budgetOf(request);
    const parameters = [
      run.id,
      userId,
      agentType,
      orNull(limits.hourly),
      orNull(limits.daily),
      budget?.daily ?? null,
      budget?.monthly ?? null,
      expectedCost,
      reservedCost,
      this.instance.instanceId,
      run.messageId ?? null,
      run.sentCalls ?? null,
    ];
    return { text: ADMIT, parameters };
  }

  /**
   * The statement that says what admissions would find now. It returns an {@link AdmissionResult} for each request, in
   * the same order.
   *
   * @param isLocking whether no other run is admitted before the end of the transaction; the requests must then be in the
   *   order of `ANSWERING_AGENTS`
   */
  previewStatement(userId: string, requests: readonly AdmissionRequest[], isLocking: boolean): Statement {
    const rows = requests.map((request, position) => ({
      position,
      agent: request.agentType,
      hourly: orNull(request.limits.hourly),
      daily: orNull(request.limits.daily),
      dailyBudget: budgetOf(request)?.daily,
      monthlyBudget: budgetOf(request)?.monthly,
      expectedCost: request.expectedCost,
    }));
    return { text: PREVIEW, parameters: [userId, JSON.stringify(rows), isLocking ? 'route' : 'preview'] };
  }

  /** The rows of {@link previewStatement}, outside of a turn. */
  async preview(statement: Statement, userId: string | undefined): Promise<AdmissionResult[]> {
    const [rows = []] = await this.database.executeAsService([statement], userId);
    return rows as AdmissionResult[];
  }

  /** Reserves more for a run that was admitted, or nothing. */
  async extend(request: ExtensionRequest): Promise<AdmissionResult> {
    const { userId, agentType, runId, budget, expectedCost, reservedCost, freedCost } = request;
    const { daily = null, monthly = null } = budget;
    const parameters = [runId, userId, agentType, daily, monthly, expectedCost, reservedCost, freedCost];
    const [rows] = await this.database.executeAsService([{ text: EXTEND, parameters }], userId);
    return onlyOf<AdmissionResult>(rows);
  }

  async renewReservations(runIds: string[]): Promise<void> {
    await this.database.executeAsService([{ text: RENEW, parameters: [runIds] }]);
  }

  /** Removes at most `batch` windows and reservations that ended long ago, unless another instance is doing so. */
  async sweep(batch: number): Promise<{ windows: number; reservations: number }> {
    const [rows] = await this.database.executeAsService([{ text: SWEEP, parameters: [batch] }]);
    return onlyOf<{ windows: number; reservations: number }>(rows);
  }
}

function budgetOf({ budget, usesOwnKeys }: AdmissionRequest): Budget | undefined {
  return usesOwnKeys ? undefined : budget;
}

function onlyOf<T>(rows: unknown[] | undefined): T {
  if (rows?.length !== 1) throw new Error('A statement that must return one row returned none, or several.');
  return rows[0] as T;
}

/** A limit that is null does not apply. */
function orNull(limit: number): number | null {
  return limit === Infinity ? null : limit;
}
