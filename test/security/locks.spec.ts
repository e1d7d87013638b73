import { Database } from '../../src/common/database/database.js';
import { addChat } from '../fixtures/chat-rows.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { hold, type HeldTransaction, waitingForLocks } from '../support/row-locks.js';
import { messagesOf, saying, storedAnswer, textOfParts } from '../support/turns.js';

/** As set by `startTestApp`. A user may hold a quarter of it. */
const POOL_SIZE = 8;
const SHARE = POOL_SIZE / 4;

/** In milliseconds: a quarter of the product's limits, in the same proportions. */
const LOCK_TIMEOUT = 750;
const PATIENCE = 3_750;

/** Far below the 30 seconds that a statement without limits may wait. */
const SOON = 10_000;

/** An application with limits for locks and connection shares that are short enough for these tests. */
async function startHurriedApp(environment?: Record<string, string>): Promise<ChatApp> {
  const app = await startChatApp(environment);
  const { limits } = app.app.get(Database);
  limits.user = { ...limits.user, lock: LOCK_TIMEOUT };
  limits.service = { ...limits.service, lock: LOCK_TIMEOUT };
  limits.patience = PATIENCE;
  return app;
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; milliseconds: number }> {
  const since = performance.now();
  const result = await work;
  return { result, milliseconds: performance.now() - since };
}

/** A user may lock their own rows through the Data API for any length of time. This must only affect that user. */
describe('rows that a user locks', () => {
  let app: ChatApp;
  let attacker: TestUser;
  let victim: TestUser;
  const held: HeldTransaction[] = [];

  beforeAll(async () => {
    app = await startHurriedApp();
  });

  beforeEach(async () => {
    attacker = await app.createUser();
    victim = await app.createUser();
  });

  afterEach(async () => {
    await Promise.all(held.splice(0).map((transaction) => transaction.release()));
    await eventually(async () => (await waitingForLocks(app.database)) === 0);
    app.double.reset();
  });

  afterAll(() => app.close());

  async function holdAs(userId: string | undefined, sql: string, parameters?: unknown[]): Promise<void> {
    const transaction = await hold(app.database, userId);
    held.push(transaction);
    expect(await transaction.query(sql, parameters)).toBeGreaterThan(0);
  }

  const chatsOf = (user: TestUser, count: number) =>
    Promise.all(Array.from({ length: count }, () => addChat(app, user)));

  const send = (user: TestUser, chatId: string, text = 'hello') =>
    app.post(user, { id: chatId, agent: 'chat', message: userMessage(text, crypto.randomUUID()) });

  async function expectOthersAreServed(): Promise<void> {
    const { milliseconds } = await timed(
      (async () => {
        for (const path of ['/health/ready', '/api/chats', '/api/me']) {
          expect([path, (await app.request('GET', path, { user: victim })).status]).toEqual([path, 200]);
        }
        const answer = await send(victim, await addChat(app, victim));
        expect(answer).toMatchObject({ status: 200, done: true });
        expect(answer.chunks.at(-1)).toMatchObject({ type: 'finish' });
      })(),
    );
    expect(milliseconds).toBeLessThan(SOON);
  }

  it.each([
    ['a lock', 'select id from chat for update'],
    ['a shared lock', 'select id from chat for share'],
    ['a key lock', 'select id from chat for key share'],
    ['a slow update', `update chat set title = 'x' where pg_sleep(0.001) is not null`],
  ])('with %s on 30 chats, and 30 messages for them, do not affect others', async (_, sql) => {
    const chats = await chatsOf(attacker, 30);
    await holdAs(attacker.id, sql);
    const sends = Promise.all(chats.map((chatId) => timed(send(attacker, chatId))));
    await eventually(async () => (await waitingForLocks(app.database)) > 0);
    expect(await waitingForLocks(app.database)).toBeLessThanOrEqual(SHARE);
    await expectOthersAreServed();
    expect(await waitingForLocks(app.database)).toBeLessThanOrEqual(SHARE);
    for (const { result, milliseconds } of await sends) {
      expect(result.status).toBe(503);
      expect(Number(result.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(result.problem.detail).toMatch(/Try again/);
      // They wait in line for a connection and for the lock.
      expect(milliseconds).toBeLessThan(3 * PATIENCE);
    }
    // Refused requests leave nothing behind, and the locked rows work as usual afterwards.
    await held[0]?.release();
    expect(await messagesOf(app, attacker, chats[0]!)).toEqual([]);
    expect(await send(attacker, chats[0]!)).toMatchObject({ status: 200, done: true });
  });

  it('do not keep the answers of others from being checkpointed', async () => {
    const [mine] = await chatsOf(attacker, 1);
    const [theirs] = await chatsOf(victim, 1);
    const slowly = { text: Array.from({ length: 150 }, (_, index) => `${index} `), chunkDelayMs: 100 };
    app.double.enqueue(slowly);
    const first = await app.open(attacker, { id: mine, agent: 'chat', message: userMessage('count') });
    await first.until(saying('0 '));
    await holdAs(
      undefined,
      `select from "Message_v2" where "chatId" = $1 and status = 'streaming' for update`,
      [mine],
    );
    app.double.enqueue(slowly);
    const second = await app.open(victim, { id: theirs, agent: 'chat', message: userMessage('count') });
    await second.until(saying('10 '));
    const said = async (chatId: string) =>
      JSON.stringify(
        await app.database.query(
          `select parts from "Message_v2" where "chatId" = $1 and role = 'assistant'`,
          [chatId],
        ),
      );
    const { milliseconds } = await timed(eventually(async () => (await said(theirs!)).includes('10 ')));
    expect(milliseconds).toBeLessThan(4_000);
    // What was skipped is stored later.
    await first.until(saying('30 '));
    expect(await said(mine!)).not.toContain('30 ');
    await held[0]?.release();
    await eventually(async () => (await said(mine!)).includes('30 '));
    await Promise.all([first.leave(), second.leave()]);
    for (const [user, chat] of [
      [attacker, mine],
      [victim, theirs],
    ] as const)
      await app.request('POST', `/api/chat/${chat}/stop`, { user });
  });

  it('do not keep others from being checkpointed if PostgreSQL refuses an answer', async () => {
    const [mine] = await chatsOf(attacker, 1);
    const [theirs] = await chatsOf(victim, 1);
    await app.database.query(`
      create function public.refuse() returns trigger language plpgsql as $fn$
      begin raise exception 'not these parts'; end $fn$;
      create trigger refuse before update on "Message_v2" for each row
        when (new.parts::text like '%poison%') execute function public.refuse()`);
    try {
      for (const text of ['poison ', 'remedy '])
        app.double.enqueue({ text: [text, ...Array<string>(100).fill('and on ')], chunkDelayMs: 100 });
      const first = await app.open(attacker, { id: mine, agent: 'chat', message: userMessage('drink') });
      await first.until(saying('poison '));
      const second = await app.open(victim, { id: theirs, agent: 'chat', message: userMessage('drink') });
      await second.until(saying('remedy '));
      await eventually(async () => {
        const rows = await app.database.query(`select parts from "Message_v2" where "chatId" = $1`, [theirs]);
        return JSON.stringify(rows).includes('remedy');
      });
      expect(app.log()).toContain('An answer cannot be checkpointed.');
      await Promise.all([first.leave(), second.leave()]);
    } finally {
      await app.database.query('drop function public.refuse() cascade');
    }
    for (const [user, chat] of [
      [attacker, mine],
      [victim, theirs],
    ] as const)
      await app.request('POST', `/api/chat/${chat}/stop`, { user });
  });

  it('delay the ends of answers without holding connections, and those are stored when the rows are free', async () => {
    const chats = await chatsOf(attacker, POOL_SIZE + 2);
    const readers = await Promise.all(
      chats.map(async (id) => {
        app.double.enqueue({ text: ['Held ', 'back.'], pauseAfter: 1, usage: { input: 100, output: 7 } });
        const reader = await app.open(attacker, { id, agent: 'chat', message: userMessage('go on') });
        await reader.until(saying('Held '));
        return reader;
      }),
    );
    await holdAs(attacker.id, 'select id from chat for update');
    app.double.resume();
    const answers = Promise.all(readers.map((reader) => reader.rest()));
    await eventually(async () => (await waitingForLocks(app.database)) > 0);
    await expectOthersAreServed();
    // Longer than one try lasts, and than a server without a limit for locks would need.
    await new Promise((resolve) => setTimeout(resolve, 2 * LOCK_TIMEOUT));
    expect(await waitingForLocks(app.database)).toBeLessThanOrEqual(SHARE);
    expect(readers.every(({ chunks }) => chunks.every(({ type }) => type !== 'finish'))).toBe(true);
    await held[0]?.release();
    for (const answer of await answers) {
      expect(answer.done).toBe(true);
      expect(answer.chunks.at(-1)).toMatchObject({ type: 'finish' });
    }
    for (const chatId of chats) {
      const answer = await storedAnswer(app, attacker, chatId);
      expect(answer).toMatchObject({ status: 'complete', inputTokens: 100, outputTokens: 7 });
      expect(textOfParts(answer)).toBe('Held back.');
    }
    const [booked] = await app.database.query(
      `select count(*)::int as calls from usage_logs
        where user_id = $1 and input_tokens = 100 and response_timestamp is not null
          and metadata ->> 'purpose' = 'answer'`,
      [attacker.id],
    );
    expect(booked.calls).toBe(chats.length);
  });

  it('are not deleted in part', async () => {
    const chats = await chatsOf(attacker, 3);
    await holdAs(attacker.id, 'select id from chat where id = $1 for key share', [chats[1]]);
    for (const path of [`/api/chats/${chats[1]}`, '/api/chats']) {
      const { result, milliseconds } = await timed(app.request('DELETE', path, { user: attacker }));
      expect([path, result.status, Number(result.headers.get('retry-after')) > 0]).toEqual([path, 503, true]);
      expect(milliseconds).toBeLessThan(SOON);
    }
    const left = await app.database.query('select id from chat where user_id = $1', [attacker.id]);
    expect(left).toHaveLength(3);
    await held[0]?.release();
    expect((await app.request('DELETE', '/api/chats', { user: attacker })).body).toEqual({ deleted: 3 });
  });

  it('do not block administrators from other users', async () => {
    const admin = await app.createUser({ role: 'admin' });
    // The foreign key of an uncommitted insert locks the user's own row.
    await holdAs(undefined, `insert into chat (user_id, title) values ($1, 'not over')`, [attacker.id]);
    const { result, milliseconds } = await timed(
      app.request('DELETE', `/api/admin/users/${attacker.id}`, { user: admin }),
    );
    expect(result.status).toBe(503);
    expect(milliseconds).toBeLessThan(SOON);
    const left = await app.database.query('select id from auth.users where id = $1', [attacker.id]);
    expect(left).toHaveLength(1);
    expect((await app.request('DELETE', `/api/admin/users/${victim.id}`, { user: admin })).status).toBe(204);
    await held[0]?.release();
    expect((await app.request('DELETE', `/api/admin/users/${attacker.id}`, { user: admin })).status).toBe(
      204,
    );
  });

  it("belong to the user: a request for another user's document locks nothing of it", async () => {
    const body = { title: 'Mine', kind: 'text', content: 'One' };
    const { body: document } = await app.request('POST', '/api/documents', { user: victim, body });
    // The owner is writing. Another user who waited for the same lock would get a late response, and hold a place in
    // line.
    const writer = await hold(app.database);
    held.push(writer);
    await writer.query('select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 4711))', [document.id]);
    const { result, milliseconds } = await timed(
      app.request('PUT', `/api/documents/${document.id}`, { user: attacker, body: { content: 'Two' } }),
    );
    expect(result.status).toBe(404);
    expect(milliseconds).toBeLessThan(2_500);
  });
});

/** Requests that everyone needs still work if all connections are in use. */
describe('a pool that is used up', () => {
  it('does not make the server unready, and refuses requests that wait too long with 503', async () => {
    const app = await startHurriedApp({ DATABASE_POOL_SIZE: '4' });
    const holder = await hold(app.database);
    try {
      const users = await Promise.all(Array.from({ length: 5 }, () => app.createUser()));
      for (const user of users) await addChat(app, user);
      for (const user of users) expect((await app.request('GET', '/api/me', { user })).status).toBe(200);
      await holder.query('lock table "Vote_v2" in access exclusive mode').catch(() => 0);
      const chats = await app.database.query('select id, user_id from chat');
      const asked = users.map((user) => {
        const { id } = chats.find((chat) => chat.user_id === user.id) ?? {};
        return app.request('GET', `/api/chats/${id}/votes`, { user });
      });
      await eventually(async () => (await waitingForLocks(app.database)) === 4);
      expect((await app.request('GET', '/health/ready')).status).toBe(200);
      for (const { status, headers } of await Promise.all(asked)) {
        expect(status).toBe(503);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      }
    } finally {
      await holder.release();
      await app.close();
    }
  });
});
