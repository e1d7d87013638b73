import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type * as AdvisoryLocks from '../../src/common/database/advisory-locks.js';
import { signToken, TEST_JWT_SECRET } from '../../test/support/tokens.js';
import { HttpClient } from '../load/http-client.js';
import { startSwitchboard } from '../support/processes.js';
import type { BenchUser } from '../support/seed.js';
import { median } from '../support/statistics.js';
import { load } from '../support/build.js';
import { run, withClient } from './databases.js';
import { type Question, questionsOf } from './questions.js';
import { milliseconds, type Result, rounded, type Section } from './results.js';

const { ADVISORY_LOCKS } = await load<typeof AdvisoryLocks>('common/database/advisory-locks.js');

/** Key of the advisory lock for writing the rollups. While the benchmark holds it, pending changes stay pending. */
const USAGE_LOCK = ADVISORY_LOCKS.usageRollups;

/** The number of calls that a busy installation ends between two runs of the folder. */
const PENDING = 1_000;
const RUNNING = 50;

const CALLS_OF_NOW = `
  insert into usage_logs
    (user_id, agent_type, provider, model_used, input_tokens, output_tokens, total_tokens, input_cost, output_cost,
     total_cost, request_timestamp, response_timestamp, metadata)
  select (select id from plan.users where users.n = 1 + call.n % 1000), 'chat', 'google', 'gemini-2.5-flash',
         1000, 200, 1200, 0.001, 0.001, 0.002, now() - interval '1 second',
         case when n > ${RUNNING} then now() end, case when n > ${RUNNING} then '{"status": "success"}'::jsonb end
    from generate_series(1, ${RUNNING + PENDING}) as call (n)`;

interface Rounds {
  /** How often each question is asked of the product and of the rows, after one warm-up. */
  product: number;
  rows: number;
}

/**
 * Measures how long the questions take. The server answers over HTTP from rollups, pending changes and running calls.
 * Plain SQL on the rows runs as the service, without row level security. Both must give the same answer.
 */
export async function measureReading(
  databaseUrl: string,
  rounds: Rounds,
  log: (line: string) => void,
): Promise<Section> {
  const administrator = await addAdministrator(databaseUrl);
  return withClient(databaseUrl, async (client) => {
    await client.query('select pg_advisory_lock($1)', [USAGE_LOCK]);
    await run(databaseUrl, CALLS_OF_NOW);
    const server = await startSwitchboard({
      DATABASE_URL: databaseUrl,
      SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
      THROTTLE_LIMIT: '0',
      LOG_LEVEL: 'error',
      SHUTDOWN_TIMEOUT_MS: '0',
    });
    const http = new HttpClient(server.url, 1);
    try {
      const results: Result[] = [];
      const { rows: users } = await client.query<{ id: string }>('select id from plan.users where n = 1');
      for (const question of questionsOf(new Date(), users[0]!.id)) {
        log(question.label);
        results.push(await measure(question, { http, administrator, client, rounds }));
      }
      return {
        title: 'Questions',
        headings: ['question', 'the product, over HTTP', 'plain SQL on the rows', 'times faster'],
        note: `Measured while ${PENDING.toLocaleString('en-US')} calls are not in the rollups yet and ${RUNNING} are running. A summary also has the previous period and the ten users
with the highest cost. The plain SQL does not read these.`,
        results,
      };
    } finally {
      http.close();
      await server.stop();
    }
  });
}

async function addAdministrator(databaseUrl: string): Promise<BenchUser> {
  const id = randomUUID();
  await run(
    databaseUrl,
    `insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
     values ('${id}', 'authenticated', 'authenticated', '${id}@example.com', '{}',
             '{"role": "admin", "isActive": true}', now(), now())`,
  );
  return { id, token: await signToken(id, { email: `${id}@example.com` }) };
}

async function measure(
  { label, path, sql, parameters, compare, aims }: Question,
  {
    http,
    administrator,
    client,
    rounds,
  }: { http: HttpClient; administrator: BenchUser; client: pg.Client; rounds: Rounds },
): Promise<Result> {
  const product = await time(rounds.product, () => http.get(path, administrator));
  const plain = await time(rounds.rows, () => client.query<Record<string, string>>(sql, parameters));
  compare(JSON.parse(product.answer), plain.answer.rows);
  const times = plain.milliseconds / product.milliseconds;
  return {
    cells: [label, milliseconds(product.milliseconds), milliseconds(plain.milliseconds), rounded(times)],
    aims: aims && [
      { text: `under ${aims.milliseconds} ms`, holds: product.milliseconds < aims.milliseconds },
      { text: `at least ${aims.timesFaster} times faster`, holds: times >= aims.timesFaster },
    ],
  };
}

async function time<T>(rounds: number, run: () => Promise<T>): Promise<{ answer: T; milliseconds: number }> {
  const answer = await run();
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    await run();
    taken.push(performance.now() - startedAt);
  }
  return { answer, milliseconds: median(taken) };
}
