import type pg from 'pg';
import type * as PurgeUsage from '../../src/modules/usage/rollup/purge-usage.js';
import type * as UpkeepRepositories from '../../src/modules/usage/rollup/usage-upkeep.repository.js';
import type * as VerifyDatabase from '../../src/common/database/verify/verify-database.js';
import { load } from '../support/build.js';
import { run, withClient } from './databases.js';
import { counted, megabytes, milliseconds, type Result, type Section } from './results.js';

const { purgeUsage } = await load<typeof PurgeUsage>('modules/usage/rollup/purge-usage.js');
const { UsageUpkeepRepository } = await load<typeof UpkeepRepositories>(
  'modules/usage/rollup/usage-upkeep.repository.js',
);
const { verifyDatabase } = await load<typeof VerifyDatabase>('common/database/verify/verify-database.js');

/** @returns rows per second */
type Measure = (label: string, work: () => Promise<number>) => Promise<number>;

/** The measured figures, and the rate that the estimate for larger installations is based on. */
export interface Upkeep {
  section: Section;
  perSecond: number;
}

function measuring(results: Result[], log: (line: string) => void): Measure {
  return async (label, work) => {
    log(label);
    const startedAt = performance.now();
    const done = await work();
    const taken = performance.now() - startedAt;
    const perSecond = (done * 1000) / taken;
    results.push({ cells: [label, milliseconds(taken), `${counted(perSecond)} /s`] });
    return perSecond;
  };
}

const HEADINGS = ['what', 'took', 'rows'];

/** Builds the rollups from a year of rows, builds them again, and compares them with the rows. */
export async function measureRebuild(
  databaseUrl: string,
  rows: number,
  log: (line: string) => void,
): Promise<Upkeep> {
  const results: Result[] = [];
  const measure = measuring(results, log);
  const perSecond = await withClient(databaseUrl, async (client) => {
    const repository = new UsageUpkeepRepository(client);
    const rate = await measure('usage:rebuild without existing rollups', async () => {
      await repository.rebuildRollups();
      return rows;
    });
    await client.query(
      'vacuum analyze switchboard.usage_rollups, switchboard.usage_user_rollups, switchboard.usage_user_kinds',
    );
    await measure('usage:rebuild with correct rollups', async () => {
      const corrected = await repository.rebuildRollups();
      if (corrected > 0) throw new Error(`A second rebuild corrected ${corrected} rows.`);
      return rows;
    });
    return rate;
  });
  await measure('db:verify', async () => {
    const differences = await verifyDatabase({ url: databaseUrl });
    if (differences.length > 0) throw new Error(differences.join('\n'));
    return rows;
  });
  return { section: { title: 'Rebuilding', headings: HEADINGS, results }, perSecond };
}

/** Pending changes as triggers would write them. They have no rows, and a rebuild corrects that. */
const PEND = `
  insert into switchboard.usage_pending
    (user_id, bucket, agent_type, provider, model_used, status, calls, input_tokens, output_tokens, total_tokens,
     input_cost, output_cost, total_cost)
  select id, date_bin('15 minutes', now() - random() * $2::interval, timestamptz '2000-01-01 00:00:00+00'),
         (array['chat', 'routing', 'artifact', 'git_mcp'])[1 + floor(random() * 4)], 'google',
         (array['gemini-2.5-flash', 'gemini-2.5-pro'])[1 + floor(random() * 2)], 'success',
         1, 1000, 200, 1200, 0.001, 0.001, 0.002
    from (select 1 + floor((select count(*) from plan.users) * power(random(), 4))::int as n
            from generate_series(1, $1::int)) as drawn
    join plan.users using (n)`;

/** Measures how fast a queue is folded and rows are purged. The database has fewer rows afterwards. */
export async function measureQueues(
  databaseUrl: string,
  { pending, batch }: { pending: number; batch: number },
  log: (line: string) => void,
): Promise<Upkeep> {
  const results: Result[] = [];
  const measure = measuring(results, log);
  const perSecond = await withClient(databaseUrl, async (client) => {
    for (const [label, span] of [
      ['of the last two hours', '2 hours'],
      ['from all over the year', '360 days'],
    ]) {
      await client.query(PEND, [pending, span]);
      await measure(`folding ${counted(pending)} changes ${label}, ${counted(batch)} at a time`, () =>
        foldAll(client, batch),
      );
    }
    await run(databaseUrl, 'select switchboard.rebuild_usage()', 'vacuum analyze switchboard.usage_rollups');

    const sums = await yearSums(client);
    const { rows } = await client.query<{ before: Date }>(
      `select date_trunc('day', min(request_timestamp) + interval '60 days', 'UTC') as before from usage_logs`,
    );
    const rate = await measure('usage:purge of the two oldest months', () =>
      purgeUsage(new UsageUpkeepRepository(client), rows[0]?.before ?? new Date()),
    );
    if ((await yearSums(client)) !== sums) throw new Error('The purge changed the sums.');
    return rate;
  });
  return { section: { title: 'Queues', headings: HEADINGS, results }, perSecond };
}

async function foldAll(client: pg.Client, batch: number): Promise<number> {
  for (let total = 0; ;) {
    const { rows } = await client.query<{ folded: number }>('select switchboard.fold_usage($1) as folded', [
      batch,
    ]);
    const folded = rows[0]?.folded ?? 0;
    if (folded === 0) return total;
    total += folded;
  }
}

async function yearSums(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ sums: string }>(
    `select granularity || ' ' || sum(calls) || ' ' || sum(total_tokens) || ' ' || sum(total_cost) as sums
       from switchboard.usage_rollups group by granularity order by granularity`,
  );
  return rows.map(({ sums }) => sums).join(', ');
}

/** Sizes of the tables on disk, in bytes. */
export interface Sizes {
  section: Section;
  tableBytes: number;
  indexBytes: number;
  rollupBytes: number;
  /** How many times as large the rollups would be with calls of every kind in every quarter hour. */
  rollupGrowth: number;
}

const SIZES = `
  select relname as name, pg_table_size(parent.oid)::float8 + coalesce(parts.bytes, 0) as "table",
         pg_indexes_size(parent.oid)::float8 + coalesce(parts.index_bytes, 0) as indexes,
         coalesce(parts.rows, parent.reltuples)::float8 as rows
    from pg_class as parent
    left join lateral (select sum(pg_table_size(inhrelid)) as bytes, sum(pg_indexes_size(inhrelid)) as index_bytes,
                              sum(greatest(0, reltuples)) as rows
                         from pg_inherits join pg_class on pg_class.oid = inhrelid
                        where inhparent = parent.oid) as parts on true
   where parent.oid in ('public.usage_logs'::regclass, 'switchboard.usage_rollups'::regclass,
                        'switchboard.usage_user_rollups'::regclass, 'switchboard.usage_user_kinds'::regclass)
   order by relname`;

/** The number of kinds of calls. */
const KINDS = `
  select count(distinct (agent_type, provider, model_used, status))::integer as kinds
    from switchboard.usage_rollups where granularity = 1440`;

const BUCKETS_OF_A_DAY = 96 + 24 + 1;

export async function measureSizes(databaseUrl: string, days: number): Promise<Sizes> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string; table: number; indexes: number; rows: number }>(
      SIZES,
    );
    const { rows: kinds } = await client.query<{ kinds: number }>(KINDS);
    const of = (table: string) =>
      rows.find(({ name }) => name === table) ?? { table: NaN, indexes: NaN, rows: NaN };
    const [logs, rollups] = [of('usage_logs'), of('usage_rollups')];
    const ofUsers = [of('usage_user_rollups'), of('usage_user_kinds')];
    return {
      section: {
        title: 'Sizes',
        headings: ['table', 'rows', 'on disk', 'indexes'],
        results: rows.map(({ name, table, indexes, rows: count }): Result => ({
          cells: [name, counted(count), megabytes(table), megabytes(indexes)],
        })),
      },
      tableBytes: logs.table,
      indexBytes: logs.indexes,
      rollupBytes: [rollups, ...ofUsers].reduce((sum, { table, indexes }) => sum + table + indexes, 0),
      rollupGrowth: (days * BUCKETS_OF_A_DAY * (kinds[0]?.kinds ?? NaN)) / rollups.rows,
    };
  });
}
