import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import pg from 'pg';
import { eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { freezableRoute } from '../support/frozen-database.js';
import type { ServerProcess } from '../support/server-process.js';
import type { TestUser } from '../support/app.js';
import {
  answerCalls,
  messagesOf,
  readChat,
  resume,
  saying,
  send,
  stop,
  storedAnswer,
  textOfParts,
} from '../support/turns.js';

/** After SIGTERM, nothing new starts, what has started is finished, and nothing is lost. */
describe('the shutdown of a server', () => {
  let servers: ChatServers;
  let user: TestUser;

  beforeAll(async () => {
    servers = await prepareChatServers();
    user = await servers.createUser();
  });

  afterEach(() => servers.double.reset());

  afterAll(() => servers.close());

  /** Sends the signal, and returns when the server has noticed it. */
  async function begin(server: ServerProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    server.process.kill(signal);
    await eventually(() => isGoing(server));
  }

  function isGoing({ url }: ServerProcess): Promise<boolean> {
    return fetch(`${url}/health/ready`).then(
      ({ status }) => status === 503,
      () => true,
    );
  }

  /** The exit code of a server after its signal. */
  async function ended({ process }: ServerProcess): Promise<number | null> {
    if (process.exitCode === null) await once(process, 'exit');
    return process.exitCode;
  }

  const program = (question: string, script: Parameters<typeof servers.double.enqueue>[0]) =>
    servers.double.enqueue(script, { when: ({ stream, userText }) => stream && userText === question });

  async function message(chatId: string): Promise<Record<string, unknown>> {
    const [row] = await servers.database.query(
      `select message.id, message.status, message.parts,
              (select count(*)::int from "Stream" where "chatId" = $1) as streams
         from "Message_v2" message where "chatId" = $1 and role = 'assistant' order by "createdAt" desc limit 1`,
      [chatId],
    );
    return row;
  }

  const usage = (chatId: string) =>
    servers.database.query(
      `select metadata ->> 'purpose' as purpose, metadata ->> 'status' as status, input_tokens as input,
              response_timestamp is not null as closed
         from usage_logs where chat_id = $1 order by purpose`,
      [chatId],
    );

  /** Each has its own server, and the double distinguishes their questions. */
  const checks: Record<string, () => Promise<void>> = {
    'lets the running answer come to its end, and turns new ones away': async () => {
      const server = await servers.start();
      const chatId = randomUUID();
      const question = userMessage('a long story', randomUUID());
      program('a long story', {
        text: ['Once ', 'upon ', 'a time.'],
        pauseAfter: 1,
        usage: { input: 70, output: 9 },
      });
      const reader = await send(server, user, { id: chatId, message: question });
      await reader.until(saying('Once '));
      await begin(server);

      const refused = await send(server, user, { id: randomUUID(), message: userMessage('may I?') });
      expect(refused.response.status).toBe(503);
      expect(Number(refused.response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(refused.response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect((await refused.rest()).problem).toMatchObject({ status: 503, code: 'internal' });
      const other = await send(server, user, { id: chatId, message: userMessage('and me?') });
      expect(other.response.status).toBe(409);
      await other.rest();
      // A client that lost the answer can still find it: by its chat, and by sending the message again.
      const readers = [
        reader,
        await resume(server, user, chatId),
        await send(server, user, { id: chatId, message: question }),
      ];
      const answering = Promise.all(readers.map((one) => one.rest()));
      servers.double.resume();
      for (const answer of await answering) {
        expect(answer.text).toBe('Once upon a time.');
        expect(answer.chunks.at(-1)?.type).toBe('finish');
        expect(answer.done).toBe(true);
      }
      expect(await ended(server)).toBe(0);

      expect(await message(chatId)).toMatchObject({ status: 'complete', streams: 0 });
      expect(await usage(chatId)).toEqual([
        { purpose: 'answer', status: 'success', input: 70, closed: true },
        { purpose: 'routing', status: 'success', input: expect.any(Number), closed: true },
        { purpose: 'title', status: 'success', input: expect.any(Number), closed: true },
      ]);
    },

    'stores what there is of an answer that does not end in time': async () => {
      const server = await servers.start({ SHUTDOWN_TIMEOUT_MS: '500' });
      const chatId = randomUUID();
      program('talk', {
        text: ['Endless ', 'talk ', '\u2026'],
        usage: { input: 50, output: 30 },
        fault: { type: 'stall-after', chunks: 2 },
      });
      const reader = await send(server, user, { id: chatId, message: userMessage('talk') });
      await reader.until(saying('talk '));
      const startedAt = performance.now();
      expect(await server.stop()).toBe(0);
      expect(performance.now() - startedAt).toBeGreaterThan(450);
      expect(performance.now() - startedAt).toBeLessThan(15_000);

      const { chunks, text, done } = await reader.rest();
      expect(text).toBe('Endless talk ');
      expect(chunks.at(-1)).toEqual({ type: 'abort', reason: 'interrupted' });
      expect(done).toBe(true);
      const stored = (await message(chatId)) as { status: string; parts: []; streams: number };
      expect(stored).toMatchObject({ status: 'interrupted', streams: 0 });
      expect(textOfParts(stored)).toBe('Endless talk ');
      expect(stored.parts.at(-1)).toMatchObject({ type: 'text', state: 'done' });
      expect((await usage(chatId))[0]).toEqual({
        purpose: 'answer',
        status: 'aborted',
        input: 50,
        closed: true,
      });
      await servers.double.until(() => answerCalls(servers, 'talk')[0]?.closedByClient === true);
    },

    'gives a reader that is behind the rest of its answer': async () => {
      const server = await servers.start();
      const chatId = randomUUID();
      program('much', { fault: { type: 'flood', characters: 12 * 1024 ** 2 } });
      const live = await send(server, user, { id: chatId, message: userMessage('much') });
      const behind = await resume(server, user, chatId);
      expect(behind.response.status).toBe(200);
      const whole = await live.rest();
      server.process.kill('SIGTERM');
      await eventually(() => isGoing(server));
      const late = await behind.rest();
      expect(late.done).toBe(true);
      expect(late.text === whole.text).toBe(true);
      expect(await ended(server)).toBe(0);
    },

    'does not wait for ever for a reader that does not read': async () => {
      const server = await servers.start();
      const chatId = randomUUID();
      program('too much', { fault: { type: 'flood', characters: 12 * 1024 ** 2 } });
      const live = await send(server, user, { id: chatId, message: userMessage('too much') });
      const asleep = await resume(server, user, chatId);
      await live.rest();
      const startedAt = performance.now();
      expect(await server.stop()).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      await expect(asleep.rest()).rejects.toThrow();
    },

    'ends soon after the deadline while the database does not respond': async () => {
      const route = await freezableRoute(servers.database.url);
      try {
        const server = await servers.start({ DATABASE_URL: route.url, SHUTDOWN_TIMEOUT_MS: '1000' });
        const chatId = randomUUID();
        program('frozen', { text: ['Still ', 'here.'], pauseAfter: 1 });
        const reader = await send(server, user, { id: chatId, message: userMessage('frozen') });
        await reader.until(saying('Still '));
        route.freeze();
        // Others wait for the database, too.
        const waiting = fetch(`${server.url}/api/chats`, { headers: user.headers });
        waiting.catch(() => undefined);
        const startedAt = performance.now();
        expect(await server.stop()).toBe(1);
        const seconds = (performance.now() - startedAt) / 1_000;
        expect(seconds).toBeGreaterThan(5);
        expect(seconds).toBeLessThan(9);
        expect(server.output()).toContain(
          'switchboard: the shutdown after SIGTERM took too long and was cut off',
        );
        await expect(reader.rest()).rejects.toThrow();
        // What it had stored is closed by the next server.
        await route.close();
        const next = await servers.start();
        expect((await storedAnswer(next, user, chatId)).status).toBe('interrupted');
      } finally {
        await route.close();
      }
    },

    'comes at once with the second signal, and the next start closes what was left open': async () => {
      const server = await servers.start();
      const chatId = randomUUID();
      program('in a hurry', { text: ['Cut ', 'short.'], fault: { type: 'stall-after', chunks: 1 } });
      const reader = await send(server, user, { id: chatId, message: userMessage('in a hurry') });
      await reader.until(saying('Cut '));
      await begin(server, 'SIGINT');
      // An earlier one would count as the same signal, because npm passes on what the terminal has already sent.
      await sleep(1_100);
      expect(await server.stop('SIGINT')).toBe(130);
      const next = await servers.start();
      expect((await storedAnswer(next, user, chatId)).status).toBe('interrupted');
      expect((await readChat(next, user, chatId)).isStreaming).toBe(false);
      expect(await next.stop()).toBe(0);
    },
  };

  eachSideBySide('%s', Object.entries(checks), (_name, check) => check());

  it('answers running requests', async () => {
    const server = await servers.start();
    // A request is waiting for the database when the signal arrives.
    const blocker = new pg.Client(servers.database.url);
    await blocker.connect();
    await blocker.query('begin; lock table chat in access exclusive mode');
    const request = fetch(`${server.url}/api/chats`, { headers: user.headers });
    await eventually(async () => {
      const [row] = await servers.database.query(
        // Databases that are cloned from one template have the same number for it.
        `select count(*)::int as waiting from pg_locks where relation = 'chat'::regclass and not granted
            and database = (select oid from pg_database where datname = current_database())`,
      );
      return row.waiting > 0;
    });
    server.process.kill('SIGTERM');
    await eventually(() => isGoing(server));
    await blocker.query('rollback');
    await blocker.end();
    expect((await request).status).toBe(200);
    expect(await ended(server)).toBe(0);
  });

  it('is quick if nothing is being answered', async () => {
    const server = await servers.start();
    const chatId = randomUUID();
    expect((await (await send(server, user, { id: chatId, message: userMessage('hi') })).rest()).text).toBe(
      'You said: hi',
    );
    expect(await stop(server, user, chatId)).toEqual({ stopped: false });
    expect(await messagesOf(server, user, chatId)).toHaveLength(2);
    const startedAt = performance.now();
    expect(await server.stop()).toBe(0);
    // Idle keep-alive connections of clients do not delay it.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });
});
