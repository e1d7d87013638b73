import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type AuthAdminDouble, startAuthAdminDouble } from '../doubles/supabase/auth-admin-double.js';
import { insertUsageLog } from '../fixtures/rows.js';
import { insertWorld, type World } from '../rls/world.js';
import { SECRET_KEY } from '../support/admin-app.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { signToken, TEST_ISSUER } from '../support/tokens.js';
import { messagesOf, saying } from '../support/turns.js';
import { foldUsage } from '../support/usage-rows.js';

/** What stays of a user: the record of their actions. */
const MEMORY = ['switchboard.audit_log', 'switchboard.config_history'];

const SEED_TABLES = [
  'chat',
  'Message_v2',
  'Vote_v2',
  'Stream',
  'Document',
  'Suggestion',
  'admin_config',
  'usage_logs',
  'rate_limit_tracking',
  'github_repositories',
].map((table) => `public.${table}`);

/** The rows of every table, as text. */
type Snapshot = Map<string, string[]>;

describe.each(['by SQL', 'through the Supabase Admin API'])('a deleted user %s', (way) => {
  let app: ChatApp;
  let supabase: AuthAdminDouble;
  let admin: TestUser;

  beforeAll(async () => {
    supabase = await startAuthAdminDouble(SECRET_KEY);
    app = await startChatApp(
      way === 'by SQL'
        ? {}
        : {
            SUPABASE_URL: supabase.url,
            SUPABASE_SECRET_KEY: SECRET_KEY,
            SUPABASE_JWT_ISSUER: TEST_ISSUER,
          },
    );
    supabase.connect(app.database.url);
    admin = await app.createUser({ role: 'admin' });
  });

  afterEach(() => app.double.reset());

  afterAll(async () => {
    await supabase?.close();
    await app?.close();
  });

  const remove = (id: string) => app.request('DELETE', `/api/admin/users/${id}`, { user: admin });

  async function asTestUser(id: string): Promise<TestUser> {
    const token = await signToken(id);
    return { id, email: '', token, headers: { authorization: `Bearer ${token}` } };
  }

  async function snapshot(): Promise<Snapshot> {
    const tables = await app.database.query(
      `select format('%s.%s', nspname, relname) as name, oid::regclass::text as reference
         from (select pg_class.*, nspname from pg_class join pg_namespace on pg_namespace.oid = relnamespace) as relations
        where relkind in ('r', 'p') and not relispartition and nspname in ('public', 'switchboard')`,
    );
    const snapshots: Snapshot = new Map();
    for (const { name, reference } of tables) {
      const rows = await app.database.query(`select to_jsonb(t)::text as row from ${reference} t`);
      snapshots.set(
        name as string,
        rows.map(({ row }) => row as string),
      );
    }
    return snapshots;
  }

  /** Tables with a row that contains one of these. */
  const mentioning = (tables: Snapshot, ids: string[]): string[] =>
    [...tables]
      .filter(([, rows]) => rows.some((row) => ids.some((id) => row.includes(id))))
      .map(([name]) => name)
      .sort();

  /** All other rows of the schema are unchanged, except for those listed here. */
  const untouched = (before: Snapshot, after: Snapshot, ids: string[], changed: string[]): void => {
    const rest = (rows: string[] = [], but: string[]) =>
      rows.filter((row) => !but.some((id) => row.includes(id))).toSorted();
    for (const table of SEED_TABLES) {
      expect({ table, rows: rest(after.get(table), changed) }).toEqual({
        table,
        rows: rest(before.get(table), [...ids, ...changed]),
      });
    }
  };

  it('takes all their data along, and nothing of others', async () => {
    const world: World = await insertWorld(app.database);
    const { owner, other } = world;
    // The owner's messages in their own chat, with usage, budgets and limits.
    await app.database.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}' where id = $1`,
      [owner.userId],
    );
    const person = await asTestUser(owner.userId);
    expect((await app.say(person, randomUUID(), 'Remember me')).done).toBe(true);
    expect((await app.say(await asTestUser(other.userId), randomUUID(), 'And me')).done).toBe(true);
    // Usage of a chat that no longer exists.
    await insertUsageLog(app.database, owner.userId, { chat_id: null, total_cost: '1.5' });
    // Another user's usage in a chat of the owner. No route creates it, but the schema allows it.
    const foreign = await insertUsageLog(app.database, other.userId, { chat_id: owner.chatId });
    const timeoutMs = 1_000 + Math.floor(Math.random() * 9_000);
    const changed = await app.request('PATCH', '/api/admin/config/routing_agent', {
      user: person,
      body: { configData: { timeoutMs } },
    });
    expect(changed.body.updatedBy).toBe(owner.userId);

    const before = await snapshot();
    expect(mentioning(before, [owner.userId])).toEqual(
      expect.arrayContaining([
        ...MEMORY,
        'public.chat',
        'public.Document',
        'public.Suggestion',
        'public.usage_logs',
        'public.rate_limit_tracking',
        'public.github_repositories',
        'public.admin_config',
        'switchboard.daily_spending',
        'switchboard.usage_archive',
        'switchboard.usage_user_rollups',
        'switchboard.usage_user_kinds',
      ]),
    );
    const chats = await app.database.query('select id from chat where user_id = $1', [owner.userId]);
    const ids = [
      owner.userId,
      ...chats.map(({ id }) => id as string),
      owner.messageId,
      owner.answerId,
      owner.streamId,
      owner.documentId,
      owner.suggestionId,
      owner.usageLogId,
      owner.rateLimitId,
      owner.repositoryId,
    ];
    for (const table of SEED_TABLES) expect(mentioning(before, ids)).toContain(table);

    expect((await remove(owner.userId)).status).toBe(204);

    expect(await app.database.query('select from auth.users where id = $1', [owner.userId])).toEqual([]);
    await foldUsage(app.database);
    const after = await snapshot();
    expect(mentioning(after, ids)).toEqual(MEMORY);
    const [{ id: configId }] = await app.database.query(
      `select id from admin_config where config_key = 'routing_agent'`,
    );
    untouched(before, after, ids, [configId, owner.configId, foreign]);
    // Another user's rows stay as well. They only lose the reference to the chat.
    const [log] = await app.database.query('select user_id, chat_id from usage_logs where id = $1', [
      foreign,
    ]);
    expect(log).toEqual({ user_id: other.userId, chat_id: null });

    const config = await app.request('GET', '/api/admin/config/routing_agent', { user: admin });
    expect(config.body).toMatchObject({ updatedBy: null, configData: { timeoutMs } });
    expect(config.body.version).toBe(changed.body.version);
    const history = await app.request('GET', '/api/admin/config/routing_agent/history', { user: admin });
    expect(history.body.items[0].changedBy).toBe(owner.userId);
  });

  describe('during an answer', () => {
    /** The tables that mention a user after the end of an answer, which may still be booked: waits for at most `count`. */
    const leftOf = async (user: TestUser, count: number): Promise<string[]> => {
      const tables = async () => {
        await foldUsage(app.database);
        return mentioning(await snapshot(), [user.id]);
      };
      await eventually(async () => (await tables()).length <= count);
      return tables();
    };
    const opening = async (user: TestUser, chatId = randomUUID()) => {
      app.double.enqueue({ text: ['Half ', 'of ', 'it', '.'], pauseAfter: 2 });
      const reader = await app.open(user, { id: chatId, message: userMessage('Go on') });
      await reader.until(saying('Half of '));
      return { reader, chatId };
    };

    it('gets the end of it, and leaves nothing behind', async () => {
      const user = await app.createUser();
      const { reader } = await opening(user);
      const logged = app.log().length;
      expect((await remove(user.id)).status).toBe(204);
      const { chunks, done, text } = await reader.rest();
      expect({ done, text }).toEqual({ done: true, text: 'Half of ' });
      expect(chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
      expect(await leftOf(user, 1)).toEqual(['switchboard.audit_log']);
      expect(app.log().slice(logged)).not.toMatch(/"level":"(error|fatal)"/);
    });

    it('on another server gets the end as well, and the log says once that calls are not recorded', async () => {
      const user = await app.createUser();
      const { reader } = await opening(user);
      const logged = app.log().length;
      await app.database.query('delete from auth.users where id = $1', [user.id]);
      const { done, text } = await reader.rest();
      expect({ done, text }).toEqual({ done: true, text: 'Half of ' });
      expect(await leftOf(user, 0)).toEqual([]);
      await eventually(() =>
        Promise.resolve(app.log().slice(logged).includes('A user was deleted during answers.')),
      );
      expect(app.log().slice(logged)).not.toMatch(/"level":"(error|fatal)"/);
      expect((await app.request('GET', '/api/me', { user: admin })).status).toBe(200);
    });

    it('is deleted while the end of the answer waits to be stored', async () => {
      const user = await app.createUser();
      const { reader } = await opening(user);
      const client = new pg.Client(app.database.url);
      await client.connect();
      try {
        // A deletion locks the row of the user before everything that goes with it.
        await client.query('begin');
        await client.query('select from auth.users where id = $1 for update', [user.id]);
        app.double.resume();
        await eventually(async () => {
          const [waiting] = await app.database.query(
            `select from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock' and query like '%book_calls%'`,
          );
          return waiting !== undefined;
        });
        // Each waiting transaction looks for a deadlock once, after a second. The last one that looks would fail.
        await sleep(1_200);
        await client.query('delete from auth.users where id = $1', [user.id]);
        await client.query('commit');
      } finally {
        await client.end();
      }
      await reader.rest();
      expect(await leftOf(user, 0)).toEqual([]);
    });

    it('who is only deactivated gets the end as well, and finds the text after reactivation', async () => {
      const user = await app.createUser();
      const { reader, chatId } = await opening(user);
      const path = `/api/admin/users/${user.id}`;
      await app.request('PATCH', path, { user: admin, body: { isActive: false } });
      const { chunks, done } = await reader.rest();
      expect(done).toBe(true);
      expect(chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
      await app.request('PATCH', path, { user: admin, body: { isActive: true } });
      const [, answer] = await messagesOf(app, user, chatId);
      expect(answer).toMatchObject({ status: 'stopped' });
      // A change that keeps the user active ends nothing.
      const next = await opening(user);
      await app.request('PATCH', path, { user: admin, body: { role: 'admin' } });
      await eventually(async () => (await app.request('GET', '/api/me', { user })).body.role === 'admin');
      app.double.resume();
      expect((await next.reader.rest()).text).toBe('Half of it.');
      await app.request('PATCH', path, { user: admin, body: { role: 'user' } });
    });
  });
});
