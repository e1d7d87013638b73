import { DataSource } from 'typeorm';
import { migrationOptions, runMigrations } from '../../src/common/database/migrate.js';
import { insertUsageLog, insertUser } from '../fixtures/rows.js';
import { admissionRequest, admit, recordCall, refusalOf } from '../support/admissions.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

/** The sums of `usage_logs`, and the separately counted ones: both must be equal. */
async function spending(database: TestDatabase): Promise<{ logged: unknown; counted: unknown }> {
  const logged = await database.query(
    `select user_id, agent_type, (request_timestamp at time zone 'UTC')::date::text as day,
            sum(total_cost)::numeric(20, 6)::text as cost
       from usage_logs group by 1, 2, 3 having sum(total_cost) > 0 order by 1, 2, 3`,
  );
  const counted = await database.query(
    `select user_id, agent_type, day::text, cost::text from switchboard.daily_spending
      where cost <> 0 order by 1, 2, 3`,
  );
  return { logged, counted };
}

describe('the amount spent', () => {
  let app: TestApp;
  let userId: string;

  beforeAll(async () => {
    app = await startTestApp();
  });

  beforeEach(async () => {
    userId = (await app.createUser()).id;
  });

  afterAll(() => app.close());

  const request = (expectedCost: string, budget: { daily?: number; monthly?: number }) =>
    admissionRequest(userId, { expectedCost, budget });

  const spend = (cost: string, columns: object = {}) =>
    insertUsageLog(app.database, userId, { total_cost: cost, ...columns });

  it('is counted with every change of usage_logs', async () => {
    const other = await insertUser(app.database);
    const ids = await Promise.all([
      spend('0.1'),
      spend('0.25'),
      spend('3', { request_timestamp: '2026-01-31T23:59:59.999Z' }),
      spend('4', { request_timestamp: '2026-02-01T00:00:00.000Z', agent_type: 'artifact' }),
      spend('0'),
    ]);
    const changes = [
      `update usage_logs set total_cost = total_cost + 0.000001`,
      `update usage_logs set total_cost = 0 where id = '${ids[0]}'`,
      `update usage_logs set request_timestamp = '2026-02-28T12:00:00Z' where id = '${ids[1]}'`,
      `update usage_logs set agent_type = 'git_mcp', user_id = '${other}' where id = '${ids[2]}'`,
      `update usage_logs set metadata = '{}'`,
      `insert into usage_logs (user_id, agent_type, model_used, provider, total_cost, request_timestamp)
         select '${other}', (array['chat', 'artifact'])[1 + i % 2], 'm', 'p', i / 1000.0, now() - i * interval '1 hour'
           from generate_series(0, 99) i`,
      `insert into usage_logs (id, user_id, agent_type, model_used, provider, total_cost)
         values ('${ids[1]}', '${userId}', 'chat', 'm', 'p', 2), (gen_random_uuid(), '${userId}', 'chat', 'm', 'p', 3)
         on conflict (id) do update set total_cost = excluded.total_cost`,
      `delete from usage_logs where id in ('${ids[1]}', '${ids[3]}')`,
      `delete from usage_logs where user_id = '${other}' and agent_type = 'chat'`,
    ];
    for (const change of changes) {
      await app.database.query(change);
      const { logged, counted } = await spending(app.database);
      expect({ change, counted }).toEqual({ change, counted: logged });
    }
    expect((await spending(app.database)).counted).not.toEqual([]);
    await app.database.query('truncate usage_logs');
    expect((await spending(app.database)).counted).toEqual([]);
  });

  it('is counted when many calls end at the same time', async () => {
    await Promise.all(Array.from({ length: 60 }, () => recordCall(app, userId, '0.01')));
    await refusalOf(app, request('0.400001', { daily: 1 }));
    await admit(app, request('0.4', { daily: 1 }));
  });

  it('is deleted when the auth server deletes the user', async () => {
    await admit(app, request('1', { daily: 10 }));
    await spend('1');
    await app.database.query(
      `do $do$ begin
         set local role supabase_auth_admin;
         delete from auth.users where id = '${userId}';
       end $do$`,
    );
    expect(
      await app.database.query(
        `select user_id from usage_logs where user_id = $1
         union all select user_id from switchboard.daily_spending where user_id = $1
         union all select user_id from switchboard.runs where user_id = $1
         union all select user_id from rate_limit_tracking where user_id = $1`,
        [userId],
      ),
    ).toEqual([]);
  });

  it('is read quickly in a month with very many calls', async () => {
    await app.database.query(
      `insert into usage_logs (user_id, agent_type, model_used, provider, total_cost, request_timestamp)
       select $1, 'chat', 'm', 'p', 0.00001, date_trunc('month', now(), 'UTC') from generate_series(1, 100000)`,
      [userId],
    );
    await refusalOf(app, request('0.000001', { monthly: 1 }));
    const blocks: number[] = [];
    // The first time in a session, the function itself is read, too.
    for (let time = 1; time <= 3; time++) {
      const [plan] = await app.database.query(
        `explain (analyze, buffers, format json) select * from switchboard.admit('admit', gen_random_uuid(), $1, 'chat', 10, 10, null, 1, 0.1, 0.1, 0, '1 minute', 1, null, null)`,
        [userId],
      );
      const { Plan: read } = plan['QUERY PLAN'][0];
      blocks.push(read['Shared Hit Blocks'] + read['Shared Read Blocks']);
    }
    // Reading the calls themselves would read thousands of pages.
    expect(Math.min(...blocks)).toBeLessThan(200);
  });

  it('includes calls from before it was counted', async () => {
    const database = await createTestDatabase({ migrated: false });
    try {
      const options = migrationOptions(database.url);
      const all = options.migrations as Array<new () => object>;
      const migrations = all.slice(
        0,
        all.findIndex(({ name }) => name.startsWith('UsageAccounting')),
      );
      const dataSource = await new DataSource({ ...options, migrations }).initialize();
      try {
        await dataSource.query('create schema if not exists switchboard');
        await dataSource.runMigrations();
      } finally {
        await dataSource.destroy();
      }
      const users = [await insertUser(database), await insertUser(database)];
      for (const [index, cost] of ['0.1', '0.2', '0', '9999.999999', '9999.999999'].entries()) {
        await insertUsageLog(database, users[index % 2]!, { total_cost: cost });
      }
      expect(await runMigrations({ url: database.url })).toContain('UsageAccounting1764000000005');
      const { logged, counted } = await spending(database);
      expect(counted).toEqual(logged);
      expect(counted).toHaveLength(2);
    } finally {
      await database.drop();
    }
  });
});
