import { Injectable } from '@nestjs/common';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database, type Statement } from '../../common/database/database.js';
import type { AgentType } from '../admin-config/config-schemas.js';
import type {
  AdmissionRequest,
  AdmissionResult,
  ExtensionRequest,
  ExtensionResult,
} from './admission.types.js';

/** How long a reservation lives without being renewed: a crash keeps what it had reserved from others no longer. */
const LEASE = '2 minutes';

const ADMIT = `
  select refused_by as "refusedBy", is_held as "isHeld", window_ids as "windowIds", reservation_id as "reservationId",
         hourly_used as "hourlyUsed", hourly_seconds as "hourlySeconds",
         daily_used as "dailyUsed", daily_seconds as "dailySeconds", monthly_seconds as "monthlySeconds"
    from switchboard.admit($1::uuid, $2::varchar, $3::integer, $4::integer,
                           $5::numeric, $6::numeric, $7::numeric, $8::numeric, '${LEASE}'::interval)`;

/** What an admission would find now. It waits for nobody, and counts nothing. */
const LOOK = `
  select windows."hourlyUsed", windows."dailyUsed",
         spending.today as "spentToday", spending.this_month as "spentThisMonth", reserved.cost as reserved,
         extract(epoch from moment.hour + interval '1 hour' - now())::float8 as "hourlySeconds",
         extract(epoch from moment.day + interval '24 hours' - now())::float8 as "dailySeconds",
         extract(epoch from (moment.month + interval '1 month') at time zone 'UTC' - now())::float8 as "monthlySeconds"
    from unnest($2::varchar[]) with ordinality agent (type, position)
   cross join (select date_trunc('hour', now(), 'UTC') as hour, date_trunc('day', now(), 'UTC') as day,
                      date_trunc('month', now() at time zone 'UTC') as month) moment
   cross join lateral (
     select coalesce(max(request_count) filter (where limit_type = 'hourly'), 0) as "hourlyUsed",
            coalesce(max(request_count) filter (where limit_type = 'daily'), 0) as "dailyUsed"
       from rate_limit_tracking
      where user_id = $1 and agent_type = agent.type
        and (limit_type, period_start) in (('hourly', moment.hour), ('daily', moment.day))
   ) windows
   cross join lateral (
     select coalesce(sum(cost) filter (where day >= (moment.day at time zone 'UTC')::date), 0) as today,
            coalesce(sum(cost), 0) as this_month
       from switchboard.daily_spending
      where user_id = $1 and agent_type = agent.type and day >= moment.month::date
   ) spending
   cross join lateral (
     select coalesce(sum(cost), 0) as cost from switchboard.budget_reservations
      where user_id = $1 and agent_type = agent.type and expires_at > now()
   ) reserved
   order by agent.position`;

const EXTEND = `
  select refused_by as "refusedBy", is_held as "isHeld", is_reserved as "isReserved",
         daily_seconds as "dailySeconds", monthly_seconds as "monthlySeconds"
    from switchboard.extend_reservation($1::uuid, $2::varchar, $3::uuid, $4::numeric, $5::numeric,
                                        $6::numeric, $7::numeric, $8::numeric, '${LEASE}'::interval)`;

/** Locks in the order in which admissions count. */
const GIVE_BACK = `
  with place as (
    select id from rate_limit_tracking where id = any($1::uuid[]) order by limit_type for no key update
  ), reservation as (
    delete from switchboard.budget_reservations where id = $2::uuid
  )
  update rate_limit_tracking tracking set request_count = tracking.request_count - 1
    from place where tracking.id = place.id and tracking.request_count > 0`;

/** What another statement holds at this moment is being removed with its user. */
const RENEW = `
  update switchboard.budget_reservations set expires_at = now() + '${LEASE}'::interval
   where id in (select id from switchboard.budget_reservations where id = any($1::uuid[])
                   for no key update skip locked)`;

/** One instance at a time. Reservations stay for a while after they have run out: a process that was only asleep renews them. */
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
    delete from switchboard.budget_reservations where id in (
      select id from switchboard.budget_reservations
       where (select ours from turn) and expires_at < now() - interval '1 hour'
       limit $1::integer for update skip locked)
    returning 1
  )
  select (select count(*) from windows)::integer as windows,
         (select count(*) from reservations)::integer as reservations`;

/** The statements of admission. No user may write any of this: all of them run as the service. */
@Injectable()
export class AdmissionRepository {
  constructor(private readonly database: Database) {}

  async admit(request: AdmissionRequest): Promise<AdmissionResult> {
    const [rows] = await this.database.executeAsService([this.admitting(request)], request.userId);
    return onlyOf<AdmissionResult>(rows);
  }

  /** The statement that admits; its one row is an {@link AdmissionResult}. */
  admitting(request: AdmissionRequest): Statement {
    const { userId, agentType, limits, budget, expectedCost, reservedCost = expectedCost } = request;
    const parameters = [
      userId,
      agentType,
      limits.hourly,
      limits.daily,
      budget?.daily ?? null,
      budget?.monthly ?? null,
      expectedCost,
      reservedCost,
    ];
    return { text: ADMIT, parameters };
  }

  /** The statement that tells how far a user is from the limits of some agents: an {@link AgentUse} each, in their order. */
  looking(userId: string, agentTypes: AgentType[]): Statement {
    return { text: LOOK, parameters: [userId, agentTypes] };
  }

  /** Reserves more for a turn that was let in, or nothing. */
  async extend(request: ExtensionRequest): Promise<ExtensionResult> {
    const { userId, agentType, reservationId, budget, expectedCost, reservedCost, freedCost } = request;
    const { daily = null, monthly = null } = budget;
    const parameters = [
      userId,
      agentType,
      reservationId,
      daily,
      monthly,
      expectedCost,
      reservedCost,
      freedCost,
    ];
    const [rows] = await this.database.executeAsService([{ text: EXTEND, parameters }], userId);
    return onlyOf<ExtensionResult>(rows);
  }

  /** Takes a request out of the windows that it was counted in, and drops its reservation. Not repeatable. */
  async giveBack(userId: string, windowIds: string[], reservationId: string | null): Promise<void> {
    const parameters = [windowIds, reservationId];
    await this.database.executeAsService([{ text: GIVE_BACK, parameters }], userId);
  }

  async dropReservation(userId: string, id: string): Promise<void> {
    await this.database.executeAsService([this.dropping(id)], userId);
  }

  /** The statement that drops a reservation; it may be repeated. */
  dropping(id: string): Statement {
    return { text: 'delete from switchboard.budget_reservations where id = $1', parameters: [id] };
  }

  async renewReservations(ids: string[]): Promise<void> {
    await this.database.executeAsService([{ text: RENEW, parameters: [ids] }]);
  }

  /** Removes at most `batch` windows and reservations that are long over, unless another instance is at it. */
  async sweep(batch: number): Promise<{ windows: number; reservations: number }> {
    const [rows] = await this.database.executeAsService([{ text: SWEEP, parameters: [batch] }]);
    return onlyOf<{ windows: number; reservations: number }>(rows);
  }
}

function onlyOf<T>(rows: unknown[] | undefined): T {
  if (rows?.length !== 1) throw new Error('A statement that must return one row returned none, or several.');
  return rows[0] as T;
}
