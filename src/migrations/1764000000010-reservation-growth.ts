import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ADMIT } from './1764000000008-budgets.js';

/**
 * What is reserved is what a turn can come to, beside what it is expected to cost; and a turn that was let in may come to
 * need more than was reserved for it: it asks for it before it is spent.
 */
export class ReservationGrowth1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [`drop function ${OLD_ADMIT}`, ADMIT_WITH_RESERVE, EXTEND, RIGHTS])
      await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop function ${EXTENSION}, ${NEW_ADMIT}`);
    await runner.query(ADMIT);
    await runner.query(`revoke all on function ${OLD_ADMIT} from public`);
  }
}

const OLD_ADMIT = 'switchboard.admit(uuid, varchar, integer, integer, numeric, numeric, numeric, interval)';
const NEW_ADMIT =
  'switchboard.admit(uuid, varchar, integer, integer, numeric, numeric, numeric, numeric, interval)';
const EXTENSION =
  'switchboard.extend_reservation(uuid, varchar, uuid, numeric, numeric, numeric, numeric, numeric, interval)';

/**
 * As before, but for what is reserved: as much as the turn can come to. What one turn is expected to cost must fit beside
 * what the others can come to, so that turns which are answered at the same time do not spend more than is there, however
 * long their answers become. `is_held` says that nothing but those stands in the way.
 */
const ADMIT_WITH_RESERVE = `
  create function switchboard.admit(
    for_user uuid, for_agent varchar, hourly_limit integer, daily_limit integer,
    daily_budget numeric, monthly_budget numeric, expected_cost numeric, reserved_cost numeric, lease interval,
    out refused_by text, out is_held boolean, out window_ids uuid[], out reservation_id uuid,
    out hourly_used integer, out hourly_seconds double precision,
    out daily_used integer, out daily_seconds double precision, out monthly_seconds double precision
  ) language plpgsql set search_path = '' as $fn$
  declare
    moment timestamptz;
    hour_start timestamptz;
    hour_end timestamptz;
    day_start timestamptz;
    day_end timestamptz;
    month_start timestamp;
    limits_changed boolean;
    spent_today numeric;
    spent_this_month numeric;
    held numeric;
  begin
    -- Nobody waits for this to reach the disk: what a crash of the database takes of it was not answered either.
    perform set_config('synchronous_commit', 'off', true);
    perform pg_advisory_xact_lock(hashtextextended(for_user::text || for_agent, 7264118313));
    moment := clock_timestamp();
    hour_start := date_trunc('hour', moment, 'UTC');
    hour_end := hour_start + interval '1 hour';
    day_start := date_trunc('day', moment, 'UTC');
    day_end := day_start + interval '24 hours';
    month_start := date_trunc('month', moment at time zone 'UTC');
    is_held := false;
    hourly_seconds := extract(epoch from hour_end - moment);
    daily_seconds := extract(epoch from day_end - moment);
    monthly_seconds := extract(epoch from (month_start + interval '1 month') at time zone 'UTC' - moment);

    select coalesce(max(tracking.request_count) filter (where tracking.limit_type = 'hourly'), 0),
           coalesce(max(tracking.request_count) filter (where tracking.limit_type = 'daily'), 0),
           coalesce(bool_or(tracking.limit_value
                            <> case tracking.limit_type when 'hourly' then hourly_limit else daily_limit end), false)
      into hourly_used, daily_used, limits_changed
      from public.rate_limit_tracking tracking
     where tracking.user_id = for_user and tracking.agent_type = for_agent
       and (tracking.limit_type, tracking.period_start) in (('hourly', hour_start), ('daily', day_start));

    -- The one that lasts longest comes first: it says how long to wait.
    if daily_used >= daily_limit then refused_by := 'daily';
    elsif hourly_used >= hourly_limit then refused_by := 'hourly';
    elsif daily_budget is not null or monthly_budget is not null then
      -- One look at both: a cost that has just been settled is in one of them.
      select spending.today, spending.this_month, reserved.cost
        into spent_today, spent_this_month, held
        from (select coalesce(sum(cost) filter (where day >= (day_start at time zone 'UTC')::date), 0) as today,
                     coalesce(sum(cost), 0) as this_month
                from switchboard.daily_spending
               where user_id = for_user and agent_type = for_agent and day >= month_start::date) spending,
             (select coalesce(sum(cost), 0) as cost from switchboard.budget_reservations
               where user_id = for_user and agent_type = for_agent and expires_at > moment) reserved;
      if spent_this_month + held + expected_cost > monthly_budget then
        refused_by := 'monthly_budget';
        is_held := spent_this_month + expected_cost <= monthly_budget;
      elsif spent_today + held + expected_cost > daily_budget then
        refused_by := 'daily_budget';
        is_held := spent_today + expected_cost <= daily_budget;
      else
        insert into switchboard.budget_reservations (user_id, agent_type, cost, expires_at)
          values (for_user, for_agent, reserved_cost, moment + lease) returning id into reservation_id;
      end if;
    end if;

    if refused_by is null then
      with taken as (
        insert into public.rate_limit_tracking as tracking
            (user_id, agent_type, limit_type, period_start, period_end, request_count, limit_value)
          select for_user, for_agent, period.limit_type, period.period_start, period.period_end, 1, period.limit_value
            from (values ('daily', day_start, day_end, daily_limit), ('hourly', hour_start, hour_end, hourly_limit))
                 period (limit_type, period_start, period_end, limit_value)
           order by period.limit_type
          on conflict (user_id, agent_type, limit_type, period_start)
            do update set request_count = tracking.request_count + 1, limit_value = excluded.limit_value
          returning tracking.id, tracking.limit_type, tracking.request_count
      )
      select array_agg(id), max(request_count) filter (where limit_type = 'hourly'),
             max(request_count) filter (where limit_type = 'daily')
        into window_ids, hourly_used, daily_used from taken;
    elsif limits_changed then
      update public.rate_limit_tracking tracking set limit_value = daily_limit
       where tracking.user_id = for_user and tracking.agent_type = for_agent
         and tracking.limit_type = 'daily' and tracking.period_start = day_start;
      update public.rate_limit_tracking tracking set limit_value = hourly_limit
       where tracking.user_id = for_user and tracking.agent_type = for_agent
         and tracking.limit_type = 'hourly' and tracking.period_start = hour_start;
    end if;
  end $fn$`;

/**
 * Comes after the admissions and extensions of the same user and agent that have begun before it, like an admission: each
 * sees what the one before it has reserved. A refusal changes nothing.
 *
 * What the turn itself has reserved does not stand in its way: `expected_cost` has all that it is still expected to spend.
 * What is freed had been reserved by it for calls that are in `usage_logs` by now. A reservation that is not there (any
 * more) can not grow: the turn is over, and `is_reserved` false.
 */
const EXTEND = `
  create function switchboard.extend_reservation(
    for_user uuid, for_agent varchar, reservation uuid, daily_budget numeric, monthly_budget numeric,
    expected_cost numeric, reserved_cost numeric, freed_cost numeric, lease interval,
    out refused_by text, out is_held boolean, out is_reserved boolean,
    out daily_seconds double precision, out monthly_seconds double precision
  ) language plpgsql set search_path = '' as $fn$
  declare
    moment timestamptz;
    day_start timestamptz;
    month_start timestamp;
    spent_today numeric;
    spent_this_month numeric;
    held_by_others numeric;
  begin
    perform set_config('synchronous_commit', 'off', true);
    perform pg_advisory_xact_lock(hashtextextended(for_user::text || for_agent, 7264118313));
    moment := clock_timestamp();
    day_start := date_trunc('day', moment, 'UTC');
    month_start := date_trunc('month', moment at time zone 'UTC');
    daily_seconds := extract(epoch from day_start + interval '24 hours' - moment);
    monthly_seconds := extract(epoch from (month_start + interval '1 month') at time zone 'UTC' - moment);
    is_held := false;
    is_reserved := false;

    -- One look at both, as in an admission.
    select spending.today, spending.this_month, reserved.cost into spent_today, spent_this_month, held_by_others
      from (select coalesce(sum(cost) filter (where day >= (day_start at time zone 'UTC')::date), 0) as today,
                   coalesce(sum(cost), 0) as this_month
              from switchboard.daily_spending
             where user_id = for_user and agent_type = for_agent and day >= month_start::date) spending,
           (select coalesce(sum(cost), 0) as cost from switchboard.budget_reservations
             where user_id = for_user and agent_type = for_agent and expires_at > moment and id <> reservation) reserved;
    if spent_this_month + held_by_others + expected_cost > monthly_budget then
      refused_by := 'monthly_budget';
      is_held := spent_this_month + expected_cost <= monthly_budget;
    elsif spent_today + held_by_others + expected_cost > daily_budget then
      refused_by := 'daily_budget';
      is_held := spent_today + expected_cost <= daily_budget;
    else
      update switchboard.budget_reservations held
         set cost = greatest(0, held.cost + reserved_cost - freed_cost), expires_at = moment + lease
       where held.id = reservation and held.user_id = for_user and held.agent_type = for_agent;
      is_reserved := found;
    end if;
  end $fn$`;

const RIGHTS = `revoke all on function ${NEW_ADMIT}, ${EXTENSION} from public`;
