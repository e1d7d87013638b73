import fc from 'fast-check';
import pg from 'pg';
import { purgeUsage } from '../../src/modules/usage/rollup/purge-usage.js';
import { UsageUpkeepRepository } from '../../src/modules/usage/rollup/usage-upkeep.repository.js';
import { insertUser, type SqlRunner } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { emptyRollups, foldAll, usageDifferences } from '../support/usage-sums.js';
import { type Write, writes } from '../support/usage-writes.js';

/** The days of the calls, which a purge can start with. */
const DAYS = ['2026-01-30T12:00:00Z', '2026-01-31', '2026-01-31T17:15:00Z', '2026-02-01', '2026-02-03'];

/** A user is deleted, and another one is added. */
async function replaceUser(runner: SqlRunner, users: string[], which: number): Promise<void> {
  const index = which % users.length;
  // As the auth server does it, which has no access to usage.
  await runner.query(
    `do $do$ begin
       set local role supabase_auth_admin;
       delete from auth.users where id = '${users[index]}';
     end $do$`,
  );
  users[index] = await insertUser(runner);
}

describe('usage rollups', () => {
  let database: TestDatabase;
  let client: pg.Client;
  let runner: SqlRunner;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = await connect();
    runner = runnerOn(client);
  });

  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  async function connect(): Promise<pg.Client> {
    const connection = new pg.Client(database.url);
    await connection.connect();
    return connection;
  }

  const run = ({ sql, parameters }: Write) => runner.query(sql, parameters);

  it('equal the rows, whatever happens to these', async () => {
    const users = [await insertUser(runner), await insertUser(runner), await insertUser(runner)];
    const repository = new UsageUpkeepRepository(client);
    const fold = (batch: number) => runner.query('select switchboard.fold_usage($1)', [batch]);
    const steps: fc.Arbitrary<{ name: string; run: () => Promise<unknown> }> = fc.oneof(
      {
        weight: 12,
        arbitrary: writes(users, 'm').map((write) => ({ name: write.name, run: () => run(write) })),
      },
      {
        weight: 6,
        arbitrary: fc
          .constantFrom(1, 2, 40, 10_000)
          .map((batch) => ({ name: `fold ${batch}`, run: () => fold(batch) })),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(...DAYS).map((day) => ({
          name: `purge ${day}`,
          run: () => purgeUsage(repository, new Date(day), { batch: 2_000 }),
        })),
      },
      {
        weight: 1,
        arbitrary: fc.constant({ name: 'rebuild', run: () => repository.rebuildRollups() }),
      },
      {
        weight: 1,
        arbitrary: fc
          .nat()
          .map((which) => ({ name: 'delete a user', run: () => replaceUser(runner, users, which) })),
      },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom('usage_logs', 'usage_logs', 'switchboard.usage_archive')
          .map((table) => ({ name: `truncate ${table}`, run: () => runner.query(`truncate ${table}`) })),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 8, maxLength: 20 }), async (sequence) => {
        for (const [index, step] of sequence.entries()) {
          await step.run();
          const done = sequence.slice(0, index + 1).map(({ name }) => name);
          expect({ done, differences: await usageDifferences(runner) }).toEqual({ done, differences: [] });
        }
        await foldAll(runner, 3_000);
        expect(await usageDifferences(runner)).toEqual([]);
        expect(await emptyRollups(runner)).toBe(0);
        expect(await repository.rebuildRollups()).toBe(0);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }, 180_000);

  it('are always exact with concurrent writers, and no writer waits for another', async () => {
    const users = [await insertUser(runner), await insertUser(runner), await insertUser(runner)];
    const seed = Math.floor(Math.random() * 2 ** 31);
    const failures: unknown[] = [];
    let checks = 0;
    let writing = true;

    /** On their own connection, until the writers are done. */
    const meanwhile = (work: (own: SqlRunner, connection: pg.Client) => Promise<unknown>) =>
      withConnection(async (connection) => {
        while (writing) await work(runnerOn(connection), connection);
      });
    const write = (writer: number) =>
      withConnection(async (connection) => {
        const sequence = fc.sample(writes(users, `writer-${writer}-`), { numRuns: 16, seed: seed + writer });
        for (const [index, { sql, parameters }] of sequence.entries()) {
          await connection.query('begin');
          await connection.query(sql, parameters);
          await connection.query(index % 4 === 3 ? 'rollback' : 'commit');
        }
      });
    /** A user is added, makes many calls, and is deleted. */
    const visit = () =>
      withConnection(async (connection) => {
        const own = runnerOn(connection);
        for (const seedOfVisitor of [1, 2, 3]) {
          const visitors = [await insertUser(own)];
          for (const { sql, parameters } of fc.sample(writes(visitors, 'visitor-'), {
            numRuns: 6,
            seed: seed + seedOfVisitor,
          }))
            await own.query(sql, parameters);
          await replaceUser(own, visitors, 0);
        }
      });
    const withConnection = async (work: (connection: pg.Client) => Promise<unknown>) => {
      const connection = await connect();
      try {
        await work(connection);
      } catch (error) {
        failures.push(error);
      } finally {
        await connection.end();
      }
    };

    const others = [
      meanwhile((own) => own.query('select switchboard.fold_usage(500)')),
      meanwhile((own) => own.query('select switchboard.rebuild_usage(), pg_sleep(0.2)')),
      meanwhile((_own, connection) =>
        purgeUsage(new UsageUpkeepRepository(connection), new Date(DAYS[checks % DAYS.length]!), {
          batch: 300,
        }),
      ),
      meanwhile(async (own) => {
        failures.push(...(await usageDifferences(own)));
        checks++;
      }),
    ];
    await Promise.all([...[1, 2, 3, 4].map(write), visit()]);
    writing = false;
    await Promise.all(others);
    expect({ seed, failures }).toEqual({ seed, failures: [] });
    expect(checks).toBeGreaterThan(3);

    await foldAll(runner);
    expect({ seed, differences: await usageDifferences(runner) }).toEqual({ seed, differences: [] });
    expect(await emptyRollups(runner)).toBe(0);
    expect({ seed, differences: await spendingDifferences(runner, users) }).toEqual({
      seed,
      differences: [],
    });
  }, 180_000);
});

/** The amount that users have spent per day does not change when it is purged. */
function spendingDifferences(runner: SqlRunner, users: string[]): Promise<unknown[]> {
  return runner.query(
    `
    select user_id, agent_type, day, sum(cost) as difference
      from (select user_id, agent_type, (request_timestamp at time zone 'UTC')::date as day,
                   case when metadata @> '{"ownKey": true}' then 0 else total_cost end as cost from usage_logs
            union all select user_id, agent_type, (bucket at time zone 'UTC')::date, total_cost - own_key_cost from switchboard.usage_archive
            union all select user_id, agent_type, day, -cost from switchboard.daily_spending) as spent
      where user_id = any($1) group by user_id, agent_type, day having sum(cost) <> 0`,
    [users],
  );
}

function runnerOn(client: pg.Client): SqlRunner {
  return { query: async (sql, parameters) => (await client.query(sql, parameters)).rows };
}
