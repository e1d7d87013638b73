import type { SqlFunction } from '../sql-functions.js';

/**
 * The single rule of admission. `mode` says what to do if the rule allows the request:
 * - `admit` counts the run in its hour and its day, and writes the row of the run with its reservation;
 * - `extend` adds to what a run has reserved;
 * - `route` changes nothing, but until the end of the transaction, no other run of the user and agent is admitted;
 * - `preview` changes nothing and waits for no lock: it returns what `admit` would find now.
 *
 * Admissions of one user to one agent run one after the other, on any number of servers. Each sees what the previous
 * one has written. A refusal changes nothing. Windows follow the clock of the database, which is read under the lock. A
 * limit or a budget that is null does not apply.
 *
 * What a model costs that chooses the agent counts against the budgets of all agents, because it is spent before the
 * agent is known.
 *
 * The expected cost of a run must fit into the budget together with the highest possible cost of the other runs. So
 * runs at the same time cannot spend more than the budget, even if their answers become long. `is_held` says that only
 * those reservations stand in the way. The run's own reservation does not count: `expected_cost` includes everything
 * that the run is still expected to spend. `room` is what the calls of the run may cost that are not booked yet. It is null
 * without a budget.
 *
 * The row of the run is written before the windows are counted, so that the row of the user is locked before the rows
 * of the windows. `is_reserved` is false if the run to extend has already ended.
 */
export const ADMIT: SqlFunction = {
  signature:
    'switchboard.admit(text, uuid, uuid, varchar, integer, integer, numeric, numeric, numeric, numeric, numeric, interval, integer, uuid, jsonb)',
  definition: `
  create or replace function switchboard.admit(
    mode text, run_id uuid, for_user uuid, for_agent varchar, hourly_limit integer, daily_limit integer,
    daily_budget numeric, monthly_budget numeric, expected_cost numeric, reserved_cost numeric, freed_cost numeric,
    lease interval, instance integer, answer uuid, sent_calls jsonb,
    out refused_by text, out is_held boolean, out is_reserved boolean,
    out hourly_used integer, out hourly_seconds double precision,
    out daily_used integer, out daily_seconds double precision, out monthly_seconds double precision,
    out room numeric
  ) language plpgsql set search_path = '' as $fn$
  declare
    moment timestamptz;
    hour_start timestamptz;
    hour_end timestamptz;
    day_start timestamptz;
    day_end timestamptz;
    month_start timestamp;
    limits_changed boolean := false;
    spent_today numeric;
    spent_this_month numeric;
    held numeric;
  begin
    if mode <> 'preview' then
      -- Nobody waits for this to reach the disk: what a crash of the database takes of it was not answered either.
      perform set_config('synchronous_commit', 'off', true);
      perform pg_advisory_xact_lock(hashtextextended(for_user::text || for_agent, 7264118313));
    end if;
    moment := clock_timestamp();
    hour_start := date_trunc('hour', moment, 'UTC');
    hour_end := hour_start + interval '1 hour';
    day_start := date_trunc('day', moment, 'UTC');
    day_end := day_start + interval '24 hours';
    month_start := date_trunc('month', moment at time zone 'UTC');
    is_held := false;
    is_reserved := false;
    hourly_used := 0;
    daily_used := 0;
    hourly_seconds := extract(epoch from hour_end - moment);
    daily_seconds := extract(epoch from day_end - moment);
    monthly_seconds := extract(epoch from (month_start + interval '1 month') at time zone 'UTC' - moment);

    if hourly_limit is not null or daily_limit is not null then
      select coalesce(max(tracking.request_count) filter (where tracking.limit_type = 'hourly'), 0),
             coalesce(max(tracking.request_count) filter (where tracking.limit_type = 'daily'), 0),
             coalesce(bool_or(tracking.limit_value
                              <> case tracking.limit_type when 'hourly' then hourly_limit else daily_limit end), false)
        into hourly_used, daily_used, limits_changed
        from public.rate_limit_tracking tracking
       where tracking.user_id = for_user and tracking.agent_type = for_agent
         and (tracking.limit_type, tracking.period_start) in (('hourly', hour_start), ('daily', day_start));
    end if;

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
               where user_id = for_user and agent_type in (for_agent, 'routing') and day >= month_start::date) spending,
             (select coalesce(sum(run.reserved_cost), 0) as cost from switchboard.runs run
               where run.user_id = for_user and run.agent_type in (for_agent, 'routing') and run.expires_at > moment
                 and run.id is distinct from run_id) reserved;
      if spent_this_month + held + expected_cost > monthly_budget then
        refused_by := 'monthly_budget';
        is_held := spent_this_month + expected_cost <= monthly_budget;
      elsif spent_today + held + expected_cost > daily_budget then
        refused_by := 'daily_budget';
        is_held := spent_today + expected_cost <= daily_budget;
      end if;
      room := least(monthly_budget - spent_this_month, daily_budget - spent_today) - held;
    end if;
    if mode in ('preview', 'route') then return; end if;

    if mode = 'extend' then
      if refused_by is not null then return; end if;
      update switchboard.runs run
         set reserved_cost = greatest(0, run.reserved_cost + admit.reserved_cost - freed_cost), expires_at = moment + lease
       where run.id = run_id and run.user_id = for_user and run.agent_type = for_agent;
      is_reserved := found;
    elsif refused_by is null then
      -- A run whose agent is chosen by a model has its row before it is admitted.
      insert into switchboard.runs as run
          (id, user_id, agent_type, instance_id, message_id, counted_hour, counted_day, reserved_cost, expires_at, calls)
        values (run_id, for_user, for_agent, instance, answer, hour_start, day_start,
                case when daily_budget is null and monthly_budget is null then 0 else admit.reserved_cost end,
                moment + lease, coalesce(sent_calls, '{}'))
        on conflict (id) do update
          set agent_type = excluded.agent_type, counted_hour = excluded.counted_hour, counted_day = excluded.counted_day,
              reserved_cost = excluded.reserved_cost, expires_at = excluded.expires_at,
              calls = run.calls || excluded.calls;
      is_reserved := true;
      with taken as (
        insert into public.rate_limit_tracking as tracking
            (user_id, agent_type, limit_type, period_start, period_end, request_count, limit_value)
          select for_user, for_agent, period.limit_type, period.period_start, period.period_end, 1, period.limit_value
            from (values ('daily', day_start, day_end, daily_limit), ('hourly', hour_start, hour_end, hourly_limit))
                 period (limit_type, period_start, period_end, limit_value)
           where period.limit_value is not null
           order by period.limit_type
          on conflict (user_id, agent_type, limit_type, period_start)
            do update set request_count = tracking.request_count + 1, limit_value = excluded.limit_value
          returning tracking.limit_type, tracking.request_count
      )
      select max(request_count) filter (where limit_type = 'hourly'),
             max(request_count) filter (where limit_type = 'daily')
        into hourly_used, daily_used from taken;
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
