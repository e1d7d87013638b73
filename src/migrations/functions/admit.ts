import type { SqlFunction } from '../sql-functions.js';

/**
 * The admissions of one user to one agent run one after the other, across all servers. Each sees what the previous one
 * has written. A refusal changes nothing. Windows follow the clock of the database, read under the lock.
 *
 * The expected cost of a turn must fit beside the maximum cost of the user's other running turns. Concurrent turns
 * therefore do not spend more than the budget, however long their answers become. `is_held` means that only those
 * reservations are in the way. The reservation is written before the windows are counted, so that the user's row is
 * locked before the rows of the windows.
 */
export const ADMIT: SqlFunction = {
  signature:
    'switchboard.admit(uuid, varchar, integer, integer, numeric, numeric, numeric, numeric, interval)',
  definition: `
  create or replace function switchboard.admit(
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
    -- The commit does not wait for the disk: if a database crash loses it, the turn was not answered either.
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

    -- The longest period comes first, because it determines how long to wait.
    if daily_used >= daily_limit then refused_by := 'daily';
    elsif hourly_used >= hourly_limit then refused_by := 'hourly';
    elsif daily_budget is not null or monthly_budget is not null then
      -- Both are read at one moment: a cost that has just been settled is in one of them.
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
  end $fn$`,
};
