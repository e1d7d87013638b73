import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import type { Database, Statement } from '../../src/common/database/database.js';
import type * as Books from '../../src/modules/usage/books.js';
import type * as UsageFolders from '../../src/modules/usage/rollup/usage-folder.js';
import type * as UsageRollupRepositories from '../../src/modules/usage/rollup/usage-rollup.repository.js';
import type * as UsageRepositories from '../../src/modules/usage/usage.repository.js';
import type { FinishedCall } from '../../src/modules/usage/usage.types.js';
import { closedLoop } from '../load/closed-loop.js';
import { load } from '../support/build.js';
import { median } from '../support/statistics.js';
import { addDatabase, run } from './databases.js';
import { counted, type Result, rounded, type Section } from './results.js';
import { addYear } from './rows.js';

const { UsageRepository } = await load<typeof UsageRepositories>('modules/usage/usage.repository.js');
const { toBooks } = await load<typeof Books>('modules/usage/books.js');
const { UsageFolder } = await load<typeof UsageFolders>('modules/usage/rollup/usage-folder.js');
const { UsageRollupRepository } = await load<typeof UsageRollupRepositories>(
  'modules/usage/rollup/usage-rollup.repository.js',
);

const CONNECTIONS = 8;
const FOLD_INTERVAL = 2_000;
const LEAST_SHARE = 0.9;
const MODELS = ['gemini-2.5-flash', 'gemini-2.5-pro', 'gpt-5.2', 'gpt-4o-mini', 'claude-sonnet-4-5'];
const AGENTS = ['chat', 'routing', 'artifact', 'git_mcp'] as const;

interface Rounds {
  rounds: number;
  seconds: number;
  /** Rows that the tables have before the measurement. */
  rows: number;
}

/** A database that usage is written to, with what it needs for writing. */
interface Contender {
  name: string;
  url: string;
  pool: pg.Pool;
  usage: InstanceType<typeof UsageRepository>;
  database: Database;
  users: string[];
  folder?: InstanceType<typeof UsageFolder>;
}

/**
 * Measures what the rollups cost on write. The same statements go to two databases: one counts only what users spend,
 * and the other one also updates the rollups and folds meanwhile. They take turns, and the median of the rounds' own
 * ratios counts.
 */
export async function measureWriting(
  serverUrl: string,
  { rounds, seconds, rows }: Rounds,
  log: (line: string) => void,
): Promise<Section> {
  const contenders = [
    await prepare(serverUrl, 'without_rollups', false, rows),
    await prepare(serverUrl, 'with_rollups', true, rows),
  ];
  try {
    const results: Result[] = [];
    for (const [label, unit, write] of KINDS) {
      log(label);
      const rates = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
      // The first round is a warm-up.
      for (let round = 0; round <= rounds; round++) {
        for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
          const rate = await withFold(contender, () => write(contender, seconds));
          if (round > 0) rates.get(contender)?.push(rate);
        }
      }
      const [without = [], withRollups = []] = contenders.map((contender) => rates.get(contender) ?? []);
      results.push(resultOf(label, unit, withRollups, without));
    }
    return {
      title: 'Writing',
      headings: ['written', 'with rollups', 'without', 'share'],
      note: `Both databases count what users spend, for their budgets. With rollups, pending changes are added to the rollups every two seconds
meanwhile. A statement of more than 5,000 rows updates the rollups itself, so its cost includes that work.`,
      results,
    };
  } finally {
    for (const { pool } of contenders) await pool.end();
  }
}

function resultOf(label: string, unit: string, withRollups: number[], without: number[]): Result {
  const share = median(withRollups.map((rate, round) => rate / (without[round] ?? NaN)));
  return {
    cells: [
      label,
      `${counted(median(withRollups))} ${unit}`,
      `${counted(median(without))} ${unit}`,
      `${rounded(share * 100)}%`,
    ],
    aims: [{ text: `at least ${LEAST_SHARE * 100}%`, holds: share >= LEAST_SHARE }],
  };
}

async function prepare(serverUrl: string, name: string, rollups: boolean, rows: number): Promise<Contender> {
  const url = await addDatabase(serverUrl, name, { rollups });
  await addYear(url, { rows, users: 1_000, days: 365 });
  if (rollups) await run(url, 'select switchboard.rebuild_usage()', 'vacuum analyze');
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS + 1 });
  const { rows: users } = await pool.query<{ id: string }>('select id from plan.users order by n');
  return {
    name,
    url,
    pool,
    usage: new UsageRepository(),
    database: databaseOf(pool),
    users: users.map(({ id }) => id),
    folder: rollups ? new UsageFolder(new UsageRollupRepository(databaseOf(pool))) : undefined,
  };
}

/** Replaces the product's `Database` for its repositories. Statements are prepared, as in the product. */
function databaseOf(pool: pg.Pool): Database {
  const query = async (sql: string, parameters: unknown[] = []) =>
    (await pool.query<object>({ name: nameOf(sql), text: sql, values: parameters })).rows;
  const database: Pick<Database, 'asService' | 'executeAsService'> = {
    asService: (fn) => fn({ query } as unknown as EntityManager),
    executeAsService: async (statements: Statement[]) => {
      const results: unknown[][] = [];
      for (const { text, parameters } of statements) results.push(await query(text, parameters));
      return results;
    },
  };
  return database as Database;
}

const names = new Map<string, string>();

function nameOf(sql: string): string {
  const name = names.get(sql) ?? `statement_${names.size}`;
  names.set(sql, name);
  return name;
}

/** Folds during `work` as a server does, and once at the end, so that the next round starts with an empty queue. */
async function withFold(contender: Contender, work: () => Promise<number>): Promise<number> {
  const { folder } = contender;
  if (!folder) return work();
  const stop = new AbortController();
  const folding = (async () => {
    while (!stop.signal.aborted) {
      await sleep(FOLD_INTERVAL, undefined, { signal: stop.signal }).catch(() => undefined);
      await folder.fold();
    }
  })();
  try {
    return await work();
  } finally {
    stop.abort();
    await folding;
  }
}

type Write = (contender: Contender, seconds: number) => Promise<number>;

const KINDS: ReadonlyArray<[label: string, unit: string, write: Write]> = [
  [`calls as they are booked, ${CONNECTIONS} connections`, 'calls/s', recordCalls],
  ['1,000 rows a statement, one connection', 'rows/s', bulk(1_000)],
  ['20,000 rows a statement, one connection', 'rows/s', bulk(20_000)],
];

/** By the repository of the product: one statement a call, which waits for the disk. */
async function recordCalls({ usage, database, users }: Contender, seconds: number): Promise<number> {
  const { rate } = await closedLoop(CONNECTIONS, seconds, async () => {
    const call = newCall(users);
    await database.executeAsService([usage.booking({ calls: toBooks([call]), isOver: true })]);
    return 1;
  });
  return rate;
}

/** A few users make most of the calls, so their rows of spent amounts are contended. */
function newCall(users: string[]): FinishedCall {
  const now = new Date();
  const inputTokens = randomInt(100, 10_000);
  const outputTokens = randomInt(10, 1_000);
  const cost = {
    inputCost: (inputTokens * 1e-6).toFixed(6),
    outputCost: (outputTokens * 5e-6).toFixed(6),
    totalCost: (inputTokens * 1e-6 + outputTokens * 5e-6).toFixed(6),
  };
  return {
    id: randomUUID(),
    userId: users[Math.floor(users.length * Math.random() ** 4)] ?? '',
    agentType: AGENTS[randomInt(AGENTS.length)] ?? 'chat',
    model: MODELS[randomInt(MODELS.length)] ?? '',
    provider: 'google',
    requestedAt: now,
    respondedAt: now,
    durationMs: randomInt(300, 20_000),
    tokens: { inputTokens, outputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
    cost: { ...cost, unrounded: cost },
    metadata: {
      status: 'success',
      purpose: 'answer',
      requestId: randomUUID(),
      messageId: randomUUID(),
      ownKey: false,
      finishReason: 'stop',
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      timeToFirstTokenMs: randomInt(100, 2_000),
      unroundedCost: cost,
    },
  };
}

/** Rows in the past, in chronological order as in an import: about 140 per quarter hour. */
const INSERT = `
  insert into usage_logs
    (user_id, agent_type, provider, model_used, input_tokens, output_tokens, total_tokens, input_cost, output_cost,
     total_cost, request_timestamp, response_timestamp, duration_ms, metadata)
  select ($1::uuid[])[1 + floor(cardinality($1::uuid[]) * power(random(), 4))],
         (array['chat', 'routing', 'artifact', 'git_mcp'])[1 + floor(random() * 4)], 'google',
         ($4::text[])[1 + floor(random() * cardinality($4::text[]))], 1000, 200, 1200, 0.001, 0.001, 0.002,
         $2::timestamptz + number * interval '6.3 seconds', now(), 1200,
         jsonb_build_object('status', 'success', 'purpose', 'answer', 'requestId', gen_random_uuid(),
                            'messageId', gen_random_uuid(), 'ownKey', false, 'finishReason', 'stop')
    from generate_series(1, $3::int) number`;

const SPAN_OF_A_ROW = 6_300;
const imported = new Map<Contender, number>();

function bulk(rows: number): Write {
  return async (contender, seconds) => {
    const { pool, users } = contender;
    const { rate } = await closedLoop(1, seconds, async () => {
      const before = imported.get(contender) ?? 0;
      imported.set(contender, before + rows);
      const from = new Date(Date.UTC(2025, 0, 1) + before * SPAN_OF_A_ROW);
      await pool.query(INSERT, [users, from, rows, MODELS]);
      return 1;
    });
    return rate * rows;
  };
}
