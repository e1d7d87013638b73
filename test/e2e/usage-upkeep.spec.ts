import { execFile } from 'node:child_process';
import pg from 'pg';
import { ADVISORY_LOCKS } from '../../src/common/database/advisory-locks.js';
import { purgeUsage } from '../../src/modules/usage/rollup/purge-usage.js';
import { FOLDING, UsageFolder } from '../../src/modules/usage/rollup/usage-folder.js';
import { UsageUpkeepRepository } from '../../src/modules/usage/rollup/usage-upkeep.repository.js';
import { verifyDatabase } from '../../src/common/database/verify/verify-database.js';
import { insertUsageLog, insertUser } from '../fixtures/rows.js';
import { createMigratedSupabaseDatabase } from '../rls/supabase-database.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { Metrics } from '../support/metrics.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { foldAll, usageDifferences } from '../support/usage-sums.js';
import { MANY } from '../support/usage-writes.js';

const INSERT_CALLS = `
  insert into usage_logs (user_id, agent_type, provider, model_used, total_cost, request_timestamp, response_timestamp)
  select $1, 'chat', 'p', 'm', 0.01, timestamptz '2026-01-30T00:00:00Z' + number * interval '1 minute', now()
    from generate_series(0, $2::int - 1) number`;

async function count(database: TestDatabase, from: string): Promise<number> {
  const [row] = await database.query(`select count(*)::int as count from ${from}`);
  return row.count as number;
}

/** Runs `work` while another connection holds the locks of `sql`, in a transaction that is rolled back. */
async function holding<T>(database: TestDatabase, sql: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    await client.query('begin');
    await client.query(sql);
    return await work();
  } finally {
    await client.end();
  }
}

/** The interval of the product. The test does not wait that long. */
const OWN_INTERVAL = FOLDING.interval;
const HOLDING_THE_ROLLUPS = `select pg_advisory_xact_lock(${ADVISORY_LOCKS.usageRollups})`;

describe('the upkeep of the usage rollups', () => {
  let database: TestDatabase;
  let client: pg.Client;
  let repository: UsageUpkeepRepository;
  let userId: string;

  beforeEach(async () => {
    database = await createTestDatabase();
    client = new pg.Client(database.url);
    await client.connect();
    repository = new UsageUpkeepRepository(client);
    userId = await insertUser(database);
  });

  afterEach(async () => {
    await client?.end();
    await database?.drop();
  });

  const insertCalls = (rows: number) => database.query(INSERT_CALLS, [userId, rows]);
  const pending = () => count(database, 'switchboard.usage_pending');

  describe('a statement', () => {
    it('of a starting call leaves nothing to the fold', async () => {
      await insertUsageLog(database, userId);
      expect(await pending()).toBe(0);
      expect(await usageDifferences(database)).toEqual([]);
    });

    it('of many rows updates the rollups directly, and can be reverted', async () => {
      await insertCalls(MANY);
      expect(await pending()).toBeGreaterThan(0);
      await foldAll(database);
      await insertCalls(MANY + 1);
      expect(await pending()).toBe(0);
      expect(await usageDifferences(database)).toEqual([]);
      await database.query('delete from usage_logs');
      expect(await pending()).toBe(0);
      expect(await count(database, 'switchboard.usage_rollups')).toBe(0);
      expect(await count(database, 'switchboard.usage_user_rollups')).toBe(0);
      expect(await count(database, 'switchboard.usage_user_kinds')).toBe(0);
    });

    it("of many rows does not wait for the rollups' lock", async () => {
      await holding(database, HOLDING_THE_ROLLUPS, async () => {
        await insertCalls(MANY + 1);
        expect(await pending()).toBeGreaterThan(0);
        expect(await usageDifferences(database)).toEqual([]);
      });
      await foldAll(database);
      expect(await usageDifferences(database)).toEqual([]);
    });

    it('blocks the fold only until its transaction ends', async () => {
      await insertCalls(10);
      await client.query('begin');
      await client.query(INSERT_CALLS, [userId, MANY + 1]);
      expect(await database.query('select switchboard.fold_usage(100) as folded')).toEqual([{ folded: 0 }]);
      await client.query('rollback');
      expect(await database.query('select switchboard.fold_usage(100) as folded')).toEqual([{ folded: 10 }]);
      expect(await usageDifferences(database)).toEqual([]);
    });
  });

  describe('a purge', () => {
    const BEFORE = new Date('2026-01-30T12:00:00Z');

    it('keeps every sum, the amounts spent, and rows that it does not select', async () => {
      const runningId = await insertUsageLog(database, userId, { request_timestamp: '2026-01-30T01:00:00Z' });
      await insertCalls(1_000);
      const spent = await database.query('select * from switchboard.daily_spending order by day');
      expect(await purgeUsage(repository, BEFORE, { batch: 100 })).toBe(720);
      expect(await usageDifferences(database)).toEqual([]);
      expect(await pending()).toBeGreaterThan(0);
      await foldAll(database);
      expect(await usageDifferences(database)).toEqual([]);
      expect(await database.query('select * from switchboard.daily_spending order by day')).toEqual(spent);
      const left = await database.query(
        `select id from usage_logs where request_timestamp < '2026-01-30T12:00:00Z'`,
      );
      expect(left).toEqual([{ id: runningId }]);
      expect(await count(database, 'usage_logs')).toBe(281);
      // Of fifteen calls, a quarter hour is left, wherever batches have cut it.
      expect(
        await database.query('select calls::int, count(*)::int from switchboard.usage_archive group by 1'),
      ).toEqual([{ calls: 15, count: 48 }]);
      expect(await purgeUsage(repository, BEFORE)).toBe(0);
      expect(await repository.rebuildRollups()).toBe(0);
    });

    it('stops after a batch when it is interrupted, and continues later', async () => {
      await insertCalls(100);
      const interrupt = new AbortController();
      const options = { batch: 30, signal: interrupt.signal, onBatch: () => interrupt.abort() };
      expect(await purgeUsage(repository, BEFORE, options)).toBe(30);
      expect(await usageDifferences(database)).toEqual([]);
      expect(await purgeUsage(repository, BEFORE)).toBe(70);
      expect(await usageDifferences(database)).toEqual([]);
    });

    it.each([
      [
        'rows that somebody is changing',
        `update usage_logs set duration_ms = 1 where total_cost = 0.01 and model_used = 'm'`,
      ],
      ['rows of a user who is being deleted', `select from auth.users for update`],
    ])('does not change %s', async (_name, sql) => {
      await insertCalls(100);
      const other = await insertUser(database);
      await holding(database, sql, async () => {
        expect(await purgeUsage(repository, BEFORE, { batch: 30 })).toBe(0);
      });
      await insertUsageLog(database, other, {
        request_timestamp: '2026-01-30T02:00:00Z',
        response_timestamp: '2026-01-30T02:00:01Z',
      });
      expect(await purgeUsage(repository, BEFORE, { batch: 30 })).toBe(101);
      expect(await usageDifferences(database)).toEqual([]);
    });

    it('is deleted with its user', async () => {
      await insertCalls(100);
      await purgeUsage(repository, BEFORE);
      await foldAll(database);
      expect(await count(database, 'switchboard.usage_rollups')).toBeGreaterThan(0);
      await database.query(
        `do $do$ begin set local role supabase_auth_admin; delete from auth.users; end $do$`,
      );
      expect(await usageDifferences(database)).toEqual([]);
      await foldAll(database);
      for (const table of ['usage_archive', 'usage_rollups', 'usage_user_rollups', 'usage_user_kinds'])
        expect({ table, rows: await count(database, `switchboard.${table}`) }).toEqual({ table, rows: 0 });
    });
  });

  describe('as commands', () => {
    interface Outcome {
      code: number;
      stdout: string;
      stderr: string;
    }

    function run(command: 'purge' | 'rebuild', ...args: string[]): Promise<Outcome> {
      return new Promise((resolve) => {
        const script = `dist/src/modules/usage/cli/usage-${command}.js`;
        const env = { PATH: process.env['PATH'], DATABASE_URL: database.url };
        execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
        });
      });
    }

    it('rebuild the rollups, whatever their state', async () => {
      await insertCalls(200);
      await foldAll(database);
      await database.query(`
        update switchboard.usage_rollups set total_cost = 0 where bucket = '2026-01-30T01:00:00Z';
        delete from switchboard.usage_user_rollups where granularity = 'day';
        delete from switchboard.usage_user_kinds where granularity = 'month';
        insert into switchboard.usage_rollups
          values (15, '2020-01-01T00:00:00Z', 'chat', 'p', 'm', 'success', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)`);
      expect(await usageDifferences(database)).not.toEqual([]);
      // A quarter hour and an hour, a day and a month of the user, and the rows that were too many.
      expect(await run('rebuild')).toEqual({
        code: 0,
        stdout: 'The usage rollups match the rows. 5 sums were corrected.\n',
        stderr: '',
      });
      expect(await usageDifferences(database)).toEqual([]);
      expect(await run('rebuild')).toEqual({
        code: 0,
        stdout: 'The usage rollups match the rows.\n',
        stderr: '',
      });
    });

    it('purge, and print what they did', async () => {
      await insertCalls(2_000);
      const told = (stdout: string) => ({ code: 0, stdout: `${stdout}\n`, stderr: '' });
      expect(await run('purge', '--before', '2026-01-31', '--dry-run')).toEqual(
        told('1,440 calls before 2026-01-31T00:00:00.000Z would be purged.'),
      );
      expect(await count(database, 'usage_logs')).toBe(2_000);
      expect(await run('purge', '--before', '2026-01-31')).toEqual(
        told('1,440 calls before 2026-01-31T00:00:00.000Z purged. Their sums are kept.'),
      );
      expect(await count(database, 'usage_logs')).toBe(560);
      expect(await run('purge', '--before=2026-01-31T01:15+01:00')).toEqual(
        told('15 calls before 2026-01-31T00:15:00.000Z purged. Their sums are kept.'),
      );
      expect(await usageDifferences(database)).toEqual([]);
    });

    it('print what they could not purge', async () => {
      await insertCalls(10);
      await holding(database, 'select from usage_logs for update', async () => {
        expect(await run('purge', '--before', '2026-01-31')).toEqual({
          code: 1,
          stdout:
            '0 calls before 2026-01-31T00:00:00.000Z purged. Their sums are kept.\n' +
            '10 calls left because they were being changed. Run the command again.\n',
          stderr: '',
        });
      });
    });

    it.each([
      [[], /^switchboard: usage: npm run usage:purge -- --before /],
      [['--before'], /^switchboard: usage: /],
      [['--before', '2026-01-31', '--now'], /^switchboard: usage: /],
      [['2026-01-31'], /^switchboard: usage: /],
      [['--before', '2026-02-30'], /^switchboard: "2026-02-30" is not a date: /],
      [['--before', '2026-01-31T00:01Z'], /^switchboard: .* is not on a quarter hour/],
      [['--before', '2999-01-01'], /^switchboard: 2999-01-01 is in the future/],
    ])('refuse %j in one line, and purge nothing', async (args, line) => {
      await insertCalls(1);
      const { code, stdout, stderr } = await run('purge', ...args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(line);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(await count(database, 'usage_logs')).toBe(1);
    });

    it('purge one at a time', async () => {
      await insertCalls(1);
      expect(await repository.lockPurge()).toBe(true);
      expect(await run('purge', '--before', '2026-01-31')).toEqual({
        code: 1,
        stdout: '',
        stderr: 'switchboard: another purge is running\n',
      });
    });
  });
});

it('all work for the operator of a Supabase database, who is not a superuser', async () => {
  const database = await createMigratedSupabaseDatabase();
  const client = new pg.Client(database.operatorUrl);
  await client.connect();
  try {
    const repository = new UsageUpkeepRepository(client);
    const userId = await insertUser(database);
    await client.query(INSERT_CALLS, [userId, MANY + 1]);
    await client.query('update usage_logs set total_cost = 0.02 where total_tokens = 0');
    await client.query(INSERT_CALLS, [userId, 100]);
    await client.query('select switchboard.fold_usage(50)');
    expect(await purgeUsage(repository, new Date('2026-01-31'))).toBe(1_540);
    await repository.rebuildRollups();
    expect(await usageDifferences(database)).toEqual([]);
    await database.query(
      `do $do$ begin set local role supabase_auth_admin; delete from auth.users; end $do$`,
    );
    await client.query('select switchboard.fold_usage(100000)');
    expect(await count(database, 'switchboard.usage_rollups')).toBe(0);
    expect(await verifyDatabase({ url: database.operatorUrl })).toEqual([]);
  } finally {
    await client.end();
    await database.drop();
  }
});

describe('a server', () => {
  let app: TestApp;
  let userId: string;

  beforeAll(async () => {
    FOLDING.interval = 300;
    app = await startTestApp();
    userId = (await app.createUser()).id;
  });

  afterAll(async () => {
    FOLDING.interval = OWN_INTERVAL;
    await app?.close();
  });

  const pending = () => count(app.database, 'switchboard.usage_pending');
  const insertCall = () =>
    insertUsageLog(app.database, userId, { response_timestamp: new Date(), total_cost: '0.5' });

  it('folds pending changes within seconds', async () => {
    expect(OWN_INTERVAL).toBe(10_000);
    await insertCall();
    expect(await usageDifferences(app.database)).toEqual([]);
    await eventually(async () => (await pending()) === 0);
    expect(await count(app.database, 'switchboard.usage_rollups')).toBeGreaterThan(0);
    expect(await usageDifferences(app.database)).toEqual([]);
  });

  it('folds many changes in batches', async () => {
    await app.database.query(INSERT_CALLS, [userId, 500]);
    await app.app.get(UsageFolder).fold(7);
    await eventually(async () => (await pending()) === 0);
    expect(await usageDifferences(app.database)).toEqual([]);
  });

  it('reports the pending changes while another process holds the rollups', async () => {
    await holding(app.database, HOLDING_THE_ROLLUPS, async () => {
      await insertCall();
      await insertCall();
      await eventually(async () => {
        const metrics = await Metrics.scrape(app);
        return metrics.sum('switchboard_usage_rollup_pending') === 2;
      });
      expect(await pending()).toBe(2);
    });
    await eventually(async () => (await pending()) === 0);
    await eventually(async () => (await Metrics.scrape(app)).sum('switchboard_usage_rollup_pending') === 0);
  });

  it('logs a failure once, and continues', async () => {
    const told = () => app.log().split('Usage could not be added to the rollups').length - 1;
    await app.database.query('alter function switchboard.fold_usage(integer) rename to mislaid');
    await insertCall();
    await eventually(() => Promise.resolve(told() > 0));
    const folder = app.app.get(UsageFolder);
    await folder.task.run();
    await folder.task.run();
    expect(told()).toBe(1);
    await app.database.query('alter function switchboard.mislaid(integer) rename to fold_usage');
    await eventually(async () => (await pending()) === 0);
    expect(await usageDifferences(app.database)).toEqual([]);
  });
});
