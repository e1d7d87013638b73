import { randomUUID } from 'node:crypto';
import {
  type AnswerReader,
  type ChatApp,
  eventually,
  startChatApp,
  userMessage,
} from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import {
  answerCalls,
  messagesOf,
  resume,
  saying,
  stop,
  storedAnswer,
  textOfParts,
} from '../support/turns.js';

/** Only a stop ends an answer. The text so far is kept and paid for, and the provider's request is closed. */
describe('stopping an answer', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  /** An answer that has streamed `words` and waits in the middle. */
  async function begin(chatId: string, question: string, body: object = {}): Promise<AnswerReader> {
    const usage = { input: 1_000, output: 400 };
    app.double.enqueue({ text: ['Half ', 'of ', 'it', '.'], pauseAfter: 2, usage });
    const reader = await app.open(user, { id: chatId, message: userMessage(question), ...body });
    await reader.until(saying('Half of '));
    return reader;
  }

  it('keeps the text so far, closes the provider’s connection and tells all readers', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId, 'stop me');
    const late = await resume(app, user, chatId);
    await late.until(saying('Half of '));
    expect(await stop(app, user, chatId)).toEqual({ stopped: true });

    // Everything is in place as soon as the stop responds.
    const [, answer] = await messagesOf(app, user, chatId);
    expect(answer?.status).toBe('stopped');
    expect(textOfParts(answer!)).toBe('Half of ');
    expect(await app.database.query('select 1 from "Stream" where "chatId" = $1', [chatId])).toEqual([]);
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).body.isStreaming).toBe(false);
    expect(await stop(app, user, chatId)).toEqual({ stopped: false });
    const replayed = await (await resume(app, user, chatId)).rest();
    expect([replayed.text, replayed.chunks.at(-1)]).toEqual([
      'Half of ',
      { type: 'abort', reason: 'stopped' },
    ]);

    for (const { chunks, text, done } of await Promise.all([reader.rest(), late.rest()])) {
      expect(text).toBe('Half of ');
      expect(chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
      expect(done).toBe(true);
    }
    await app.double.until(() => answerCalls(app, 'stop me')[0]?.state === 'ended');
    expect(answerCalls(app, 'stop me')).toEqual([expect.objectContaining({ closedByClient: true })]);
  });

  it('counts the cost of a stopped answer with each provider', async () => {
    for (const model of ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5']) {
      const chatId = randomUUID();
      const reader = await begin(chatId, `stop ${model}`, { model });
      expect(await stop(app, user, chatId)).toEqual({ stopped: true });
      await reader.rest();
      const answer = (await messagesOf(app, user, chatId)).at(-1)!;
      const rows = await app.database.query(
        `select input_tokens, output_tokens, total_cost::float as cost, response_timestamp, metadata
           from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
        [chatId],
      );
      expect(rows).toHaveLength(1);
      const [{ metadata, ...call }] = rows;
      expect([model, metadata.status]).toEqual([model, 'aborted']);
      expect(metadata.estimated).toBe(true);
      expect(call.response_timestamp).not.toBeNull();
      expect(answer).toMatchObject({
        inputTokens: call.input_tokens,
        outputTokens: call.output_tokens,
        cost: call.cost,
      });
      expect(answer.metadata.usage.inputTokens).toBe(call.input_tokens);
      expect(answer.inputTokens).toBeGreaterThan(0);
      expect(answer.outputTokens).toBeGreaterThan(0);
      expect(answer.outputTokens).toBeLessThan(400);
      // Two of the three report their input before the end.
      if (!model.startsWith('openai')) expect(answer.inputTokens).toBe(1_000);
    }
  });

  it('leaves no part of the message open', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId, 'close the parts');
    await stop(app, user, chatId);
    const { chunks } = await reader.rest();
    const types = chunks.map(({ type }) => type).filter((type) => type !== 'data-chat-title');
    expect(types.slice(-4)).toEqual(['text-end', 'data-context', 'message-metadata', 'abort']);
    const { parts } = (await messagesOf(app, user, chatId)).at(-1)!;
    expect(parts.at(-1)).toMatchObject({ type: 'text', text: 'Half of ', state: 'done' });
  });

  it('can stop during reasoning, and every provider accepts the history', async () => {
    await app.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{capabilities,thinking}', 'true')
        where config_key in ('chat_agent_google', 'chat_agent_openai', 'chat_agent_anthropic')`,
    );
    // The server notices this shortly afterwards.
    await eventually(async () => {
      app.double.enqueue({ reasoning: ['Hm.'], text: ['Yes.'] });
      const { chunks } = await app.say(user, randomUUID(), 'do you think');
      return chunks.some(({ type }) => type === 'reasoning-delta');
    });
    for (const model of ['google/gemini-2.5-flash', 'anthropic/claude-sonnet-4-5', 'openai/gpt-5']) {
      const chatId = randomUUID();
      app.double.enqueue({ reasoning: ['Well, ', 'let me'], text: ['Never said.'], pauseAfter: 1 });
      const reader = await app.open(user, { id: chatId, message: userMessage('think'), model });
      await reader.until((chunks) => chunks.some(({ type }) => type === 'reasoning-delta'));
      await stop(app, user, chatId);
      const types = (await reader.rest()).chunks.map(({ type }) => type);
      expect(types.filter((type) => type !== 'data-chat-title').slice(-4)).toEqual([
        'reasoning-end',
        'data-context',
        'message-metadata',
        'abort',
      ]);
      const { parts } = (await messagesOf(app, user, chatId)).at(-1)!;
      expect(parts.at(-1)).toMatchObject({ type: 'reasoning', text: 'Well, ', state: 'done' });
      const next = await app.say(user, chatId, 'and aloud?', { body: { model } });
      // Nothing was said in between: some vendors get both questions as one.
      expect([model, next.text]).toEqual([model, expect.stringMatching(/and aloud\?$/)]);
    }
  });

  it('can stop before the first token, and the chat continues as if nothing was said', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ text: ['Too late.'], pauseAfter: 0 });
    const sent = app.post(user, { id: chatId, message: userMessage('say nothing') });
    await app.double.until(() => answerCalls(app, 'say nothing')[0]?.state === 'held');
    expect(await stop(app, user, chatId)).toEqual({ stopped: true });
    const answer = await sent;
    expect(answer.status).toBe(200);
    expect(answer.chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
    expect((await storedAnswer(app, user, chatId)).status).toBe('stopped');
    await app.double.until(() => answerCalls(app, 'say nothing')[0]?.closedByClient === true);

    for (const model of ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5']) {
      const next = await app.say(user, chatId, `and now ${model}`, { body: { model } });
      expect(next.text.endsWith(`and now ${model}`)).toBe(true);
    }
    const rows = await app.database.query(
      `select input_tokens > 20 as prompt, output_tokens, total_cost > 0 as paid, metadata ->> 'status' as status,
              (metadata ->> 'estimated')::boolean as estimated
         from usage_logs where chat_id = $1 and agent_type = 'chat' order by request_timestamp limit 1`,
      [chatId],
    );
    // The prompt was sent, and the vendor bills it.
    expect(rows).toEqual([
      { prompt: true, output_tokens: 0, paid: true, status: 'aborted', estimated: true },
    ]);
  });

  it('sends the stopped answer to the model with the next message', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId, 'remember this');
    await stop(app, user, chatId);
    await reader.rest();
    expect((await app.say(user, chatId, 'go on')).text).toBe('You said: go on');
    expect(JSON.stringify(answerCalls(app, 'go on')[0]?.body)).toContain('Half of ');
  });

  it('is not possible for other users', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId, 'mine alone', { visibility: 'public' });
    const stranger = await app.createUser();
    expect(await stop(app, stranger, chatId)).toEqual({ stopped: false });
    expect((await app.request('POST', `/api/chat/${chatId}/stop`)).status).toBe(401);
    app.double.resume();
    expect((await reader.rest()).text).toBe('Half of it.');
    expect(await stop(app, user, randomUUID())).toEqual({ stopped: false });
  });

  it('is part of deleting a chat, and the usage stays', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId, 'delete me');
    const { status } = await app.request('DELETE', `/api/chats/${chatId}`, { user });
    expect(status).toBe(204);
    const { chunks, done } = await reader.rest();
    expect(chunks.at(-1)?.type).toBe('abort');
    expect(done).toBe(true);
    await app.double.until(() => answerCalls(app, 'delete me')[0]?.closedByClient === true);
    for (const table of ['"Message_v2"', '"Stream"'])
      expect(await app.database.query(`select 1 from ${table} where "chatId" = $1`, [chatId])).toEqual([]);
    const rows = await app.database.query(
      `select chat_id, input_tokens, metadata ->> 'status' as status from usage_logs
        where user_id = $1 and metadata ->> 'messageId' = $2`,
      [user.id, (chunks[0] as { messageId: string }).messageId],
    );
    expect(rows).toEqual([{ chat_id: null, input_tokens: 1_000, status: 'aborted' }]);
    expect((await resume(app, user, chatId)).response.status).toBe(204);
  });

  it('is part of deleting all chats', async () => {
    const owner = await app.createUser();
    app.double.enqueue({ text: ['one', 'two'], pauseAfter: 1 }, { times: 2 });
    const readers = await Promise.all(
      ['first', 'second'].map((name) => app.open(owner, { id: name, message: userMessage(`all ${name}`) })),
    );
    const bystander = await begin(randomUUID(), 'all but me');
    const { body } = await app.request('DELETE', '/api/chats', { user: owner });
    expect(body).toEqual({ deleted: 2 });
    for (const reader of readers) expect((await reader.rest()).chunks.at(-1)?.type).toBe('abort');
    app.double.resume();
    expect((await bystander.rest()).text).toBe('Half of it.');
  });

  it('happens to an answer whose chat is deleted past the server', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId, 'vanish');
    const deletedAt = performance.now();
    await eventually(() =>
      app.database.query('delete from chat where id = $1', [chatId]).catch(unlessDeadlocked),
    );
    // The provider would wait forever.
    const { text, chunks, done } = await reader.rest();
    expect(performance.now() - deletedAt).toBeLessThan(3_000);
    await app.double.until(() => answerCalls(app, 'vanish')[0]?.closedByClient === true);
    expect([text, done]).toEqual(['Half of ', true]);
    expect(chunks.slice(-2)).toMatchObject([
      { type: 'message-metadata', messageMetadata: { usage: { inputTokens: 1_000 } } },
      { type: 'error', errorText: 'The answer was deleted while it was being generated.' },
    ]);
    const { messageId } = chunks[0] as { messageId: string };
    await eventually(async () => {
      const [row] = await app.database.query(
        `select input_tokens, metadata ->> 'status' as status from usage_logs where metadata ->> 'messageId' = $1`,
        [messageId],
      );
      return row?.status === 'aborted' && row.input_tokens === 1_000;
    });
    expect(await app.database.query('select 1 from "Message_v2" where id = $1', [messageId])).toEqual([]);
    expect(app.log()).not.toContain('could not be stored');
  });
});

function unlessDeadlocked(error: Error & { code?: string }): false {
  if (error.code !== '40P01') throw error;
  return false;
}
