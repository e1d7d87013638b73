import { RUNNING_CALLS } from '../../src/modules/usage/usage-words.js';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import {
  answerCalls,
  gauge,
  messagesOf,
  resume,
  saying,
  storedAnswer,
  textOfParts,
} from '../support/turns.js';

const READERS = 'switchboard_stream_readers';

/** The turn owns the generation. It continues without readers, and can be resumed. */
describe('durable answers', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  const streamRows = (chatId: string) =>
    app.database.query('select "messageId" from "Stream" where "chatId" = $1', [chatId]);

  it('continue when the client disconnects in the middle', async () => {
    const chatId = randomUUID();
    const usage = { input: 1_000, output: 300 };
    app.double.enqueue({ text: ['One ', 'two ', 'three.'], pauseAfter: 1, usage });
    const reader = await app.open(user, { id: chatId, message: userMessage('count to three') });
    await reader.until(saying('One '));
    await reader.leave();
    await eventually(async () => (await gauge(app, READERS)) === 0);
    expect(answerCalls(app, 'count to three')[0]?.state).toBe('held');
    app.double.resume();

    const answer = await storedAnswer(app, user, chatId);
    expect(answer.status).toBe('complete');
    expect(textOfParts(answer)).toBe('One two three.');
    expect(answer).toMatchObject({ inputTokens: 1_000, outputTokens: 300 });
    const [call] = answerCalls(app, 'count to three');
    expect(call).toMatchObject({ state: 'ended', closedByClient: false });
    // Its cost is recorded as if someone had read it: 1,000 × 0.30 $ + 300 × 2.50 $ per million.
    expect(answer.cost).toBe(0.00105);
    await eventually(async () => {
      const [open] = await app.database.query(
        `select count(*)::int as calls from ${RUNNING_CALLS} as running where chat_id = $1`,
        [chatId],
      );
      return open.calls === 0;
    });
    const [sum] = await app.database.query(
      `select sum(input_tokens)::int as input, sum(output_tokens)::int as output, sum(total_cost)::float as cost
         from usage_logs where chat_id = $1`,
      [chatId],
    );
    const { body: chat } = await app.request('GET', `/api/chats/${chatId}`, { user });
    expect(chat).toMatchObject({
      totalInputTokens: sum.input,
      totalOutputTokens: sum.output,
      totalCost: sum.cost,
      isStreaming: false,
    });
  });

  it('continue when the client disconnects before the first token', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ text: ['Nobody ', 'listens.'], pauseAfter: 0 });
    const leaving = new AbortController();
    const sent = fetch(`${app.url}/api/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...user.headers },
      body: JSON.stringify({ id: chatId, message: userMessage('silence first') }),
      signal: leaving.signal,
    });
    await app.double.until(() => answerCalls(app, 'silence first')[0]?.state === 'held');
    leaving.abort();
    await expect(sent).rejects.toThrow(/abort/i);
    // Another client can resume it although nobody has read any of it.
    const reader = await resume(app, user, chatId);
    expect(reader.response.status).toBe(200);
    app.double.resume();
    expect((await reader.rest()).text).toBe('Nobody listens.');
    expect((await storedAnswer(app, user, chatId)).status).toBe('complete');
    expect(await gauge(app, READERS)).toBe(0);
  });

  it('replay from the first chunk, continue live, and are the same for all readers', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ text: ['a ', 'b ', 'c ', 'd ', 'e '], pauseAfter: 3 });
    const first = await app.open(user, { id: chatId, message: userMessage('the alphabet') });
    await first.until(saying('a b c '));
    const late = [await resume(app, user, chatId), await resume(app, user, chatId)];
    for (const { response } of late) {
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
      expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    }
    await Promise.all(late.map((reader) => reader.until(saying('a b c '))));
    app.double.resume();
    const whole = await first.rest();
    const answers = await Promise.all(late.map((reader) => reader.rest()));
    for (const answer of [whole, ...answers]) {
      expect(answer.text).toBe('a b c d e ');
      expect(answer.done).toBe(true);
      expect(answer.chunks[0]).toEqual(whole.chunks[0]);
      expect(answer.chunks.at(-1)).toEqual(whole.chunks.at(-1));
      // The same chunks, except that deltas can be joined.
      const isDelta = ({ type }: { type: string }) => type === 'text-delta';
      expect(answer.chunks.filter((chunk) => !isDelta(chunk))).toEqual(
        whole.chunks.filter((chunk) => !isDelta(chunk)),
      );
    }
    expect(answerCalls(app, 'the alphabet')).toHaveLength(1);
  });

  it('cannot be resumed before they run, nor by another user, and are replayed after their end', async () => {
    const chatId = randomUUID();
    expect((await resume(app, user, chatId)).response.status).toBe(204);
    app.double.enqueue({ text: ['Private ', 'words.'], pauseAfter: 1 });
    const reader = await app.open(user, {
      id: chatId,
      message: userMessage('between us'),
      visibility: 'public',
    });
    await reader.until(saying('Private '));
    const stranger = await app.createUser();
    const peek = await resume(app, stranger, chatId);
    expect(peek.response.status).toBe(204);
    expect((await peek.rest()).text).toBe('');
    expect((await app.request('GET', `/api/chat/${chatId}/stream`)).status).toBe(401);
    app.double.resume();
    const { chunks } = await reader.rest();
    const replayed = await (await resume(app, user, chatId)).rest();
    expect([replayed.text, replayed.done]).toEqual(['Private words.', true]);
    expect([replayed.chunks[0], replayed.chunks.at(-1)]).toEqual([chunks[0], chunks.at(-1)]);
    expect((await resume(app, stranger, chatId)).response.status).toBe(204);
  });

  it('are not replayed because their chat was changed long after their end', async () => {
    const chatId = randomUUID();
    await app.say(user, chatId, 'long ago');
    await app.say(user, chatId, 'and later');
    await app.database.query(
      `begin; set local session_replication_role = replica;
       update "Message_v2" set "createdAt" = "createdAt" - interval '2 min' where "chatId" = '${chatId}';
       update usage_logs set request_timestamp = request_timestamp - interval '2 min',
              response_timestamp = response_timestamp - interval '2 min' where chat_id = '${chatId}';
       update chat set "createdAt" = "createdAt" - interval '2 min', updated_at = updated_at - interval '2 min'
        where id = '${chatId}'; commit`,
    );
    const status = async () => (await resume(app, user, chatId)).response.status;
    expect(await status()).toBe(204);
    await app.request('PATCH', `/api/chats/${chatId}`, { user, body: { title: 'A new title' } });
    expect(await status()).toBe(204);
    const [, , question] = await messagesOf(app, user, chatId);
    await app.request('DELETE', `/api/chats/${chatId}/messages?from=${question!.id}`, { user });
    expect(await status()).toBe(204);
    await app.say(user, chatId, 'and now');
    await app.request('PATCH', `/api/chats/${chatId}`, { user, body: { title: 'Another title' } });
    expect(await status()).toBe(200);
  });

  it('respond to HEAD with the headers only, and close the connection', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ text: ['Head ', 'and body.'], pauseAfter: 1 });
    const reader = await app.open(user, { id: chatId, message: userMessage('only the head') });
    await reader.until(saying('Head '));
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString()));
    const ask = (line: string) =>
      socket.write(`${line} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer ${user.token}\r\n\r\n`);
    ask(`HEAD /api/chat/${chatId}/stream`);
    await eventually(() => Promise.resolve(received.includes('\r\n\r\n')));
    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(received).toMatch(/content-type: text\/event-stream/);
    // The next request on the connection does not wait for the end of the answer.
    received = '';
    ask('GET /health/live');
    await eventually(() => Promise.resolve(received.endsWith('{"status":"ok"}')));
    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(await gauge(app, READERS)).toBe(1);
    socket.destroy();
    app.double.resume();
    await reader.rest();
    const before = await app.request('HEAD', `/api/chat/${randomUUID()}/stream`, { user });
    expect(before.status).toBe(204);
  });

  it('are marked as active exactly while they run', async () => {
    const chatId = randomUUID();
    const isStreaming = async () =>
      (await app.request('GET', `/api/chats/${chatId}`, { user })).body.isStreaming;
    app.double.enqueue({ text: ['Now ', 'and then.'], pauseAfter: 1 });
    const reader = await app.open(user, { id: chatId, message: userMessage('are you there') });
    await reader.until(saying('Now '));
    const [start] = reader.chunks;
    expect(await streamRows(chatId)).toEqual([{ messageId: (start as { messageId: string }).messageId }]);
    expect(await isStreaming()).toBe(true);
    expect((await messagesOf(app, user, chatId)).map(({ role, status }) => [role, status])).toEqual([
      ['user', 'complete'],
      ['assistant', 'streaming'],
    ]);
    app.double.resume();
    await reader.until((chunks) => chunks.at(-1)?.type === 'finish');
    // A client that has read the end finds it stored.
    expect(await streamRows(chatId)).toEqual([]);
    expect(await isStreaming()).toBe(false);
    expect((await messagesOf(app, user, chatId)).at(-1)?.status).toBe('complete');
    await reader.rest();
  });

  it('are in the database within a second, while they are still running', async () => {
    const chatId = randomUUID();
    const parts = async () => {
      const rows = await app.database.query(
        `select parts, status from "Message_v2" where "chatId" = $1 and role = 'assistant'`,
        [chatId],
      );
      return rows[0] as { parts: Array<{ type: string; text?: string }>; status: string };
    };
    // The second pause belongs to the fault: it holds the answer until the test is over.
    app.double.enqueue({
      text: ['Safe ', 'and ', 'sound'],
      pauseAfter: 1,
      fault: { type: 'stall-after', chunks: 2 },
    });
    const reader = await app.open(user, { id: chatId, message: userMessage('safety') });
    for (const text of ['Safe ', 'Safe and ']) {
      await reader.until(saying(text));
      const arrivedAt = performance.now();
      const checkpoint = await eventually(async () => {
        const row = await parts();
        return row.parts.some((part) => part.text === text) && row;
      });
      expect(performance.now() - arrivedAt).toBeLessThan(1_500);
      expect(checkpoint.status).toBe('streaming');
      app.double.resume();
    }
    const { body } = await app.request('POST', `/api/chat/${chatId}/stop`, { user });
    expect(body).toEqual({ stopped: true });
    await reader.rest();
  });
});
