import type { Catalog } from './catalog.js';

const MEASURES = [
  'calls',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'input_cost',
  'output_cost',
  'total_cost',
  'own_key_calls',
  'own_key_cost',
  'unpriced_calls',
];
/** The last three, of a row of `usage_logs`. */
const OWN_KEY = `metadata ->> 'ownKey' = 'true'`;
const OF_ROW = [
  ...MEASURES.slice(1, -3),
  `case when ${OWN_KEY} then 1 else 0 end as own_key_calls`,
  `case when ${OWN_KEY} then total_cost else 0 end as own_key_cost`,
  `case when metadata ->> 'unpriced' = 'true' then 1 else 0 end as unpriced_calls`,
];
const USER_MEASURES = ['calls', 'errors', ...MEASURES.slice(1)];

const sums = (measures: string[]) => measures.map((name) => `sum(${name}) as ${name}`).join(', ');
const negated = (measures: string[]) => measures.map((name) => `-${name} as ${name}`).join(', ');
const something = (measures: string[]) => measures.map((name) => `sum(${name}) <> 0`).join(' or ');

/** Every finished call, including purged ones. Changes that are not in the rollups yet have the opposite sign. */
const BALANCE = `
  select user_id, request_timestamp as moment, agent_type, provider, model_used,
         left(coalesce(metadata ->> 'status', 'success'), 16) as status, 1 as calls, ${OF_ROW.join(', ')}
    from public.usage_logs where response_timestamp is not null
  union all
  select user_id, bucket, agent_type, provider, model_used, status, ${MEASURES.join(', ')} from switchboard.usage_archive
  union all
  select user_id, bucket, agent_type, provider, model_used, status, ${negated(MEASURES)} from switchboard.usage_pending`;

const bin = (minutes: string, moment: string) =>
  `date_bin(make_interval(mins => ${minutes}), ${moment}, timestamptz '2000-01-01 00:00:00+00')`;

/** The differences between the rows and the rollups, per bucket. Correct buckets return nothing. */
const WRONG_BUCKETS = `
  with quarters as (
    select ${bin('15', 'moment')} as quarter, agent_type, provider, model_used, status, ${sums(MEASURES)}
      from (${BALANCE}) as balance group by quarter, agent_type, provider, model_used, status
  ), wrong as (
    select granularity, bucket from (
      select granularity, ${bin('granularity', 'quarter')} as bucket, agent_type, provider, model_used, status,
             ${MEASURES.join(', ')}
        from quarters cross join (values (15), (60), (1440)) as sizes (granularity)
      union all
      select granularity, bucket, agent_type, provider, model_used, status, ${negated(MEASURES)}
        from switchboard.usage_rollups) as difference
     group by granularity, bucket, agent_type, provider, model_used, status having ${something(MEASURES)}
  )
  select case granularity when 15 then 'a quarter hour' when 60 then 'an hour' else 'a day' end as size,
         to_char(min(bucket) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') as first,
         count(distinct bucket)::integer as buckets
    from wrong group by granularity order by granularity`;

const WRONG_BUCKETS_OF_USERS = `
  with days as (
    select user_id, date_trunc('day', moment at time zone 'UTC') as day, ${sums(MEASURES)},
           coalesce(sum(calls) filter (where status = 'error'), 0) as errors
      from (${BALANCE}) as balance group by user_id, day
  ), wrong as (
    select granularity, bucket from (
      select granularity, date_trunc(granularity, day)::date as bucket, user_id, ${USER_MEASURES.join(', ')}
        from days cross join (values ('day'), ('month')) as sizes (granularity)
      union all
      select granularity, bucket, user_id, ${negated(USER_MEASURES)} from switchboard.usage_user_rollups) as difference
     group by granularity, bucket, user_id having ${something(USER_MEASURES)}
  )
  select 'a ' || granularity as size, min(bucket)::text as first, count(distinct bucket)::integer as buckets
    from wrong group by granularity order by granularity`;

const WRONG_KINDS_OF_USERS = `
  with days as (
    select user_id, date_trunc('day', moment at time zone 'UTC') as day, agent_type, provider, model_used, status,
           ${sums(MEASURES)}
      from (${BALANCE}) as balance group by user_id, day, agent_type, provider, model_used, status
  ), wrong as (
    select granularity, bucket from (
      select granularity, date_trunc(granularity, day)::date as bucket, user_id, agent_type, provider, model_used, status,
             ${MEASURES.join(', ')}
        from days cross join (values ('day'), ('month')) as sizes (granularity)
      union all
      select granularity, bucket, user_id, agent_type, provider, model_used, status, ${negated(MEASURES)}
        from switchboard.usage_user_kinds) as difference
     group by granularity, bucket, user_id, agent_type, provider, model_used, status having ${something(MEASURES)}
  )
  select 'a ' || granularity as size, min(bucket)::text as first, count(distinct bucket)::integer as buckets
    from wrong group by granularity order by granularity`;

/** In every bucket, rollups and pending changes must equal the rows and the archive. */
export function checkUsageRollups(catalog: Catalog): Promise<string[]> {
  return wrongBuckets(catalog, 'switchboard.usage_rollups', WRONG_BUCKETS);
}

export function checkUserRollups(catalog: Catalog): Promise<string[]> {
  return wrongBuckets(catalog, 'switchboard.usage_user_rollups', WRONG_BUCKETS_OF_USERS);
}

export function checkUserKinds(catalog: Catalog): Promise<string[]> {
  return wrongBuckets(catalog, 'switchboard.usage_user_kinds', WRONG_KINDS_OF_USERS);
}

async function wrongBuckets(catalog: Catalog, table: string, sql: string): Promise<string[]> {
  const rows = await catalog.rowsOf<{ size: string; first: string; buckets: number }>(sql);
  return rows.map(
    ({ size, first, buckets }) =>
      `${table} differ from the rows in ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'} of ${size}, the first is ${first}; run usage:rebuild`,
  );
}
