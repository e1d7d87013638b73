import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from './postgres.js';

/** A number below `limit` that is always the same for a row of `generate_series(…) i`, and that looks random. */
const some = (limit: number, salt: number) => `abs(hashint8extended(i, ${salt}) % ${limit})`;

/** USD with six decimals. */
const someCost = (salt: number) => `${some(3_000_000, salt)} / 1000000.0`;

const MODELS = `(array['gemini-2.5-flash', 'gpt-4o-mini', 'claude-sonnet-4-5', 'flash'])`;
const PROVIDERS = `(array['google', 'openai', 'anthropic', 'google', 'openai'])`;
const STATUSES = `(array['success', 'error', 'aborted', 'interrupted', 'success', 'a status that is long'])`;

/**
 * Adds calls of all kinds with one statement: agents, models with the same name at two providers, outcomes, running
 * calls, rows of other writers without metadata. A third of them start on a quarter hour.
 *
 * @param seed selects the calls; the same seed adds the same calls
 */
export async function addCalls(
  database: TestDatabase,
  {
    userIds,
    count,
    from,
    to,
    seed = 0,
  }: { userIds: string[]; count: number; from: string; to: string; seed?: number },
): Promise<void> {
  await database.query(
    `insert into usage_logs
       (user_id, agent_type, model_used, provider, input_tokens, output_tokens, total_tokens, input_cost, output_cost,
        total_cost, request_timestamp, response_timestamp, duration_ms, metadata)
     select ($1::uuid[])[1 + ${some(1_000_000, 1)} % cardinality($1::uuid[])],
            (array['routing', 'chat', 'artifact', 'git_mcp'])[1 + ${some(4, 2)}],
            ${MODELS}[1 + ${some(4, 3)}], ${PROVIDERS}[1 + ${some(5, 4)}],
            input, output, input + output, input_cost, output_cost, input_cost + output_cost,
            moment, case when ${some(20, 5)} > 0 then moment + interval '1 second' * ${some(300, 6)} end,
            case when ${some(20, 5)} > 0 and ${some(9, 7)} > 0 then ${some(300_000, 6)} end,
            case when ${some(10, 8)} > 0
                 then jsonb_build_object('status', ${STATUSES}[1 + ${some(6, 9)}], 'purpose', 'answer', 'n', i,
                                         'ownKey', ${some(3, 16)} = 0, 'unpriced', ${some(7, 17)} = 0) end
       from (select i, ${some(50_000, 10)} as input, ${some(9_000, 11)} as output, ${someCost(12)} as input_cost,
                    ${someCost(13)} as output_cost,
                    case when ${some(3, 14)} = 0 then date_bin('15 minutes', time, '2000-01-01Z') else time end as moment
               from (select i, $3::timestamptz + interval '1 millisecond' * floor(
                              extract(epoch from $4::timestamptz - $3::timestamptz) * ${some(1_000_000, 15)} / 1000) as time
                       from generate_series($5::int * 1000000, $5::int * 1000000 + $2::int - 1) i) as times) as calls`,
    [userIds, count, from, to, seed],
  );
}

const COLUMNS: Record<string, string> = {
  agentType: 'agent_type',
  model: 'model_used',
  provider: 'provider',
  status: 'status',
  userId: 'user_id',
};

export interface Figures {
  calls: number;
  errors: number;
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  inputCost: number;
  outputCost: number;
  totalCost: number;
  ownKeyCalls: number;
  ownKeyCost: number;
  unpricedCalls: number;
}

export const NO_FIGURES: Figures = {
  calls: 0,
  errors: 0,
  inputTokens: 0,
  outputTokens: 0,
  totalTokens: 0,
  inputCost: 0,
  outputCost: 0,
  totalCost: 0,
  ownKeyCalls: 0,
  ownKeyCost: 0,
  unpricedCalls: 0,
};

/**
 * The sums of the rows, by some of their columns or in total. `label` is an additional expression to group by, and
 * `where` filters the rows.
 */
export async function sumRows(
  database: TestDatabase,
  {
    from,
    to,
    userId,
    by = [],
    label = 'null',
    where = 'true',
  }: { from: string; to: string; userId?: string; by?: string[]; label?: string; where?: string },
): Promise<Array<Figures & Record<string, unknown>>> {
  const keys = by.map((key) => `${COLUMNS[key]} as "${key}"`);
  return database.query(
    `select ${[...keys, `(${label})::text as label`].join(', ')},
            count(*)::int as calls, (count(*) filter (where status = 'error'))::int as errors,
            sum(input_tokens)::float8 as "inputTokens", sum(output_tokens)::float8 as "outputTokens",
            sum(total_tokens)::float8 as "totalTokens", sum(input_cost)::float8 as "inputCost",
            sum(output_cost)::float8 as "outputCost", sum(total_cost)::float8 as "totalCost",
            (count(*) filter (where metadata @> '{"ownKey": true}'))::int as "ownKeyCalls",
            coalesce(sum(total_cost) filter (where metadata @> '{"ownKey": true}'), 0)::float8 as "ownKeyCost",
            (count(*) filter (where metadata @> '{"unpriced": true}'))::int as "unpricedCalls"
       from (select *, case when response_timestamp is null then 'running'
                            else left(coalesce(metadata ->> 'status', 'success'), 16) end as status
               from usage_logs
              where request_timestamp >= $1 and request_timestamp < $2 and ($3::uuid is null or user_id = $3)) as calls
      where ${where}
      group by ${[...by.map((key) => `"${key}"`), 'label'].join(', ')}
      order by sum(total_cost) desc`,
    [from, to, userId ?? null],
  ) as Promise<Array<Figures & Record<string, unknown>>>;
}

/** Brings the rollups up to date, as the server does periodically. The server may be about to do the same. */
export async function foldUsage(database: TestDatabase): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    await database.query('select switchboard.fold_usage(100000)');
    const [pending] = await database.query('select count(*)::int as count from switchboard.usage_pending');
    if (pending.count === 0) return;
    await sleep(50);
  }
  throw new Error('Something is left to be folded.');
}
