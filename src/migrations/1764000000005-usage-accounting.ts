import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ADMIT } from './functions/admit.js';
import { BOOK_CALLS } from './functions/book_calls.js';
import { CLOSE_RUNS } from './functions/close_runs.js';
import { COUNT_ARCHIVED_USAGE } from './functions/count_archived_usage.js';
import { COUNT_USAGE } from './functions/count_usage.js';
import { FOLD_USAGE } from './functions/fold_usage.js';
import { REBUILD_USAGE } from './functions/rebuild_usage.js';
import { TRY_USAGE_LOCK } from './functions/try_usage_lock.js';
import { createFunctions, dropFunctions } from './sql-functions.js';
import { SPENT } from './usage-statements.js';

/** Only the service admits, books, folds and rebuilds, and only triggers count. */
const FUNCTIONS = [
  ADMIT,
  BOOK_CALLS,
  CLOSE_RUNS,
  TRY_USAGE_LOCK,
  FOLD_USAGE,
  REBUILD_USAGE,
  COUNT_USAGE,
  COUNT_ARCHIVED_USAGE,
];

/**
 * What users have spent and used. Admission compares the spending of a day, and what is under way may still spend, with the
 * budgets. Rollups make reports of months and years that do not read the rows: triggers note how each statement changes the
 * sums (`usage_pending`), and a fold adds that to the rollups a moment later. Rollups plus what is pending are always exact.
 */
export class UsageAccounting1764000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [SPENDING, RUNS, ROLLUPS, ACCESS]) await runner.query(statements);
    await createFunctions(runner, FUNCTIONS);
    // From here on, the triggers block other writers. Five million rows take half a minute to a minute.
    await runner.query(TRIGGERS);
    await runner.query('set local statement_timeout = 0');
    await runner.query(SPENT_SO_FAR);
    await runner.query('select switchboard.rebuild_usage()');
  }

  /** Purged calls are lost with their archive. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger usage_truncated on public.usage_logs;
      drop trigger usage_deleted on public.usage_logs;
      drop trigger usage_changed on public.usage_logs;
      drop trigger usage_added on public.usage_logs;
      drop index public.idx_rate_limit_period_end;
      drop table switchboard.usage_archive, switchboard.usage_pending, switchboard.usage_user_kinds, switchboard.usage_user_rollups,
        switchboard.usage_rollups, switchboard.daily_spending;
      drop table switchboard.runs`);
    await dropFunctions(runner, FUNCTIONS);
  }
}

/** Sums may be larger than a single cost: `numeric(10,6)` would end at 10,000 dollars, and then fail the usage row. */
const SPENDING = `
  create table switchboard.daily_spending (
    user_id uuid not null references auth.users (id) on delete cascade,
    agent_type varchar(16) not null,
    day date not null,
    cost numeric(20, 6) not null,
    primary key (user_id, agent_type, day)
  );

  create index idx_rate_limit_period_end on public.rate_limit_tracking (period_end)`;

/**
 * Work that calls models and is under way: what it has reserved of its budget, and the calls that were sent and are not in
 * `usage_logs` yet, by their ids, with what they have cost at least so far. The row goes when the calls are booked. Of a
 * process that has died, recovery books them: no call that was sent is ever lost.
 */
const RUNS = `
  create table switchboard.runs (
    id uuid primary key,
    user_id uuid not null references auth.users (id) on delete cascade,
    agent_type varchar(16) not null,
    instance_id integer not null,
    message_id uuid,
    counted_hour timestamptz(3),
    counted_day timestamptz(3),
    reserved_cost numeric not null default 0 check (reserved_cost >= 0),
    expires_at timestamptz(3) not null,
    calls jsonb not null default '{}'
  );
  create index idx_runs_user_agent on switchboard.runs (user_id, agent_type)`;

const CALL_KEY = `
    agent_type varchar(16) not null,
    provider varchar(64) not null,
    model_used varchar(200) not null,
    status varchar(16) not null,
    calls bigint not null`;

const FIGURES = `
    input_tokens bigint not null,
    output_tokens bigint not null,
    total_tokens bigint not null,
    input_cost numeric(20, 6) not null,
    output_cost numeric(20, 6) not null,
    total_cost numeric(20, 6) not null,
    own_key_calls bigint not null default 0,
    unpriced_calls bigint not null default 0,
    own_key_cost numeric(20, 6) not null default 0`;

/**
 * Reports about one user read `usage_user_kinds`, so its key begins with the user. Lists of users read
 * `usage_user_rollups`, which has far fewer rows: one for all kinds of calls.
 *
 * Each bucket size has its own partition, so that the days of a year are stored together and not between their quarter
 * hours. The current buckets change with every fold, and their pages have free space for that.
 */
const ROLLUPS = `
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
    granularity varchar(8) not null check (granularity in ('day', 'month')),
    bucket date not null,
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

const PARTITIONS = ['usage_rollups_quarters', 'usage_rollups_hours', 'usage_rollups_days'];
const READABLE = ['usage_user_rollups', 'usage_user_kinds', 'usage_pending', 'usage_archive', 'runs'];
const WHOLE = ['usage_rollups', ...READABLE].map((table) => `switchboard.${table}`).join(', ');

/** Partitions are read through their table, and its policy applies to them too. */
const ACCESS = `
  ${['usage_rollups', ...READABLE, ...PARTITIONS]
    .map((table) => `alter table switchboard.${table} enable row level security;`)
    .join('\n  ')}
  create policy usage_rollups_select on switchboard.usage_rollups for select to authenticated
    using ((select switchboard.is_admin()));
  ${READABLE.map(
    (table) => `
  create policy ${table}_select on switchboard.${table} for select to authenticated
    using (user_id = (select switchboard.user_id()) or (select switchboard.is_admin()));`,
  ).join('')}
  revoke all on switchboard.daily_spending, ${WHOLE},
    ${PARTITIONS.map((partition) => `switchboard.${partition}`).join(', ')} from public, anon, authenticated;
  grant select on ${WHOLE} to authenticated, service_role`;

const TRIGGERS = `
  create trigger usage_added after insert on public.usage_logs
    referencing new table as added for each statement execute function switchboard.count_usage();
  create trigger usage_changed after update on public.usage_logs
    referencing old table as removed new table as added for each statement execute function switchboard.count_usage();
  create trigger usage_deleted after delete on public.usage_logs
    referencing old table as removed for each statement execute function switchboard.count_usage();
  create trigger usage_truncated after truncate on public.usage_logs
    for each statement execute function switchboard.count_usage();

  create trigger usage_archive_deleted after delete on switchboard.usage_archive
    referencing old table as removed for each statement execute function switchboard.count_archived_usage();
  create trigger usage_archive_truncated after truncate on switchboard.usage_archive
    for each statement execute function switchboard.count_archived_usage()`;

const SPENT_SO_FAR = `
  insert into switchboard.daily_spending (user_id, agent_type, day, cost)
    select user_id, agent_type, (request_timestamp at time zone 'UTC')::date, sum(${SPENT})
      from public.usage_logs group by 1, 2, 3 having sum(${SPENT}) <> 0`;
