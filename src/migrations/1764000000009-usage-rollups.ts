import type { MigrationInterface, QueryRunner } from 'typeorm';
import { COUNTING } from './1764000000008-budgets.js';
import {
  archivedCallsOf,
  callsOf,
  CORRECT,
  DIFFERENCE,
  groupedDifferences,
  REMOVE_EMPTIED,
  rollUp,
} from './1764000000009-usage-statements.js';

/**
 * Usage of months and years that is read without its rows. Triggers note how each statement changes the sums
 * (`usage_pending`), a fold adds that to the rollups a moment later; rollups and what is pending are exact at every moment.
 */
export class UsageRollups1764000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [
      TABLES,
      RIGHTS_ON_TABLES,
      LOCK,
      FOLD,
      REBUILD,
      NO_COUNTING,
      COUNT,
      COUNT_ARCHIVED,
    ]) {
      await runner.query(statements);
    }
    await runner.query(RIGHTS_ON_FUNCTIONS);
    // The new triggers keep other writers out until this is done: half a minute, or a minute, for five million rows.
    await runner.query('set local statement_timeout = 0');
    await runner.query('select switchboard.rebuild_usage()');
  }

  /** What was purged is gone with its archive: before the rollups nothing knew of it. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger usage_truncated on public.usage_logs;
      drop trigger usage_deleted on public.usage_logs;
      drop trigger usage_changed on public.usage_logs;
      drop trigger usage_added on public.usage_logs;
      drop table switchboard.usage_archive, switchboard.usage_pending, switchboard.usage_user_kinds,
        switchboard.usage_user_rollups, switchboard.usage_rollups;
      drop function switchboard.count_archived_usage();
      drop function switchboard.count_usage();
      drop function switchboard.rebuild_usage();
      drop function switchboard.fold_usage(integer);
      drop function switchboard.try_usage_lock()`);
    await runner.query(COUNTING);
    await runner.query('revoke all on function switchboard.count_spending() from public');
  }
}

/** Key of the advisory lock of whoever writes the rollups. */
const USAGE_LOCK = 7_264_118_310;

/** More rows than these in one statement are not left to the fold. */
const MANY_ROWS = 5_000;

const CALL_KEY = `
    agent_type varchar(16) not null, provider varchar(64) not null,
    model_used varchar(200) not null,
    status varchar(16) not null,
    calls bigint not null`;

const FIGURES = `
    input_tokens bigint not null,
    output_tokens bigint not null,
    total_tokens bigint not null,
    input_cost numeric(20, 6) not null,
    output_cost numeric(20, 6) not null,
    total_cost numeric(20, 6) not null`;

/**
 * Reports about one user read `usage_user_kinds`, so its key begins with the user. Lists of users read `usage_user_rollups`,
 * which has far fewer rows: one for all kinds of calls.
 *
 * A size of bucket has a part of its own, so that the days of a year lie side by side and not among their quarters of
 * an hour. The present buckets change with every fold: there is room for that in their pages.
 */
const TABLES = `
  create table switchboard.usage_rollups (
    granularity smallint not null check (granularity in (15, 60, 1440)),
    bucket timestamptz(3) not null,
    ${CALL_KEY},
    ${FIGURES},
    primary key (granularity, bucket, agent_type, provider, model_used, status)
  ) partition by list (granularity);
  create table switchboard.usage_rollups_quarters partition of switchboard.usage_rollups for values in (15)
    with (fillfactor = 80);
  create table switchboard.usage_rollups_hours partition of switchboard.usage_rollups for values in (60)
    with (fillfactor = 80);
  create table switchboard.usage_rollups_days partition of switchboard.usage_rollups for values in (1440)
    with (fillfactor = 80);

  create table switchboard.usage_user_rollups (
    granularity varchar(8) not null check (granularity in ('day', 'month')),
    bucket date not null,
    user_id uuid not null,
    calls bigint not null,
    errors bigint not null,
    ${FIGURES},
    primary key (granularity, bucket, user_id)
  ) with (fillfactor = 80);
  create index idx_usage_user_rollups_user on switchboard.usage_user_rollups (user_id);

  create table switchboard.usage_user_kinds (
    user_id uuid not null,
    granularity varchar(8) not null check (granularity in ('day', 'month')), bucket date not null,
    ${CALL_KEY},
    ${FIGURES},
    primary key (user_id, granularity, bucket, agent_type, provider, model_used, status)
  ) with (fillfactor = 80);

  create table switchboard.usage_pending (
    id bigint generated always as identity primary key,
    user_id uuid not null,
    bucket timestamptz(3) not null,
    ${CALL_KEY},
    ${FIGURES}
  );

  create table switchboard.usage_archive (
    user_id uuid not null references auth.users (id) on delete cascade,
    bucket timestamptz(3) not null,
    ${CALL_KEY},
    ${FIGURES},
    primary key (user_id, bucket, agent_type, provider, model_used, status)
  );
  create index idx_usage_archive_bucket on switchboard.usage_archive (bucket)`;

const PARTS = ['usage_rollups_quarters', 'usage_rollups_hours', 'usage_rollups_days'];
const READABLE = ['usage_user_rollups', 'usage_user_kinds', 'usage_pending', 'usage_archive'];
const WHOLE = ['usage_rollups', ...READABLE].map((table) => `switchboard.${table}`).join(', ');

/** Parts are read through their table, whose policy holds for them, too. */
const RIGHTS_ON_TABLES = `
  ${['usage_rollups', ...READABLE, ...PARTS]
    .map((table) => `alter table switchboard.${table} enable row level security;`)
    .join('\n  ')}
  create policy usage_rollups_select on switchboard.usage_rollups for select to authenticated
    using ((select switchboard.is_admin()));
  ${READABLE.map(
    (table) => `
  create policy ${table}_select on switchboard.${table} for select to authenticated
    using (user_id = (select switchboard.user_id()) or (select switchboard.is_admin()));`,
  ).join('')}
  revoke all on ${WHOLE}, ${PARTS.map((part) => `switchboard.${part}`).join(', ')} from public, anon, authenticated;
  grant select on ${WHOLE} to authenticated, service_role`;

/**
 * Who writes the rollups is alone. A writer of usage_logs holds locks of its own and may never wait for that one: it asks
 * for about a second, longer than a fold takes, and leaves its differences to the fold otherwise.
 */
const LOCK = `
  create function switchboard.try_usage_lock() returns boolean language plpgsql set search_path = '' as $fn$
  begin
    for attempt in 1..20 loop
      if pg_try_advisory_xact_lock(${USAGE_LOCK}) then return true; end if;
      perform pg_sleep(0.05);
    end loop;
    return false;
  end $fn$`;

/** Nobody waits for a fold to reach the disk: what a crash takes of it is pending again. */
const FOLD = `
  create function switchboard.fold_usage(max_rows integer) returns integer
    language plpgsql set search_path = '' as $fn$
  declare
    folded integer;
    emptied tid[]; emptied_of_users tid[]; emptied_kinds tid[];
  begin
    if not pg_try_advisory_xact_lock(${USAGE_LOCK}) then return 0; end if;
    perform set_config('synchronous_commit', 'off', true);
    ${rollUp(
      `
      delete from switchboard.usage_pending
       where ctid = any (array(select ctid from switchboard.usage_pending limit max_rows))
      returning ${DIFFERENCE}`,
      { column: '(select count(*) from differences)', into: 'folded' },
    )};
    ${REMOVE_EMPTIED};
    return folded;
  end $fn$`;

/**
 * Writers go on: what they write meanwhile is pending. Rows are locked before the rollups, as whoever truncates them does.
 * Returns the number of rows of the rollups that were not right, or missing.
 */
const REBUILD = `
  create function switchboard.rebuild_usage() returns bigint
    language plpgsql set search_path = '' set work_mem = '64MB' as $fn$
  declare
    corrected bigint;
  begin
    lock table public.usage_logs, switchboard.usage_archive in access share mode;
    perform pg_advisory_xact_lock(${USAGE_LOCK});
    ${CORRECT} into corrected;
    return corrected;
  end $fn$`;

/** One trigger counts both: what users have spent, and what goes into the rollups. */
const NO_COUNTING = `
  drop trigger usage_spending_truncated on public.usage_logs;
  drop trigger usage_spending_deleted on public.usage_logs;
  drop trigger usage_spending_changed on public.usage_logs;
  drop trigger usage_spending_added on public.usage_logs;
  drop function switchboard.count_spending()`;

/**
 * Into the rollups at once, or into what is pending; the lock is taken before any row is. To group few rows would take
 * longer than to fold them one by one.
 *
 * @param few how they are noted when they are few
 */
const count = (differences: string, few = differences) => `
      if at_once then
        ${rollUp(differences)};
        ${REMOVE_EMPTIED};
      elsif affected > ${MANY_ROWS} then
        insert into switchboard.usage_pending (${DIFFERENCE}) ${groupedDifferences(differences)};
      else
        insert into switchboard.usage_pending (${DIFFERENCE}) ${few};
      end if`;

const rowsOf = (relation: string, condition = '') =>
  `(select count(*) from (select from ${relation} ${condition} limit ${MANY_ROWS + 1}) as counted)`;

/** Most changes are of what is not summed up, and come to nothing. */
const CHANGES = `${callsOf('added')} union all ${callsOf('removed', '-')}`;

const DAY = `(request_timestamp at time zone 'UTC')::date`;

/** What nearly every statement is, without the cost of grouping: one call has ended. Afterwards `found` says whether. */
const countOneEnd = (condition: string) => `
      with pending as (
        insert into switchboard.usage_pending (${DIFFERENCE}) ${callsOf('added')} and ${condition}
        returning user_id, agent_type, (bucket at time zone 'UTC')::date, total_cost
      )
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost) select * from pending
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
      if found then return null; end if`;

/**
 * Once a statement, not once a row. Definers, because whoever deletes a user (the auth server) deletes the rows of their
 * usage, too.
 */
const COUNT = `
  create function switchboard.count_usage() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    affected integer;
    at_once boolean;
    emptied tid[]; emptied_of_users tid[]; emptied_kinds tid[];
  begin
    if tg_op = 'INSERT' then
      -- The row of a call that begins counts nothing.
      affected := ${rowsOf('added', 'where response_timestamp is not null or total_cost <> 0')};
      if affected = 0 then return null; end if;
      if affected = 1 then ${countOneEnd('true')}; end if;
      at_once := affected > ${MANY_ROWS} and switchboard.try_usage_lock();
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
        select user_id, agent_type, ${DAY} as day, sum(total_cost)
          from added where total_cost <> 0 group by user_id, agent_type, day order by user_id, agent_type, day
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
      ${count(callsOf('added'))};
    elsif tg_op = 'UPDATE' then
      ${countOneEnd(`(select count(*) from (select from added limit 2) as counted) = 1
           and not exists (select from removed where response_timestamp is not null or total_cost <> 0)`)};
      affected := ${rowsOf('added')};
      if affected = 0 then return null; end if;
      at_once := affected > ${MANY_ROWS} and switchboard.try_usage_lock();
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
        select user_id, agent_type, ${DAY} as day, sum(cost)
          from (select user_id, agent_type, request_timestamp, total_cost as cost from added
                union all select user_id, agent_type, request_timestamp, -total_cost from removed) changed
         group by user_id, agent_type, day having sum(cost) <> 0 order by user_id, agent_type, day
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
      ${count(CHANGES, groupedDifferences(CHANGES))};
    elsif tg_op = 'DELETE' then
      -- What is purged has been used all the same.
      if current_setting('switchboard.purging_usage', true) = 'on' then return null; end if;
      affected := ${rowsOf('removed')};
      if affected = 0 then return null; end if;
      at_once := affected > ${MANY_ROWS} and switchboard.try_usage_lock();
      -- Not an insert: the user may be gone, too.
      with deleted as (
        select user_id, agent_type, ${DAY} as day, sum(total_cost) as cost
          from removed where total_cost <> 0 group by user_id, agent_type, day
      ), places as (
        select user_id, agent_type, day, deleted.cost
          from switchboard.daily_spending spending join deleted using (user_id, agent_type, day)
         order by user_id, agent_type, day for no key update of spending
      )
      update switchboard.daily_spending spending set cost = spending.cost - places.cost from places
       where (spending.user_id, spending.agent_type, spending.day) = (places.user_id, places.agent_type, places.day);
      ${count(callsOf('removed', '-'))};
    else
      delete from switchboard.daily_spending;
      insert into switchboard.daily_spending (user_id, agent_type, day, cost)
        select user_id, agent_type, (bucket at time zone 'UTC')::date as day, sum(total_cost)
          from switchboard.usage_archive group by user_id, agent_type, day having sum(total_cost) <> 0;
      perform switchboard.rebuild_usage();
    end if;
    return null;
  end $fn$;

  create trigger usage_added after insert on public.usage_logs
    referencing new table as added for each statement execute function switchboard.count_usage();
  create trigger usage_changed after update on public.usage_logs
    referencing old table as removed new table as added for each statement execute function switchboard.count_usage();
  create trigger usage_deleted after delete on public.usage_logs
    referencing old table as removed for each statement execute function switchboard.count_usage();
  create trigger usage_truncated after truncate on public.usage_logs
    for each statement execute function switchboard.count_usage()`;

/** What is put into the archive is in the rollups already; what is taken out of it goes with its user. */
const COUNT_ARCHIVED = `
  create function switchboard.count_archived_usage() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    affected integer;
    at_once boolean := false;
    emptied tid[]; emptied_of_users tid[]; emptied_kinds tid[];
  begin
    if tg_op = 'TRUNCATE' then
      perform switchboard.rebuild_usage();
      return null;
    end if;
    affected := ${rowsOf('removed')};
    if affected > ${MANY_ROWS} then
      -- As whoever truncates them does: first the rows, then the rollups.
      lock table public.usage_logs in access share mode;
      at_once := switchboard.try_usage_lock();
    end if;
    ${count(archivedCallsOf('removed', '-'))};
    return null;
  end $fn$;

  create trigger usage_archive_deleted after delete on switchboard.usage_archive
    referencing old table as removed for each statement execute function switchboard.count_archived_usage();
  create trigger usage_archive_truncated after truncate on switchboard.usage_archive
    for each statement execute function switchboard.count_archived_usage()`;

/** Only the service folds and rebuilds, and only triggers count. */
const RIGHTS_ON_FUNCTIONS = `
  revoke all on function switchboard.try_usage_lock(), switchboard.fold_usage(integer), switchboard.rebuild_usage(),
    switchboard.count_usage(), switchboard.count_archived_usage() from public`;
