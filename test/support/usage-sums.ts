import type { SqlRunner } from '../fixtures/rows.js';

const COLUMNS = ['input_tokens', 'output_tokens', 'total_tokens', 'input_cost', 'output_cost', 'total_cost'];
const FIGURES = [...COLUMNS, 'own_key_calls', 'own_key_cost', 'unpriced_calls'];
/** The last three have no columns in rows. */
const OF_ROW = [
  ...COLUMNS,
  `coalesce(metadata @> '{"ownKey": true}', false)::int as own_key_calls`,
  `coalesce(metadata @> '{"ownKey": true}', false)::int * total_cost as own_key_cost`,
  `coalesce(metadata @> '{"unpriced": true}', false)::int as unpriced_calls`,
];

const sums = (alias: string) =>
  ['calls', ...FIGURES].map((name) => `sum(${alias}.${name})::numeric(30, 6)::text as ${name}`).join(', ');
const ERRORS = `(sum(calls) filter (where status = 'error'))::numeric`;

/** Every finished call so far, as a row or as a purge has left it. */
const CALLS = `
  select user_id, request_timestamp as moment, agent_type, provider, model_used,
         substr(coalesce(metadata ->> 'status', 'success'), 1, 16) as status, 1 as calls, ${OF_ROW.join(', ')}
    from usage_logs where response_timestamp is not null
  union all
  select user_id, bucket, agent_type, provider, model_used, status, calls, ${FIGURES.join(', ')}
    from switchboard.usage_archive`;

/** Not with `date_bin`, which the product uses. */
const bucketOf = (moment: string) =>
  `to_timestamp(floor(extract(epoch from ${moment}) / (minutes * 60)) * minutes * 60)`;
const SIZES = `(values (15), (60), (1440)) as sizes (minutes)`;
const periodOf = (moment: string) => `to_char(${moment} at time zone 'UTC', format)`;
const PERIODS = `(values ('day', 'YYYY-MM-DD'), ('month', 'YYYY-MM-01')) as periods (period, format)`;

/**
 * Compares the rows with the rollups and pending changes, at one moment. Returns, for each kind of rollup, the lines
 * that only one of the two has. Correct rollups return none.
 */
const DIFFERENCES = `
  with rows_of_all as (
    select minutes, ${bucketOf('moment')} as bucket, agent_type, provider, model_used, status, ${sums('calls')}
      from (${CALLS}) as calls cross join ${SIZES}
     group by minutes, ${bucketOf('moment')}, agent_type, provider, model_used, status
  ), rollups as (
    select minutes, bucket, agent_type, provider, model_used, status, ${sums('rollup')}
      from (select granularity as minutes, bucket, agent_type, provider, model_used, status, calls, ${FIGURES.join(', ')}
              from switchboard.usage_rollups
            union all
            select minutes, ${bucketOf('bucket')}, agent_type, provider, model_used, status, calls, ${FIGURES.join(', ')}
              from switchboard.usage_pending cross join ${SIZES}) as rollup
     group by minutes, bucket, agent_type, provider, model_used, status
    having sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(total_cost) <> 0
  ), rows_of_users as (
    select period, ${periodOf('moment')} as bucket, user_id, coalesce(${ERRORS}, 0)::text as errors, ${sums('calls')}
      from (${CALLS}) as calls cross join ${PERIODS} group by period, ${periodOf('moment')}, user_id
  ), user_rollups as (
    select period, bucket, user_id, sum(errors)::numeric::text as errors, ${sums('rollup')}
      from (select granularity as period, bucket::text, user_id, errors, calls, ${FIGURES.join(', ')}
              from switchboard.usage_user_rollups
            union all
            select period, ${periodOf('bucket')}, user_id, case status when 'error' then calls else 0 end, calls,
                   ${FIGURES.join(', ')}
              from switchboard.usage_pending cross join ${PERIODS}) as rollup
     group by period, bucket, user_id
    having sum(calls) <> 0 or sum(errors) <> 0 or sum(input_tokens) <> 0 or sum(total_cost) <> 0
  ), kinds_in_rows as (
    select period, ${periodOf('moment')} as bucket, user_id, agent_type, provider, model_used, status, ${sums('calls')}
      from (${CALLS}) as calls cross join ${PERIODS}
     group by period, ${periodOf('moment')}, user_id, agent_type, provider, model_used, status
  ), user_kinds as (
    select period, bucket, user_id, agent_type, provider, model_used, status, ${sums('rollup')}
      from (select granularity as period, bucket::text, user_id, agent_type, provider, model_used, status, calls,
                   ${FIGURES.join(', ')}
              from switchboard.usage_user_kinds
            union all
            select period, ${periodOf('bucket')}, user_id, agent_type, provider, model_used, status, calls,
                   ${FIGURES.join(', ')}
              from switchboard.usage_pending cross join ${PERIODS}) as rollup
     group by period, bucket, user_id, agent_type, provider, model_used, status
    having sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(total_cost) <> 0
  )
  select 'only the rows' as known_by, to_jsonb(line) as line from (table rows_of_all except all table rollups) as line
  union all select 'only the rollups', to_jsonb(line) from (table rollups except all table rows_of_all) as line
  union all select 'only the rows', to_jsonb(line) from (table rows_of_users except all table user_rollups) as line
  union all select 'only the rollups', to_jsonb(line) from (table user_rollups except all table rows_of_users) as line
  union all select 'only the rows', to_jsonb(line) from (table kinds_in_rows except all table user_kinds) as line
  union all select 'only the rollups', to_jsonb(line) from (table user_kinds except all table kinds_in_rows) as line
  limit 20`;

/** The differences between rows and rollups at this moment. */
export function usageDifferences(runner: SqlRunner): Promise<unknown[]> {
  return runner.query(DIFFERENCES);
}

/** Folds until nothing is pending. */
export async function foldAll(runner: SqlRunner, batch = 1_000): Promise<void> {
  for (;;) {
    const [row] = await runner.query('select switchboard.fold_usage($1) as folded', [batch]);
    if (row.folded > 0) continue;
    // Another process may be folding.
    if ((await runner.query('select from switchboard.usage_pending limit 1')).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Rollup rows that are all zero. There are none after everything is folded. */
export async function emptyRollups(runner: SqlRunner): Promise<number> {
  const [row] = await runner.query(
    `select (select count(*) from switchboard.usage_rollups where calls = 0)::int
            + (select count(*) from switchboard.usage_user_rollups where calls = 0)::int
            + (select count(*) from switchboard.usage_user_kinds where calls = 0)::int as count`,
  );
  return row.count as number;
}
