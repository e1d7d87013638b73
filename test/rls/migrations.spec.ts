import pg from 'pg';
import { DataSource } from 'typeorm';
import { MIGRATION_LOCKS } from '../../src/common/database/migration-client.js';
import { DEFAULT_CONFIG } from '../../src/modules/admin-config/defaults/default-config.js';
import { migrationOptions, revertLastMigration, runMigrations } from '../../src/common/database/migrate.js';
import { insertChat, insertUsageLog, insertUser } from '../fixtures/rows.js';
import { eventually } from '../support/chat-app.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { describeCatalog } from './catalog.js';
import { connect, signedIn } from './session.js';
import { createSupabaseDatabase } from './supabase-database.js';

const MIGRATIONS = migrationOptions('').migrations as Array<new () => object>;
const NAMES = MIGRATIONS.map(({ name }) => name);

const INSERT_USER = `insert into auth.users (id, email) values (gen_random_uuid(), gen_random_uuid() || '@example.com')`;

/** A database without our objects, and the URL that it is migrated with. */
interface EmptyDatabase {
  database: TestDatabase;
  url: string;
}

async function plain(): Promise<EmptyDatabase> {
  const database = await createTestDatabase({ migrated: false });
  return { database, url: database.url };
}

async function hosted(): Promise<EmptyDatabase> {
  const database = await createSupabaseDatabase();
  return { database, url: database.operatorUrl };
}

/** Runs `fn` on an empty database that is dropped afterwards. */
async function withEmptyDatabase<T>(
  create: () => Promise<EmptyDatabase>,
  fn: (empty: EmptyDatabase) => Promise<T>,
): Promise<T> {
  const empty = await create();
  try {
    return await fn(empty);
  } finally {
    await empty.database.drop();
  }
}

/** Only the first `count` migrations, like a server version that knows no others. */
async function runFirst(url: string, count: number): Promise<void> {
  const migrations = MIGRATIONS.slice(0, count);
  const dataSource = await new DataSource({ ...migrationOptions(url), migrations }).initialize();
  try {
    await dataSource.query('create schema if not exists switchboard');
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
}

async function runBefore(url: string, name: string): Promise<void> {
  const count = NAMES.indexOf(name);
  if (count < 0) throw new Error(`There is no migration ${name}.`);
  await runFirst(url, count);
}

async function revertAll(url: string): Promise<string[]> {
  const reverted: string[] = [];
  for (;;) {
    const name = await revertLastMigration({ url });
    if (name === undefined) return reverted;
    reverted.push(name);
  }
}

describe.each([
  ['plain PostgreSQL', plain],
  ['hosted Supabase', hosted],
])('migrations on %s', (_name, create) => {
  it('run, do nothing the second time, are reverted, and run again', async () => {
    await withEmptyDatabase(create, async ({ database, url }) => {
      expect(await runMigrations({ url })).toEqual(NAMES);
      const migrated = await describeCatalog(database);
      expect(await runMigrations({ url })).toEqual([]);
      expect(await describeCatalog(database)).toEqual(migrated);
      expect(await revertAll(url)).toEqual([...NAMES].reverse());
      expect(await revertLastMigration({ url })).toBeUndefined();
      expect(await runMigrations({ url })).toEqual(NAMES);
      expect(await describeCatalog(database)).toEqual(migrated);
    });
  });

  it('revert exactly what they have created, one by one', async () => {
    await withEmptyDatabase(create, async ({ database, url }) => {
      // Reading the migrations to revert creates the migrations table.
      expect(await revertLastMigration({ url })).toBeUndefined();
      const before: string[][] = [];
      for (let count = 1; count <= NAMES.length; count++) {
        before.push(await describeCatalog(database));
        await runFirst(url, count);
      }
      for (const name of [...NAMES].reverse()) {
        expect(await revertLastMigration({ url })).toBe(name);
        const after = await describeCatalog(database);
        const expected = before.pop()!;
        expect({ name, left: after.filter((line) => !expected.includes(line)) }).toEqual({ name, left: [] });
        // Supabase's default privileges on new tables are not restored: nothing is opened on the way back.
        const missing = expected.filter((line) => !after.includes(line));
        expect(
          missing.filter((line) => !/^[A-Z]+ for (anon|authenticated|service_role) /.test(line)),
        ).toEqual([]);
      }
    });
  });

  it('do not stop others while a long transaction holds a lock', async () => {
    const limits = { ...MIGRATION_LOCKS };
    Object.assign(MIGRATION_LOCKS, { timeout: 100, pause: 50, attempts: 1_000 });
    try {
      await withEmptyDatabase(create, async ({ database, url }) => {
        await runFirst(url, 1);
        const holder = new pg.Client(database.url);
        await holder.connect();
        try {
          await holder.query('begin');
          await holder.query('lock table auth.users in row exclusive mode');
          const migrating = runMigrations({ url });
          await eventually(async () => {
            const waiting = await database.query(
              `select from pg_stat_activity
                where datname = current_database() and application_name = 'switchboard-migrate'
                  and wait_event_type = 'Lock'`,
            );
            return waiting.length > 0;
          });
          // Behind a migration that waits for its lock, this would wait as well.
          for (let sign = 0; sign < 5; sign++) {
            await database.query(`set lock_timeout = '10s'; ${INSERT_USER}`);
          }
          await holder.query('commit');
          expect(await migrating).toEqual(NAMES.slice(1));
        } finally {
          await holder.end();
        }
      });
    } finally {
      Object.assign(MIGRATION_LOCKS, limits);
    }
    expect(limits).toEqual({ timeout: 3_000, pause: 2_000, attempts: 20 });
  });

  it('never leave a table open to users while they are reverted', async () => {
    await withEmptyDatabase(create, async ({ database, url }) => {
      await runMigrations({ url });
      const [owner, other] = [await insertUser(database), await insertUser(database)];
      await insertChat(database, owner);
      const connection = await connect(database);
      const attempt = (role: 'anon' | 'authenticated') =>
        connection.rolledBack({ ...signedIn(other), role }, (session) =>
          session.attempt('select * from public.chat'),
        );
      try {
        expect(await attempt('authenticated')).toBe('none');
        for (;;) {
          const reverted = await revertLastMigration({ url });
          if (reverted === 'Tables1764000000002') break;
          expect({ reverted, outcome: await attempt('authenticated') }).toEqual({
            reverted,
            outcome: expect.stringMatching(/none|denied/),
          });
          expect(await attempt('anon')).toBe('denied');
        }
      } finally {
        await connection.close();
      }
    });
  });

  it('run once when several servers start at the same time', async () => {
    await withEmptyDatabase(create, async ({ database, url }) => {
      const runs = await Promise.all([1, 2, 3, 4].map(() => runMigrations({ url })));
      expect(runs.filter((names) => names.length > 0)).toEqual([NAMES]);
      const rows = await database.query(`select name from switchboard.migrations order by id`);
      expect(rows.map(({ name }) => name)).toEqual(NAMES);
      const locks = await database.query(
        `select 1 from pg_locks where locktype = 'advisory'
           and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(locks).toEqual([]);
    });
  });

  it('trust only values of existing users that the service key has written', async () => {
    await withEmptyDatabase(create, async ({ database, url }) => {
      await runBefore(url, 'UserRoleGuard1764000000004');
      const users: Array<[own: unknown, app: unknown, expected: unknown]> = [
        [{ role: 'admin', settings: 1 }, {}, { role: 'user', isActive: true, settings: 1 }],
        [{ role: 'admin' }, null, { role: 'user', isActive: true }],
        [{ isActive: true }, { isActive: false }, { role: 'user', isActive: false }],
        [{}, { role: 'admin' }, { role: 'admin', isActive: true }],
        ['{"role": "admin"}', {}, { role: 'user', isActive: true }],
        [null, null, { role: 'user', isActive: true }],
      ];
      for (const [own, app] of users) {
        await database.query(
          `insert into auth.users (id, raw_user_meta_data, raw_app_meta_data, created_at)
           values (gen_random_uuid(), $1, $2, clock_timestamp())`,
          [own === null ? null : JSON.stringify(own), app === null ? null : JSON.stringify(app)],
        );
      }
      await runMigrations({ url });
      const rows = await database.query(
        `select raw_user_meta_data as own from auth.users order by created_at`,
      );
      expect(rows.map(({ own }) => own)).toEqual(users.map(([, , expected]) => expected));
    });
  });

  it('count the usage from before, and from while they were reverted', async () => {
    await withEmptyDatabase(create, async ({ database, url }) => {
      await runBefore(url, 'UsageAccounting1764000000005');
      const userId = await insertUser(database);
      const insertCall = (columns: object) =>
        insertUsageLog(database, userId, {
          total_cost: '0.1',
          request_timestamp: '2026-01-31T23:59:59.999Z',
          response_timestamp: '2026-02-01T00:00:01Z',
          ...columns,
        });
      await insertCall({});
      await insertCall({ metadata: { status: 'error' } });
      await insertCall({ response_timestamp: null, total_cost: 0 });
      await runMigrations({ url });
      expect(
        await database.query(
          `select granularity, bucket, status, calls::int, total_cost::text as cost from switchboard.usage_rollups
            order by granularity, status`,
        ),
      ).toEqual(
        [
          [15, '2026-01-31T23:45:00Z'],
          [60, '2026-01-31T23:00:00Z'],
          [1440, '2026-01-31T00:00:00Z'],
        ].flatMap(([granularity, bucket]) =>
          ['error', 'success'].map((status) => ({
            granularity,
            bucket: new Date(bucket as string),
            status,
            calls: 1,
            cost: '0.100000',
          })),
        ),
      );
      expect(
        await database.query(
          `select granularity, bucket::text, user_id, calls::int, errors::int, total_cost::text as cost
             from switchboard.usage_user_rollups order by granularity`,
        ),
      ).toEqual(
        [
          ['day', '2026-01-31'],
          ['month', '2026-01-01'],
        ].map(([granularity, bucket]) => ({
          granularity,
          bucket,
          user_id: userId,
          calls: 2,
          errors: 1,
          cost: '0.200000',
        })),
      );
      while ((await revertLastMigration({ url })) !== 'UsageAccounting1764000000005');
      await insertCall({});
      await database.query(`update usage_logs set total_cost = 0.5 where metadata ->> 'status' = 'error'`);
      await runMigrations({ url });
      expect(await database.query(`select day::text, cost::text from switchboard.daily_spending`)).toEqual([
        { day: '2026-01-31', cost: '0.700000' },
      ]);
    });
  });

  it('insert the default configuration where there is none', async () => {
    await withEmptyDatabase(create, async ({ database, url }) => {
      await runBefore(url, 'Configuration1764000000006');
      await database.query(
        `insert into admin_config (config_key, config_data) values ('routing_agent', '{"mine": true}')`,
      );
      await runMigrations({ url });
      const rows = await database.query(`select config_key as key, config_data as data from admin_config`);
      expect(rows.map(({ key }) => key)).toEqual(expect.arrayContaining(Object.keys(DEFAULT_CONFIG)));
      expect(rows.find(({ key }) => key === 'routing_agent')).toMatchObject({ data: { mine: true } });
    });
  });
});

describe('migrations on hosted Supabase', () => {
  it('create nothing in the schema of the auth server except their triggers', async () => {
    await withEmptyDatabase(hosted, async ({ database, url }) => {
      const ofAuth = async () => {
        const lines = await describeCatalog(database);
        return lines.filter((line) => /\bauth\./.test(line) && !/^policy|switchboard\.|public\./.test(line));
      };
      const before = await ofAuth();
      expect(before.length).toBeGreaterThan(5);
      await runMigrations({ url });
      expect(await ofAuth()).toEqual(before);
      const triggers = await database.query(
        `select tgname as name from pg_trigger where tgrelid = 'auth.users'::regclass and not tgisinternal
          order by tgname`,
      );
      expect(triggers.map(({ name }) => name)).toEqual(['switchboard_user_changed', 'switchboard_user_role']);
    });
  });

  it('guard what the auth server, the owner of auth.users, writes', async () => {
    await withEmptyDatabase(hosted, async ({ database, url }) => {
      await runMigrations({ url });
      const connection = await connect(database);
      try {
        await connection.rolledBack({ role: 'supabase_auth_admin' }, async (session) => {
          const [user] = await session.query(
            `insert into auth.users (id, raw_user_meta_data) values (gen_random_uuid(), '{"role": "admin"}')
             returning id, raw_user_meta_data as own, raw_app_meta_data as app`,
          );
          expect(user).toMatchObject({ own: { role: 'user' }, app: { role: 'user' } });
          expect(await session.attempt(`delete from auth.users where id = $1`, [user.id])).toBe('rows');
        });
      } finally {
        await connection.close();
      }
    });
  });
});
