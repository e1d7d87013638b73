import { randomUUID } from 'node:crypto';
import { runMigrations } from '../../src/common/database/migrate.js';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import { HAS_PGBOUNCER, PgBouncer } from '../support/pgbouncer.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

if (!HAS_PGBOUNCER)
  process.stderr.write('Left out: tests behind PgBouncer. Install the package pgbouncer to run them.\n');

const describeWithPgBouncer = HAS_PGBOUNCER ? describe : describe.skip;

describeWithPgBouncer.each([
  ['transaction', {}],
  ['transaction', { direct: true }],
  ['session', {}],
] as Array<[string, { direct?: boolean }]>)('behind PgBouncer in %s mode (%j)', (mode, { direct }) => {
  let database: TestDatabase;
  let bouncer: PgBouncer;
  let app: ChatApp;

  beforeAll(async () => {
    database = await createTestDatabase();
    bouncer = await PgBouncer.start(database.url, {
      mode,
      settings: mode === 'session' ? { default_pool_size: 30 } : {},
    });
    app = await startChatApp(
      { DATABASE_URL: bouncer.url, ...(direct ? { DIRECT_URL: database.url } : {}) },
      { database },
    );
  });
  afterAll(async () => {
    await app?.close();
    await bouncer?.stop();
    await database?.drop();
  });

  it('says which way it goes', () => {
    expect(app.log()).toContain(
      direct ? 'Notifications use DIRECT_URL' : 'Changes by other instances are noticed within a second',
    );
  });

  it('answers many messages at once, and stores all of them', async () => {
    const users = await Promise.all(Array.from({ length: 10 }, () => app.createUser()));
    const answers = await Promise.all(
      users.flatMap((user) =>
        Array.from({ length: 4 }, () => app.say(user, randomUUID(), 'Hello', { body: { agent: 'chat' } })),
      ),
    );
    expect(answers.map(({ status, done }) => [status, done])).toEqual(answers.map(() => [200, true]));
    const [counts] = await app.database.query(
      `select count(*) filter (where status = 'complete')::int as complete, count(*)::int as all,
              (select count(*)::int from switchboard.runs) as runs from "Message_v2"`,
    );
    expect(counts).toEqual({ complete: 80, all: 80, runs: 0 });
  });

  it('notices a changed configuration within about a second', async () => {
    const user = await app.createUser();
    await app.say(user, randomUUID(), 'Hello', { body: { agent: 'chat' } });
    await app.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{enabled}', 'false') where config_key like 'chat_agent_%'`,
    );
    const changedAt = performance.now();
    const answered = () => app.say(user, randomUUID(), 'Hello', { body: { agent: 'chat' } });
    await eventually(async () => (await answered()).problem?.code === 'agent_disabled');
    // It is asked for every second. A busy machine takes its time.
    expect(performance.now() - changedAt).toBeLessThan(5_000);
    await app.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{enabled}', 'true') where config_key like 'chat_agent_%'`,
    );
    await eventually(async () => (await answered()).status === 200);
  });

  it('keeps each user to their own rows, whichever connection a statement gets', async () => {
    const [ada, eve] = [await app.createUser(), await app.createUser()];
    await app.say(ada, 'hers', 'Secret', { body: { agent: 'chat' } });
    const lists = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        app.request('GET', '/api/chats', { user: index % 2 === 0 ? ada : eve }),
      ),
    );
    expect(lists.map(({ body }) => body.items.length)).toEqual(
      lists.map((_, index) => (index % 2 === 0 ? 1 : 0)),
    );
  });
});

describeWithPgBouncer('migrations behind PgBouncer', () => {
  it('run once, although several start at the same time, and leave no lock', async () => {
    const database = await createTestDatabase({ migrated: false });
    const bouncer = await PgBouncer.start(database.url);
    try {
      const done = await Promise.all([1, 2, 3].map(() => runMigrations({ url: bouncer.url })));
      expect(done.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([0, 0, done.flat().length]);
      const locks = await database.query(`select from pg_locks where locktype = 'advisory' and database =
        (select oid from pg_database where datname = current_database())`);
      expect(locks).toEqual([]);
    } finally {
      await bouncer.stop();
      await database.drop();
    }
  });
});
