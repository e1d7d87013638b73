import { RUNNING_CALLS } from '../../src/modules/usage/usage-words.js';
import { randomUUID } from 'node:crypto';
import { type AnswerReader, eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
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

/**
 * A crash loses at most the last second of an answer. Other instances continue, and none takes over a live instance's
 * answers.
 */
describe('a crash', () => {
  let servers: ChatServers;
  let user: TestUser;

  beforeAll(async () => {
    servers = await prepareChatServers();
    user = await servers.createUser();
  });

  afterEach(() => servers.double.reset());

  afterAll(() => servers.close());

  /** Starts an answer that stops after `Safe and `, and waits until that is in the database. */
  async function begin(server: ServerProcess, chatId: string, question: string): Promise<AnswerReader> {
    servers.double.enqueue({
      text: ['Safe ', 'and ', 'sound.'],
      pauseAfter: 2,
      usage: { input: 1_000, output: 90 },
    });
    const reader = await send(server, user, { id: chatId, message: userMessage(question) });
    await reader.until(saying('and '));
    await eventually(async () => {
      const [row] = await servers.database.query(
        `select parts from "Message_v2" where "chatId" = $1 and status = 'streaming'`,
        [chatId],
      );
      return JSON.stringify(row?.parts).includes('Safe and ');
    });
    return reader;
  }

  const openMarks = (chatId: string) =>
    servers.database.query('select id from "Stream" where "chatId" = $1', [chatId]);

  const answerUsage = (chatId: string) =>
    servers.database.query(
      `select metadata ->> 'status' as status, input_tokens > 0 as paid,
              response_timestamp >= request_timestamp as closed, duration_ms >= 0 as timed
         from (select chat_id, metadata, input_tokens, request_timestamp, response_timestamp, duration_ms from usage_logs
               union all
               select chat_id, metadata, input_tokens, request_timestamp, response_timestamp, duration_ms
                 from ${RUNNING_CALLS} as running) calls
        where chat_id = $1 and metadata ->> 'purpose' = 'answer' order by request_timestamp`,
      [chatId],
    );

  /** Calls as their user sees them. */
  const seenCalls = async (server: ServerProcess, chatId: string) => {
    const response = await fetch(`${server.url}/api/usage/logs?chatId=${chatId}`, { headers: user.headers });
    const { items } = (await response.json()) as {
      items: Array<{ status: string; metadata: { purpose: string } }>;
    };
    return items.filter(({ metadata }) => metadata.purpose === 'answer').map(({ status }) => status);
  };

  it('leaves an answer that the next start closes, and a chat that goes on', async () => {
    const chatId = randomUUID();
    const first = await servers.start();
    const reader = await begin(first, chatId, 'how are you');
    expect(await seenCalls(first, chatId)).toEqual(['running']);
    await first.stop('SIGKILL');
    await expect(reader.rest()).rejects.toThrow();
    expect(await openMarks(chatId)).toHaveLength(1);
    expect(await answerUsage(chatId)).toMatchObject([{ status: null, closed: null }]);

    const second = await servers.start();
    const answer = await storedAnswer(second, user, chatId);
    expect(answer.status).toBe('interrupted');
    expect(textOfParts(answer)).toBe('Safe and ');
    expect(answer.parts.at(-1).state).toBe('done');
    expect(await openMarks(chatId)).toEqual([]);
    expect((await readChat(second, user, chatId)).isStreaming).toBe(false);
    expect((await (await resume(second, user, chatId)).rest()).chunks.at(-1)).toEqual({
      type: 'abort',
      reason: 'interrupted',
    });
    expect(await stop(second, user, chatId)).toEqual({ stopped: false });
    await eventually(async () => (await answerUsage(chatId))[0]?.status === 'interrupted');
    expect(await answerUsage(chatId)).toEqual([
      { status: 'interrupted', paid: true, closed: true, timed: true },
    ]);
    expect(await seenCalls(second, chatId)).toEqual(['interrupted']);

    const next = await send(second, user, { id: chatId, message: userMessage('go on') });
    expect((await next.rest()).text).toBe('You said: go on');
    expect(JSON.stringify(answerCalls(servers, 'go on')[0]?.body)).toContain('Safe and ');
    // The interrupted answer can be regenerated like any other.
    const messages = await messagesOf(second, user, chatId);
    const again = { id: chatId, trigger: 'regenerate-message', messageId: messages[1]!.id };
    expect((await (await send(second, user, again)).rest()).text).toBe('You said: how are you');
    expect((await messagesOf(second, user, chatId)).map(({ status }) => status)).toEqual([
      'complete',
      'complete',
    ]);
    expect(await second.stop()).toBe(0);
  });

  describe('of one of two instances', () => {
    let first: ServerProcess;
    let second: ServerProcess;

    beforeAll(async () => {
      [first, second] = await Promise.all([servers.start(), servers.start()]);
    });

    afterAll(() => Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')]));

    it('does not affect running answers of the other', async () => {
      const chatId = randomUUID();
      const reader = await begin(first, chatId, 'one at a time');
      const other = await send(second, user, { id: chatId, message: userMessage('me too') });
      expect(other.response.status).toBe(409);
      expect((await other.rest()).problem.code).toBe('stream_in_progress');
      const again = await send(second, user, { id: chatId, trigger: 'regenerate-message' });
      expect(again.response.status).toBe(409);
      await again.rest();
      expect((await readChat(second, user, chatId)).isStreaming).toBe(true);
      // A third instance that starts also leaves it alone.
      const third = await servers.start();
      expect((await messagesOf(third, user, chatId)).at(-1)?.status).toBe('streaming');
      expect(await third.stop()).toBe(0);
      servers.double.resume();
      expect((await reader.rest()).text).toBe('Safe and sound.');
      expect((await messagesOf(second, user, chatId)).at(-1)?.status).toBe('complete');
      const next = await send(second, user, { id: chatId, message: userMessage('now me') });
      expect((await next.rest()).text).toBe('You said: now me');
    });

    it('lets two instances answer a chat one after the other, never at once', async () => {
      const chatId = randomUUID();
      for (let round = 0; round < 15; round++) {
        servers.double.enqueue({ text: ['Only ', 'one.'], pauseAfter: 1 }, { times: 2 });
        const rivals = await Promise.all(
          [first, second].map((server) =>
            send(server, user, { id: chatId, message: userMessage(`race ${round} to ${server.url}`) }),
          ),
        );
        expect([round, ...rivals.map(({ response }) => response.status).sort()]).toEqual([round, 200, 409]);
        servers.double.resume();
        const answers = await Promise.all(rivals.map((rival) => rival.rest()));
        expect(answers.map(({ text }) => text).sort()).toEqual(['', 'Only one.']);
        servers.double.reset();
      }
      expect(await messagesOf(first, user, chatId)).toHaveLength(30);
    });

    it('does not keep a chat locked, and is cleaned up afterwards', async () => {
      const [chatId, forgotten] = [randomUUID(), randomUUID()];
      const readers = [await begin(first, chatId, 'left behind'), await begin(first, forgotten, 'forgotten')];
      const bystander = randomUUID();
      const lively = await begin(second, bystander, 'still here');
      await first.stop('SIGKILL');
      for (const reader of readers) await expect(reader.rest()).rejects.toThrow();

      // The next message in the chat waits until it is certain.
      const next = await send(second, user, { id: chatId, message: userMessage('anybody else') });
      expect((await next.rest()).text).toBe('You said: anybody else');
      const statuses = (await messagesOf(second, user, chatId)).map(({ status }) => status);
      expect(statuses).toEqual(['complete', 'interrupted', 'complete', 'complete']);

      first = await servers.start();
      expect((await storedAnswer(first, user, forgotten)).status).toBe('interrupted');
      expect(await openMarks(forgotten)).toEqual([]);
      for (const id of [chatId, forgotten])
        expect((await answerUsage(id))[0]).toMatchObject({ status: 'interrupted', closed: true });
      // No other instance may clean up what the living instance is writing.
      expect((await messagesOf(first, user, bystander)).at(-1)?.status).toBe('streaming');
      expect(await answerUsage(bystander)).toMatchObject([{ status: null, closed: null }]);
      servers.double.resume();
      expect((await lively.rest()).text).toBe('Safe and sound.');
      expect((await answerUsage(bystander))[0]).toMatchObject({ status: 'success', closed: true });
    });
  });
});
