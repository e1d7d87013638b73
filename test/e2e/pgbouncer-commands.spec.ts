import { randomUUID } from 'node:crypto';
import { Notifications } from '../../src/common/database/notifications.js';
import { Database } from '../../src/common/database/database.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { HAS_PGBOUNCER, PgBouncer } from '../support/pgbouncer.js';
import { createTestDatabase } from '../support/postgres.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';
import { answerCalls, saying, stop } from '../support/turns.js';

const canRun = HAS_PGBOUNCER && HAS_REDIS;
if (!canRun)
  process.stderr.write('Left out: tests behind PgBouncer with Redis. Install pgbouncer and redis-server.\n');

/** Nothing can listen to notifications here, so commands travel through Redis. */
(canRun ? describe : describe.skip)('two instances behind PgBouncer, with Redis', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let bouncer: PgBouncer;
  let redis: RedisServer;
  let first: ChatApp;
  let second: ChatApp;

  beforeAll(async () => {
    database = await createTestDatabase();
    [bouncer, redis] = await Promise.all([
      PgBouncer.start(database.url, { settings: { default_pool_size: 30 } }),
      RedisServer.start(),
    ]);
    const environment = { DATABASE_URL: bouncer.url, REDIS_URL: redis.url };
    first = await startChatApp(environment);
    second = await startChatApp(environment);
    // The pulse would bring the same, within a second.
    for (const { app } of [first, second])
      clearInterval(app.get<{ pulse: NodeJS.Timeout }>(Notifications).pulse);
  });
  afterAll(async () => {
    await second?.close();
    await first?.close();
    await redis?.stop();
    await bouncer?.stop();
    await database?.drop();
  });

  /** The application creates it in the database of its own. */
  async function createUser(role: 'user' | 'admin' = 'user'): Promise<TestUser> {
    const user = await first.createUser({ role });
    await database.query(
      `insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
       values ($1, 'authenticated', 'authenticated', $2, '{}', $3, now(), now())`,
      [user.id, user.email, JSON.stringify({ role, isActive: true })],
    );
    return user;
  }

  it('stop each other’s answers', async () => {
    const user = await createUser();
    const chatId = randomUUID();
    first.double.enqueue({ text: ['Safe ', 'and '], pauseAfter: 2 }, { when: ({ stream }) => stream });
    const reader = await first.open(user, { id: chatId, agent: 'chat', message: userMessage('Hello') });
    await reader.until(saying('and '));
    const since = performance.now();
    const stopping = stop(second, user, chatId);
    await first.double.until(() => answerCalls(first, 'Hello')[0]?.closedByClient === true);
    expect(performance.now() - since).toBeLessThan(2_000);
    expect(await stopping).toEqual({ stopped: true });
    expect((await reader.rest()).chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
  });

  it('notice changes of the configuration and of users that were made at the other one', async () => {
    const [admin, user] = [await createUser('admin'), await createUser()];
    const isPirate = async () => {
      await second.say(user, randomUUID(), 'Ahoy', { body: { agent: 'chat' } });
      return JSON.stringify(answerCalls(second, 'Ahoy').at(-1)).includes('like a pirate');
    };
    expect(await isPirate()).toBe(false);
    const changed = await first.request('PATCH', '/api/admin/config/chat_agent_google', {
      user: admin,
      body: { configData: { systemPrompt: 'Speak like a pirate.' } },
    });
    expect([changed.status, changed.text]).toEqual([200, expect.any(String)]);
    // Without the message, it stays unnoticed for five seconds.
    await eventually(isPirate, 3_000);
    expect((await second.request('GET', '/api/me', { user })).status).toBe(200);
    const path = `/api/admin/users/${user.id}`;
    const body = { isActive: false };
    expect((await first.request('PATCH', path, { user: admin, body })).status).toBe(200);
    await eventually(async () => (await second.request('GET', '/api/me', { user })).status === 403, 3_000);
  });

  it('are ready, and report that they are alive, while all connections of the pool are taken', async () => {
    const held = Promise.withResolvers<void>();
    const pool = first.app.get(Database);
    const holding = Array.from({ length: 12 }, () =>
      pool.asServiceInTransaction(async () => held.promise).catch(() => undefined),
    );
    try {
      await eventually(() => Promise.resolve(pool.isSaturated()));
      expect((await first.request('GET', '/health/ready')).status).toBe(200);
      const beatsOf = () =>
        database.query('select max(beat_at)::text as at from switchboard.instances group by id');
      const before = new Set((await beatsOf()).map(({ at }) => at));
      await eventually(async () => (await beatsOf()).every(({ at }) => !before.has(at)), 5_000);
    } finally {
      held.resolve();
      await Promise.all(holding);
    }
  });
});
