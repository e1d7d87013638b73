import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUser } from '../support/app.js';
import { type AnswerReader, eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import type { ServerProcess } from '../support/server-process.js';
import { usageDifferences } from '../support/usage-sums.js';
import {
  answerCalls,
  messageOf,
  messagesOf,
  resume,
  saying,
  send,
  stop,
  textOfParts,
} from '../support/turns.js';

/** Two servers on one database act as one, without anything between them. */
describe('two instances', () => {
  let servers: ChatServers;
  let owner: ServerProcess;
  let other: ServerProcess;
  let user: TestUser;

  beforeAll(async () => {
    servers = await prepareChatServers();
    [owner, other] = await Promise.all([servers.start(), servers.start()]);
    user = await servers.createUser();
  });

  afterEach(() => servers.double.reset());

  afterAll(() => servers?.close());

  const bodyOf = (chatId: string, message = userMessage(`question of ${chatId}`)) => ({
    id: chatId,
    agent: 'chat',
    message,
  });

  /** Starts an answer on the owner that stops after `Safe and `. */
  async function begin(
    chatId: string,
    message = userMessage(`question of ${chatId}`),
    of = user,
  ): Promise<AnswerReader> {
    servers.double.enqueue(
      { text: ['Safe ', 'and ', 'sound.'], pauseAfter: 2, usage: { input: 1_000, output: 90 } },
      { when: ({ stream }) => stream },
    );
    const reader = await send(owner, of, bodyOf(chatId, message));
    await reader.until(saying('and '));
    return reader;
  }

  const untilCheckpoint = (chatId: string) =>
    eventually(async () => {
      const [row] = await servers.database.query(
        `select parts::text as parts from "Message_v2" where "chatId" = $1 and status = 'streaming'`,
        [chatId],
      );
      return row?.parts.includes('Safe and ');
    });

  const statusesOf = async (chatId: string) =>
    (await messagesOf(other, user, chatId)).map(({ status }) => status);

  async function isClosedAtProvider(chatId: string, since: number): Promise<void> {
    await servers.double.until(() => answerCalls(servers, chatId)[0]?.closedByClient === true);
    expect(performance.now() - since).toBeLessThan(2_000);
  }

  describe('stop an answer that the other one is writing', () => {
    it('as its owner would', async () => {
      const chatId = randomUUID();
      const reader = await begin(chatId);
      const since = performance.now();
      expect(await stop(other, user, chatId)).toEqual({ stopped: true });
      await isClosedAtProvider(chatId, since);
      expect(await statusesOf(chatId)).toEqual(['complete', 'stopped']);
      expect(textOfParts((await messagesOf(other, user, chatId)).at(-1)!)).toBe('Safe and ');
      expect((await reader.rest()).chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
      expect(await stop(other, user, chatId)).toEqual({ stopped: false });
    });

    it('without a listening connection', async () => {
      const chatId = randomUUID();
      const reader = await begin(chatId);
      const cut = setInterval(() => void cutListeners(), 50);
      try {
        await cutListeners();
        const since = performance.now();
        expect(await stop(other, user, chatId)).toEqual({ stopped: true });
        await isClosedAtProvider(chatId, since);
      } finally {
        clearInterval(cut);
      }
      expect((await reader.rest()).done).toBe(true);
    });

    it('but not that of another user', async () => {
      const chatId = randomUUID();
      const reader = await begin(chatId);
      const stranger = await servers.createUser();
      expect(await stop(other, stranger, chatId)).toEqual({ stopped: false });
      expect((await resume(other, stranger, chatId)).response.status).toBe(204);
      servers.double.resume();
      expect((await reader.rest()).text).toBe('Safe and sound.');
    });

    it.each(['DELETE /api/chats/:id', 'DELETE /api/chats'])('with %s', async (route) => {
      const chatId = randomUUID();
      const leaver = await servers.createUser();
      const reader = await begin(chatId, undefined, leaver);
      const [method, path] = route.replace(':id', chatId).split(' ') as [string, string];
      const since = performance.now();
      const { status } = await fetch(`${other.url}${path}`, { method, headers: leaver.headers });
      expect(status).toBe(path.endsWith(chatId) ? 204 : 200);
      await isClosedAtProvider(chatId, since);
      expect((await reader.rest()).chunks.at(-1)?.type).toBe('abort');
      expect(await servers.database.query('select id from chat where id = $1', [chatId])).toEqual([]);
    });

    it.each([
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"isActive": false}' where id = $1`,
      `update auth.users set banned_until = now() + interval '1 hour' where id = $1`,
      `delete from auth.users where id = $1`,
    ])('with %s, even without notifications', async (change) => {
      const chatId = randomUUID();
      const leaver = await servers.createUser();
      const reader = await begin(chatId, undefined, leaver);
      const cut = setInterval(() => void cutListeners(), 50);
      try {
        await cutListeners();
        const since = performance.now();
        await servers.database.query(change, [leaver.id]);
        await isClosedAtProvider(chatId, since);
      } finally {
        clearInterval(cut);
      }
      expect((await reader.rest()).done).toBe(true);
    });
  });

  describe('show an answer that the other one is writing', () => {
    it('from its first chunk to its end, at most a second behind', async () => {
      const chatId = randomUUID();
      const live = await begin(chatId);
      const followed = await resume(other, user, chatId);
      expect(followed.response.status).toBe(200);
      await followed.until(saying('and '));
      expect(followed.chunks[0]).toEqual(live.chunks[0]);
      servers.double.enqueue({ text: ['never'] });
      servers.double.resume();
      const first = await live.rest();
      const since = performance.now();
      const second = await followed.rest();
      expect(performance.now() - since).toBeLessThan(1_000);
      expect([second.text, second.done]).toEqual(['Safe and sound.', true]);
      expect(second.chunks.at(-1)).toEqual(first.chunks.at(-1));
      expect(second.chunks.at(-1)).toMatchObject({ type: 'finish', messageMetadata: { status: 'complete' } });
    });

    it('while it grows', async () => {
      const chatId = randomUUID();
      const text = Array.from({ length: 60 }, (_, index) => `word${index} `);
      servers.double.enqueue({ text, chunkDelayMs: 60 }, { when: ({ stream }) => stream });
      const live = await send(owner, user, bodyOf(chatId));
      await live.until(saying('word5 '));
      const followed = await resume(other, user, chatId);
      for (const word of ['word20 ', 'word40 ']) {
        await live.until(saying(word));
        const since = performance.now();
        await followed.until(saying(word));
        expect(performance.now() - since).toBeLessThan(1_300);
      }
      expect((await followed.rest()).text).toBe((await live.rest()).text);
    });

    it('to the same message again, and refuse another', async () => {
      const chatId = randomUUID();
      const message = userMessage('once and again', randomUUID());
      const live = await begin(chatId, message);
      await untilCheckpoint(chatId);
      const again = await send(other, user, bodyOf(chatId, message));
      expect(again.response.status).toBe(200);
      const more = await send(other, user, bodyOf(chatId, userMessage('another')));
      expect([more.response.status, (await more.rest()).problem.code]).toEqual([409, 'stream_in_progress']);
      const edit = await send(
        other,
        user,
        bodyOf(chatId, { ...message, parts: [{ type: 'text', text: 'no' }] }),
      );
      expect(edit.response.status).toBe(409);
      await edit.rest();
      servers.double.resume();
      expect((await again.rest()).chunks.at(-1)).toEqual((await live.rest()).chunks.at(-1));
      expect(answerCalls(servers, 'once and again')).toHaveLength(1);
      expect(await statusesOf(chatId)).toEqual(['complete', 'complete']);
    });

    it('after its end, for a minute', async () => {
      const chatId = randomUUID();
      const live = await begin(chatId);
      servers.double.resume();
      const { chunks } = await live.rest();
      for (const server of [owner, other]) {
        const replayed = await (await resume(server, user, chatId)).rest();
        expect([replayed.text, replayed.done]).toEqual(['Safe and sound.', true]);
        expect(replayed.chunks[0]).toEqual(chunks[0]);
        expect(replayed.chunks.at(-1)).toEqual(chunks.at(-1));
      }
      await servers.database.query(
        `begin; set local session_replication_role = replica;
         update chat set updated_at = now() - interval '61 s' where id = '${chatId}'; commit`,
      );
      for (const server of [owner, other])
        expect((await resume(server, user, chatId)).response.status).toBe(204);
    });
  });

  it('do not take a live one for dead, however often its listening connection is lost', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId);
    for (const deadline = Date.now() + 12_000; Date.now() < deadline; await sleep(200)) {
      await cutListeners();
      if (Math.random() < 0.1) {
        const rival = await send(other, user, bodyOf(chatId, userMessage('let me in')));
        expect(rival.response.status).toBe(409);
        await rival.rest();
      }
    }
    servers.double.resume();
    expect((await reader.rest()).chunks.at(-1)).toMatchObject({
      type: 'finish',
      messageMetadata: { status: 'complete', usage: { inputTokens: 1_000, outputTokens: 90 } },
    });
    expect(await callsOf(chatId)).toEqual([{ status: 'success', input_tokens: 1_000, output_tokens: 90 }]);
  }, 40_000);

  describe('when one of them', () => {
    it('is paused: the other closes its answer, and it writes over nothing when it wakes up', async () => {
      const chatId = randomUUID();
      const reader = await begin(chatId);
      await untilCheckpoint(chatId);
      const follower = await resume(other, user, chatId);
      owner.process.kill('SIGSTOP');
      const since = performance.now();
      try {
        const followed = await follower.rest();
        expect(performance.now() - since).toBeLessThan(15_000);
        expect(followed.chunks.at(-1)).toEqual({ type: 'abort', reason: 'interrupted' });
        expect([followed.text, followed.done]).toEqual(['Safe and ', true]);
        expect(await statusesOf(chatId)).toEqual(['complete', 'interrupted']);
        expect(await leftOf(chatId)).toEqual({ marks: 0, runs: 0 });
        const next = await send(other, user, bodyOf(chatId, userMessage('go on')));
        expect((await next.rest()).text).toBe('You said: go on');
      } finally {
        owner.process.kill('SIGCONT');
      }
      servers.double.resume();
      const woken = await reader.rest();
      expect(woken.chunks.at(-1)).toEqual({ type: 'abort', reason: 'interrupted' });
      expect(woken.done).toBe(true);
      const messages = await messagesOf(other, user, chatId);
      expect(messages.map(({ status }) => status)).toEqual([
        'complete',
        'interrupted',
        'complete',
        'complete',
      ]);
      expect(textOfParts(messages[1]!)).toBe('Safe and ');
      // It may have sent more before it noticed.
      expect(textOfParts(await messageOf(woken.chunks))).toBe('Safe and ');
      // Its call is in the books once, with what the provider has reported, and all sums agree.
      const [call, ...more] = await callsOf(chatId);
      // The call ends by itself, or is ended by the first beat.
      expect(['success', 'aborted']).toContain(call.status);
      expect([call.input_tokens, more.length]).toEqual([1_000, 1]);
      expect(messages[1]).toMatchObject({ inputTokens: 1_000, outputTokens: call.output_tokens });
      await expectBooksToAddUp(chatId);
      expect(owner.output()).toContain('Another instance has closed an answer');
    }, 60_000);

    it('is killed: the other closes its answers and what they have reserved', async () => {
      const chats = Array.from({ length: 5 }, () => randomUUID());
      const victim = await servers.start();
      servers.double.enqueue({ text: ['Safe ', 'and ', 'sound.'], pauseAfter: 2 }, { times: 5 });
      const readers = await Promise.all(chats.map((chatId) => send(victim, user, bodyOf(chatId))));
      await Promise.all(readers.map((reader) => reader.until(saying('and '))));
      await Promise.all(chats.map(untilCheckpoint));
      const followers = await Promise.all(chats.map((chatId) => resume(other, user, chatId)));
      await victim.stop('SIGKILL');
      const since = performance.now();
      for (const follower of followers) {
        const { chunks, done } = await follower.rest();
        expect([chunks.at(-1), done]).toEqual([{ type: 'abort', reason: 'interrupted' }, true]);
      }
      expect(performance.now() - since).toBeLessThan(15_000);
      await Promise.all(readers.map((reader) => reader.rest().catch(() => undefined)));
      for (const chatId of chats) {
        expect(await statusesOf(chatId)).toEqual(['complete', 'interrupted']);
        await eventually(async () => {
          const left = await leftOf(chatId);
          return left.marks === 0 && left.runs === 0;
        });
        await expectBooksToAddUp(chatId);
      }
      await eventually(async () => {
        const rows = await servers.database.query('select id from switchboard.instances');
        return rows.length === 2;
      });
    }, 60_000);
  });

  const cutListeners = () =>
    servers.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'switchboard-listener'`,
    );

  const callsOf = (chatId: string) =>
    servers.database.query(
      `select metadata ->> 'status' as status, input_tokens, output_tokens from usage_logs
        where chat_id = $1 and metadata ->> 'purpose' = 'answer' order by request_timestamp`,
      [chatId],
    );

  const leftOf = async (chatId: string) => {
    const [row] = await servers.database.query(
      `select (select count(*)::int from "Stream" where "chatId" = $1) as marks,
              (select count(*)::int from switchboard.runs where message_id in
                 (select id from "Message_v2" where "chatId" = $1)) as runs`,
      [chatId],
    );
    return row as { marks: number; runs: number };
  };

  async function expectBooksToAddUp(chatId: string): Promise<void> {
    const [row] = await servers.database.query(
      `select chat.total_input_tokens = sum(calls.input_tokens) as input,
              chat.total_output_tokens = sum(calls.output_tokens) as output, chat.total_cost = sum(calls.total_cost) as cost
         from chat join usage_logs calls on calls.chat_id = chat.id where chat.id = $1 group by chat.id`,
      [chatId],
    );
    expect(row).toEqual({ input: true, output: true, cost: true });
    expect(await usageDifferences(servers.database)).toEqual([]);
  }
});
