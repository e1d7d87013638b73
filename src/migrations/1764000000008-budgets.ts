import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Admission: what users have spent a day, counted by triggers so that it can't differ from `usage_logs`; what running
 * turns may still spend; and the function that lets a turn in.
 */
export class Budgets1764000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [TABLES, COUNTING, SPENT_SO_FAR, ADMIT, RIGHTS]) await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function switchboard.admit(uuid, varchar, integer, integer, numeric, numeric, numeric, interval);
      drop trigger usage_spending_truncated on public.usage_logs;
      drop trigger usage_spending_deleted on public.usage_logs;
      drop trigger usage_spending_changed on public.usage_logs;
      drop trigger usage_spending_added on public.usage_logs;
      drop function switchboard.count_spending();
      drop index public.idx_rate_limit_period_end;
      drop table switchboard.budget_reservations, switchboard.daily_spending`);
  }
}

/** Sums may be larger than a single cost: `numeric(10,6)` would end at 10,000 dollars, and then fail the usage row. */
const TABLES = `
  create table switchboard.daily_spending (
    user_id uuid not null references auth.users (id) on delete cascade,
    agent_type varchar(16) not null,
    day date not null,
    cost numeric(20, 6) not null,
    primary key (user_id, agent_type, day)
  );

  create table switchboard.budget_reservations (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    agent_type varchar(16) not null,
    cost numeric not null check (cost >= 0),
    expires_at timestamptz(3) not null
  );
  create index idx_budget_reservations_user_agent on switchboard.budget_reservations (user_id, agent_type);

  create index idx_rate_limit_period_end on public.rate_limit_tracking (period_end)`;

/**
 * Once a statement, not once a row: a thousand rows of one user are one change of their sum. Definers, because whoever
 * deletes a user (the auth server) deletes the rows of their usage, too.
 */
export const COUNTING = `
  create function switchboard.count_spending() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  begin
    if tg_op = 'INSERT' then
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
        select user_id, agent_type, (request_timestamp at time zone 'UTC')::date as day, sum(total_cost)
          from added where total_cost <> 0 group by user_id, agent_type, day order by user_id, agent_type, day
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
    elsif tg_op = 'UPDATE' then
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
        select user_id, agent_type, (request_timestamp at time zone 'UTC')::date as day, sum(cost)
          from (select user_id, agent_type, request_timestamp, total_cost as cost from added
                union all select user_id, agent_type, request_timestamp, -total_cost from removed) changed
         group by user_id, agent_type, day having sum(cost) <> 0 order by user_id, agent_type, day
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
    elsif tg_op = 'DELETE' then
      -- Not an insert: the user may be gone, too.
      update switchboard.daily_spending spending set cost = spending.cost - deleted.cost
        from (select user_id, agent_type, (request_timestamp at time zone 'UTC')::date as day, sum(total_cost) as cost
                from removed where total_cost <> 0 group by user_id, agent_type, day) deleted
       where (spending.user_id, spending.agent_type, spending.day) = (deleted.user_id, deleted.agent_type, deleted.day);
    else
      delete from switchboard.daily_spending;
    end if;
    return null;
  end $fn$;

  create trigger usage_spending_added after insert on public.usage_logs
    referencing new table as added for each statement execute function switchboard.count_spending();
  create trigger usage_spending_changed after update on public.usage_logs
    referencing old table as removed new table as added for each statement execute function switchboard.count_spending();
  create trigger usage_spending_deleted after delete on public.usage_logs
    referencing old table as removed for each statement execute function switchboard.count_spending();
  create trigger usage_spending_truncated after truncate on public.usage_logs
    for each statement execute function switchboard.count_spending()`;

/** The triggers above keep other writers out until this is done. */
const SPENT_SO_FAR = `
  insert into switchboard.daily_spending (user_id, agent_type, day, cost)
    select user_id, agent_type, (request_timestamp at time zone 'UTC')::date, sum(total_cost)
      from public.usage_logs group by 1, 2, 3 having sum(total_cost) <> 0`;

/**
 * The admissions of one user to one agent come one after the other, on however many servers: each sees what the one
 * before it has written. A refusal takes nothing. Windows are of the database's clock, read when it is our turn.
 *
 * What is reserved comes before the windows are counted, so that the user's row is locked before theirs are.
 */
export const ADMIT = `
  create function switchboard.admit(
    for_user uuid, for_agent varchar, hourly_limit integer, daily_limit integer,
    daily_budget numeric, monthly_budget numeric, expected_cost numeric, lease interval,
    out refused_by text, out window_ids uuid[], out reservation_id uuid,
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
      select spending.today + reserved.cost, spending.this_month + reserved.cost
        into spent_today, spent_this_month
        from (select coalesce(sum(cost) filter (where day >= (day_start at time zone 'UTC')::date), 0) as today,
                     coalesce(sum(cost), 0) as this_month
                from switchboard.daily_spending
               where user_id = for_user and agent_type = for_agent and day >= month_start::date) spending,
             (select coalesce(sum(cost), 0) as cost from switchboard.budget_reservations
               where user_id = for_user and agent_type = for_agent and expires_at > moment) reserved;
      if spent_this_month + expected_cost > monthly_budget then refused_by := 'monthly_budget';
      elsif spent_today + expected_cost > daily_budget then refused_by := 'daily_budget';
      else
        insert into switchboard.budget_reservations (user_id, agent_type, cost, expires_at)
          values (for_user, for_agent, expected_cost, moment + lease) returning id into reservation_id;
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

/** Only the service admits, and only triggers count. */
const RIGHTS = `
  revoke all on switchboard.daily_spending, switchboard.budget_reservations from public, anon, authenticated;
  revoke all on function switchboard.count_spending(),
    switchboard.admit(uuid, varchar, integer, integer, numeric, numeric, numeric, interval) from public`;
