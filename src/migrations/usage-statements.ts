/** The shared parts of the functions that maintain the usage rollups: the same sums, written to the same tables. */

/** How a call ended, of a row of `usage_logs`; a row without an end is running, whatever else is known of it. */
export const END_STATUS = `left(coalesce(metadata ->> 'status', 'success'), 16)`;

const IS_OWN_KEY = `metadata ->> 'ownKey' = 'true'`;

/** What a call costs the operator, of a row of `usage_logs`. Users pay for the calls with their own keys. */
export const SPENT = `case when ${IS_OWN_KEY} then 0 else total_cost end`;

/** Measures that rows of `usage_logs` have no column for. */
const OF_ROW: Partial<Record<string, string>> = {
  own_key_calls: `case when ${IS_OWN_KEY} then 1 else 0 end`,
  unpriced_calls: `case when metadata ->> 'unpriced' = 'true' then 1 else 0 end`,
  own_key_cost: `case when ${IS_OWN_KEY} then total_cost else 0 end`,
};

/** Whole numbers and amounts that are measured of calls, by the names of the columns. */
export const COUNT_MEASURES = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'own_key_calls',
  'unpriced_calls',
];
export const COST_MEASURES = ['input_cost', 'output_cost', 'total_cost', 'own_key_cost'];
export const MEASURES = ['calls', ...COUNT_MEASURES, ...COST_MEASURES];

/** A measure, of a row of `usage_logs`. */
export const ofRow = (measure: string) => OF_ROW[measure] ?? measure;
const USER_MEASURES = ['calls', 'errors', ...MEASURES.slice(1)];

const ROLLUP_KEY = 'granularity, bucket, agent_type, provider, model_used, status';
const USER_ROLLUP_KEY = 'granularity, bucket, user_id';
const USER_KIND_KEY = 'user_id, granularity, bucket, agent_type, provider, model_used, status';

/** The columns of `usage_pending` (without its id) and `usage_archive`, and of the input of a rollup. */
export const DIFFERENCE = `user_id, bucket, agent_type, provider, model_used, status, ${MEASURES.join(', ')}`;

const sumsOf = (measures: string[]) => measures.map((name) => `sum(${name}) as ${name}`).join(', ');
const isNothing = (measures: string[], of: string) =>
  measures.map((name) => `${of}.${name} = 0`).join(' and ');

const isSomething = (measures: string[]) => measures.map((name) => `sum(${name}) <> 0`).join(' or ');

/** The start of the bucket that a time is in, with this many minutes per bucket. Buckets are aligned in UTC. */
const startOf = (minutes: string, time: string) =>
  `date_bin(make_interval(mins => ${minutes}), ${time}, timestamptz '2000-01-01 00:00:00+00')`;

/** The finished calls of a relation like `usage_logs`, as differences: added or subtracted. */
export function callsOf(relation: string, sign: '' | '-' = ''): string {
  const figures = MEASURES.slice(1).map((name) => `${sign}${ofRow(name)} as ${name}`);
  return `
    select user_id, ${startOf('15', 'request_timestamp')} as bucket, agent_type, provider, model_used,
           ${END_STATUS} as status, ${sign}1 as calls, ${figures.join(', ')}
      from ${relation} where response_timestamp is not null`;
}

/** Rows of `usage_archive`, as differences: added or subtracted. */
export function archivedCallsOf(relation: string, sign: '' | '-' = ''): string {
  const measures = MEASURES.map((name) => `${sign}${name} as ${name}`);
  return `select user_id, bucket, agent_type, provider, model_used, status, ${measures.join(', ')} from ${relation}`;
}

/** Differences, one for each key, without those that are zero. */
export function groupedDifferences(differences: string): string {
  return `
    select user_id, bucket, agent_type, provider, model_used, status, ${sumsOf(MEASURES)}
      from (${differences}) as differences
     group by user_id, bucket, agent_type, provider, model_used, status having ${isSomething(MEASURES)}`;
}

/** Rows of `usage_rollups`, from differences of any kind. */
const rollupRows = (differences: string) => `
  select granularity, ${startOf('granularity', 'quarters.bucket')} as bucket, agent_type, provider, model_used, status,
         ${sumsOf(MEASURES)}
    from (select bucket, agent_type, provider, model_used, status, ${sumsOf(MEASURES)}
            from ${differences} group by bucket, agent_type, provider, model_used, status) as quarters
   cross join (values (15), (60), (1440)) as sizes (granularity)
   group by granularity, ${startOf('granularity', 'quarters.bucket')}, agent_type, provider, model_used, status
  having ${isSomething(MEASURES)}`;

/** Rows of `usage_user_rollups`, from differences of any kind. */
const userRollupRows = (differences: string) => `
  select granularity, date_trunc(granularity, day)::date as bucket, user_id, ${sumsOf(USER_MEASURES)}
    from (select user_id, date_trunc('day', bucket at time zone 'UTC') as day, ${sumsOf(MEASURES)},
                 coalesce(sum(calls) filter (where status = 'error'), 0) as errors
            from ${differences} group by user_id, day) as days
   cross join (values ('day'), ('month')) as sizes (granularity)
   group by granularity, date_trunc(granularity, day), user_id
  having ${isSomething(USER_MEASURES)}`;

/** Rows of `usage_user_kinds`, from differences of any kind. */
const userKindRows = (differences: string) => `
  select user_id, granularity, date_trunc(granularity, day)::date as bucket, agent_type, provider, model_used, status,
         ${sumsOf(MEASURES)}
    from (select user_id, date_trunc('day', bucket at time zone 'UTC') as day, agent_type, provider, model_used, status,
                 ${sumsOf(MEASURES)}
            from ${differences} group by user_id, day, agent_type, provider, model_used, status) as days
   cross join (values ('day'), ('month')) as sizes (granularity)
   group by user_id, granularity, date_trunc(granularity, day), agent_type, provider, model_used, status
  having ${isSomething(MEASURES)}`;

const grow = (measures: string[]) =>
  measures.map((name) => `${name} = rollup.${name} + excluded.${name}`).join(', ');
const replace = (measures: string[]) => measures.map((name) => `${name} = excluded.${name}`).join(', ');

/**
 * Adds differences to the rollups. The caller must hold the rollups' lock. Rows that became zero are then listed in
 * `emptied`, `emptied_of_users` and `emptied_kinds`. {@link REMOVE_EMPTIED} must follow, because one statement can
 * change a row only once.
 *
 * @param differences a query; its rows have the columns of {@link DIFFERENCE}
 */
export const rollUp = (
  differences: string,
  also: { column: string; into: string } | undefined = undefined,
) => `
  with differences as (${differences}),
  rolled as (
    insert into switchboard.usage_rollups as rollup (${ROLLUP_KEY}, ${MEASURES.join(', ')})
    ${rollupRows('differences')} order by ${ROLLUP_KEY}
    on conflict (${ROLLUP_KEY}) do update set ${grow(MEASURES)}
    returning rollup.ctid as place, ${isNothing(MEASURES, 'rollup')} as is_empty
  ), rolled_of_users as (
    insert into switchboard.usage_user_rollups as rollup (${USER_ROLLUP_KEY}, ${USER_MEASURES.join(', ')})
    ${userRollupRows('differences')} order by ${USER_ROLLUP_KEY}
    on conflict (${USER_ROLLUP_KEY}) do update set ${grow(USER_MEASURES)}
    returning rollup.ctid as place, ${isNothing(USER_MEASURES, 'rollup')} as is_empty
  ), rolled_kinds as (
    insert into switchboard.usage_user_kinds as rollup (${USER_KIND_KEY}, ${MEASURES.join(', ')})
    ${userKindRows('differences')} order by ${USER_KIND_KEY}
    on conflict (${USER_KIND_KEY}) do update set ${grow(MEASURES)}
    returning rollup.ctid as place, ${isNothing(MEASURES, 'rollup')} as is_empty
  )
  select (select array_agg(place) from rolled where is_empty),
         (select array_agg(place) from rolled_of_users where is_empty),
         (select array_agg(place) from rolled_kinds where is_empty)${also ? `, ${also.column}` : ''}
    into emptied, emptied_of_users, emptied_kinds${also ? `, ${also.into}` : ''}`;

export const REMOVE_EMPTIED = `
    if emptied is not null then
      delete from switchboard.usage_rollups rollup where ctid = any (emptied) and ${isNothing(MEASURES, 'rollup')};
    end if;
    if emptied_of_users is not null then
      delete from switchboard.usage_user_rollups rollup
       where ctid = any (emptied_of_users) and ${isNothing(USER_MEASURES, 'rollup')};
    end if;
    if emptied_kinds is not null then
      delete from switchboard.usage_user_kinds rollup
       where ctid = any (emptied_kinds) and ${isNothing(MEASURES, 'rollup')};
    end if`;

/** Compares a rollup with the expected rows, and writes only the differences. */
function correct(name: string, table: string, key: string, measures: string[], rows: string): string {
  const columns = key.split(', ');
  const of = (relation: string) => measures.map((measure) => `${relation}.${measure}`).join(', ');
  const isTheSame = columns.map((column) => `rollup.${column} = wrong.${column}`).join(' and ');
  return `
  wanted_${name} as (${rows}),
  wrong_${name} as (
    select ${key}, ${of('wanted')}
      from wanted_${name} as wanted full join ${table} as rollup using (${key})
     where (${of('wanted')}) is distinct from (${of('rollup')})
  ), removed_${name} as (
    delete from ${table} rollup using wrong_${name} as wrong where wrong.calls is null and ${isTheSame}
    returning 1
  ), written_${name} as (
    insert into ${table} (${key}, ${measures.join(', ')})
    select * from wrong_${name} where calls is not null order by ${key}
    on conflict (${key}) do update set ${replace(measures)}
    returning 1
  )`;
}

/**
 * Recomputes the rollups from the rows, whatever they were. The caller must hold the rollups' lock. It is one
 * statement, so everything in it sees the same moment: changes pending at that moment are in the rows and are removed;
 * later changes stay pending.
 */
export const CORRECT = `
  with forgotten as (delete from switchboard.usage_pending),
  calls as not materialized (${callsOf('public.usage_logs')} union all ${archivedCallsOf('switchboard.usage_archive')}),
  ${correct('rollups', 'switchboard.usage_rollups', ROLLUP_KEY, MEASURES, rollupRows('calls'))},
  ${correct('user_rollups', 'switchboard.usage_user_rollups', USER_ROLLUP_KEY, USER_MEASURES, userRollupRows('calls'))},
  ${correct('user_kinds', 'switchboard.usage_user_kinds', USER_KIND_KEY, MEASURES, userKindRows('calls'))}
  select (select count(*) from removed_rollups) + (select count(*) from written_rollups)
         + (select count(*) from removed_user_rollups) + (select count(*) from written_user_rollups)
         + (select count(*) from removed_user_kinds) + (select count(*) from written_user_kinds)`;

/** A statement that changes more rows than this does not leave them to the fold. */
export const MANY_ROWS = 5_000;

/**
 * Writes to the rollups directly, or to the pending changes. The lock is taken before any row. Grouping a few rows
 * would take longer than folding them one by one.
 *
 * @param few how a few rows are recorded
 */
export const count = (differences: string, few = differences) => `
      if at_once then
        ${rollUp(differences)};
        ${REMOVE_EMPTIED};
      elsif affected > ${MANY_ROWS} then
        insert into switchboard.usage_pending (${DIFFERENCE}) ${groupedDifferences(differences)};
      else
        insert into switchboard.usage_pending (${DIFFERENCE}) ${few};
      end if`;

export const rowsOf = (relation: string, condition = '') =>
  `(select count(*) from (select from ${relation} ${condition} limit ${MANY_ROWS + 1}) as counted)`;

/** Most changes affect columns that are not summed, and are zero. */
export const CHANGES = `${callsOf('added')} union all ${callsOf('removed', '-')}`;

export const DAY = `(request_timestamp at time zone 'UTC')::date`;

/** What nearly every statement is: the calls of one run have ended. Without the cost of counting them for large statements. */
export const countFewEnds = `
      with pending as (
        insert into switchboard.usage_pending (${DIFFERENCE}) ${callsOf('added')}
        returning user_id, agent_type, (bucket at time zone 'UTC')::date as day, total_cost - own_key_cost as cost
      )
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
        select user_id, agent_type, day, sum(cost) from pending
         group by user_id, agent_type, day order by user_id, agent_type, day
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
      return null`;

/** Statements of at most so many rows are counted in the short way. */
export const FEW_ROWS = 20;

const saturated = (value: string) => `least(2147483647, ${value})::integer`;
const saturatedCost = (value: string) => `least(9999.999999, ${value})`;

/** Adds what `book_calls` has booked to the totals of a chat. Totals saturate: none may fail the end of an answer. */
export const CHAT_TOTALS = `
    total_input_tokens = ${saturated('chat.total_input_tokens::bigint + booked.input_tokens')},
    total_output_tokens = ${saturated('chat.total_output_tokens::bigint + booked.output_tokens')},
    total_cost = ${saturatedCost('chat.total_cost + booked.cost')}`;

/** The same for the figures of an answer. */
export const MESSAGE_FIGURES = `
    input_tokens = ${saturated('message.input_tokens::bigint + booked.answer_input_tokens')},
    output_tokens = ${saturated('message.output_tokens::bigint + booked.answer_output_tokens')},
    cost = ${saturatedCost('message.cost + booked.answer_cost')}`;
