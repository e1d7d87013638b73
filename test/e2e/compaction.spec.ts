import { randomUUID } from 'node:crypto';
import { isCompactionCall } from '../doubles/wire/reply.js';
import { addMessage, text } from '../fixtures/chat-rows.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import {
  addLongChat,
  answerPrompts,
  compacted,
  compactionCalls,
  LIMIT,
  limitChats,
  line,
  linesIn,
  MODELS,
  summarized,
  summaryOf,
} from '../support/long-chats.js';
import { messagesOf, textOfParts } from '../support/turns.js';

/** Conversations that become longer than what their model may be sent. */
describe('compaction', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(() => limitChats(app));
  afterEach(() => app.double.reset());
  afterAll(() => app.close());

  const summarizes = (words: string, times = 1) =>
    app.double.enqueue({ text: [words] }, { when: isCompactionCall, times });
  const say = (chatId: string, words: string, model = MODELS[0], more: object = {}) =>
    app.say(user, chatId, words, { body: { agent: 'chat', model, ...more } });
  const contextOf = async (chatId: string, reader = user) =>
    (await app.request('GET', `/api/chats/${chatId}`, { user: reader })).body.context;

  describe.each(MODELS)('with %s', (model) => {
    it('summarizes the older part after the answer, and uses the summary from the next turn on', async () => {
      const { chatId, ids } = await addLongChat(app, user, 30);
      summarizes('SUMMARY ONE: it was about lines.');
      const first = await say(chatId, 'Question 1', model);
      expect(first.status).toBe(200);
      const contexts = (chunks: typeof first.chunks) =>
        chunks.filter(({ type }) => type === 'data-context').map(({ data }) => data);
      expect(contexts(first.chunks)).toEqual([
        { inputTokens: expect.any(Number), contextWindow: expect.any(Number), summarizedThrough: null },
      ]);
      const { throughId } = await summarized(app, chatId, 'SUMMARY ONE');
      await compacted(app, user);

      // A question comes after the summary.
      const boundary = ids.indexOf(throughId);
      expect(boundary % 2).toBe(1);
      expect(boundary).toBeGreaterThan(10);
      const [call] = compactionCalls(app);
      expect(linesIn(JSON.stringify(call?.body))).toEqual(
        ids.slice(0, boundary + 1).map((_, index) => index),
      );

      const second = await say(chatId, 'Question 2', model);
      expect(contexts(second.chunks)[0]).toMatchObject({ summarizedThrough: throughId });
      const prompt = answerPrompts(app).at(-1);
      expect(prompt).toContain('SUMMARY ONE: it was about lines.');
      expect(linesIn(prompt)[0]).toBe(boundary + 1);
      expect(prompt).toContain('Question 1');
      expect(compactionCalls(app)).toHaveLength(1);

      // The messages stay as they are.
      const words = (await messagesOf(app, user, chatId)).map(textOfParts);
      expect(words).toHaveLength(34);
      expect(words.slice(0, 30)).toEqual(ids.map((_, index) => line(index)));
    });

    it('is sent prompts that begin alike until a summary changes them once', async () => {
      const { chatId } = await addLongChat(app, user, 20);
      summarizes('SUMMARY', 10);
      const conversation = (prompt: string) => {
        const body = JSON.parse(prompt) as Record<string, unknown>;
        const list = (body['contents'] ?? body['input'] ?? body['messages']) as unknown[];
        return list.map((message) => JSON.stringify(message).replaceAll(/,"cache_control":\{[^}]*\}/g, ''));
      };
      const boundaries: Array<string | undefined> = [];
      for (let turn = 0; turn < 16; turn++) {
        boundaries.push((await summaryOf(app, chatId))?.throughId);
        await say(chatId, `Question ${turn}. ${line(100 + turn)}`, model);
        await compacted(app, user);
      }
      const prompts = answerPrompts(app).map(conversation);
      expect(prompts).toHaveLength(16);
      for (let turn = 1; turn < prompts.length; turn++) {
        const [before = [], now = []] = [prompts[turn - 1], prompts[turn]];
        const isPrefix = before.every((message, index) => message === now[index]);
        expect([turn, isPrefix]).toEqual([turn, boundaries[turn] === boundaries[turn - 1]]);
      }
      const changes = new Set(boundaries).size - 1;
      expect(changes).toBeGreaterThanOrEqual(2);
      // Most prompts are read from the vendor's cache.
      expect(changes).toBeLessThanOrEqual(4);
    });
  });

  it('books the call with its purpose, for the agent that has answered', async () => {
    const { chatId } = await addLongChat(app, user, 30);
    app.double.enqueue(
      { text: ['SUMMARY ONE'], usage: { input: 3_000, output: 40 } },
      { when: isCompactionCall },
    );
    await say(chatId, 'Question 1', MODELS[1]);
    await summarized(app, chatId, 'SUMMARY ONE');
    await compacted(app, user);
    const logs = await app.request('GET', `/api/usage/logs?chatId=${chatId}`, { user });
    const ofCompaction = logs.body.items.filter(
      ({ metadata }: { metadata: { purpose: string } }) => metadata.purpose === 'compaction',
    );
    expect(ofCompaction).toEqual([
      expect.objectContaining({
        agentType: 'chat',
        modelUsed: 'gpt-4o-mini',
        inputTokens: 3_000,
        outputTokens: 40,
        status: 'success',
        chatId,
      }),
    ]);
    const chat = (await app.request('GET', `/api/chats/${chatId}`, { user })).body;
    const [spent] = await app.database.query(
      `select sum(input_tokens)::int as input, sum(total_cost)::float8 as cost from usage_logs where chat_id = $1`,
      [chatId],
    );
    expect([chat.totalInputTokens, chat.totalCost]).toEqual([spent.input, spent.cost]);
    // It is no request of the user.
    const [answers] = await app.database.query(
      `select count(*)::int as count from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [chatId],
    );
    expect(answers.count).toBe(1);
  });

  it('shows how full the context is, also after a summary and a reload', async () => {
    const { chatId } = await addLongChat(app, user, 30);
    expect(await contextOf(chatId)).toBeNull();
    app.double.enqueue({ text: ['Yes.'], usage: { input: 3_900, output: 2 } });
    summarizes('SUMMARY ONE');
    const answer = await say(chatId, 'Question 1');
    const { throughId } = await summarized(app, chatId, 'SUMMARY ONE');
    expect(answer.chunks.find(({ type }) => type === 'data-context').data).toEqual({
      inputTokens: 3_900,
      contextWindow: 1_048_576,
      summarizedThrough: null,
    });
    // The next prompt is shorter than the last one was.
    const context = await contextOf(chatId);
    expect(context).toMatchObject({ contextWindow: 1_048_576, summarizedThrough: throughId });
    expect(context.inputTokens).toBeLessThan(LIMIT / 2);
    app.double.enqueue({ text: ['Yes.'], usage: { input: 1_234, output: 2 } });
    await say(chatId, 'Question 2');
    expect(await contextOf(chatId)).toEqual({
      inputTokens: 1_234,
      contextWindow: 1_048_576,
      summarizedThrough: throughId,
    });
    // A part that is only for the reader is not stored.
    const stored = (await messagesOf(app, user, chatId)).at(-1);
    expect(JSON.stringify(stored?.parts)).not.toContain('data-context');
  });

  it('extends the last summary by what came after it', async () => {
    const { chatId } = await addLongChat(app, user, 30);
    summarizes('SUMMARY ONE');
    await say(chatId, 'Question 1');
    const first = await summarized(app, chatId, 'SUMMARY ONE');
    await compacted(app, user);
    summarizes('SUMMARY TWO');
    for (let turn = 0; compactionCalls(app).length < 2; turn++) await say(chatId, line(500 + turn).repeat(3));
    const second = await summarized(app, chatId, 'SUMMARY TWO');
    expect(second.throughId).not.toBe(first.throughId);
    const [one, two] = compactionCalls(app).map(({ body }) => JSON.stringify(body));
    expect(two).toContain('SUMMARY ONE');
    const before = linesIn(one);
    expect(linesIn(two).filter((number) => before.includes(number))).toEqual([]);
    expect(linesIn(two)[0]).toBe((before.at(-1) ?? 0) + 1);
  });

  it('keeps tool calls with their results, and the whole last turn', async () => {
    const { chatId } = await addLongChat(app, user, 20);
    const at = (minutes: number) => new Date(Date.now() - 3_600_000 + minutes * 60_000).toISOString();
    await addMessage(app, chatId, { role: 'user', parts: [text('What is the weather?')], createdAt: at(1) });
    const tool = {
      type: 'tool-weather',
      toolCallId: 'call_weather1',
      state: 'output-available',
      input: { city: 'Rome' },
      output: { sky: 'clear as glass '.repeat(400) },
    };
    await addMessage(app, chatId, { parts: [{ type: 'step-start' }, tool, text('Fine.')], createdAt: at(2) });
    summarizes('SUMMARY ONE');
    await say(chatId, 'Question 1', MODELS[1]);
    await summarized(app, chatId, 'SUMMARY ONE');
    await compacted(app, user);
    await say(chatId, 'Question 2', MODELS[1]);
    const prompt = answerPrompts(app).at(-1) ?? '';
    const calls = prompt.match(/"type":"function_call"/g) ?? [];
    const results = prompt.match(/"type":"function_call_output"/g) ?? [];
    expect(calls).toHaveLength(results.length);
    expect(prompt).toContain('Question 1');
  });

  it('is not lost among short messages, although only the latest are read', async () => {
    const { chatId } = await addLongChat(app, user, 900, { text: 'Line 0 of it.' });
    await limitChats(app, 1_000_000);
    summarizes('SUMMARY ONE', 5);
    await say(chatId, 'Question 1');
    await summarized(app, chatId, 'SUMMARY ONE');
    await compacted(app, user);
    const given = compactionCalls(app).flatMap(({ body }) => linesIn(JSON.stringify(body)));
    expect(given[0]).toBe(0);
    expect(given).toEqual(given.map((_, index) => index));
    await say(chatId, 'Question 2');
    const shown = linesIn(answerPrompts(app).at(-1));
    expect(shown).toEqual(shown.map((_, index) => (given.at(-1) ?? 0) + 1 + index));
    expect(shown.at(-1)).toBe(899);
  });

  describe('a change of a message', () => {
    let chatId: string;
    let ids: string[];
    let boundary: number;

    beforeEach(async () => {
      ({ chatId, ids } = await addLongChat(app, user, 30));
      summarizes('SUMMARY ONE');
      await say(chatId, 'Question 1');
      const { throughId } = await summarized(app, chatId, 'SUMMARY ONE');
      await compacted(app, user);
      boundary = ids.indexOf(throughId);
    });

    const messageId = (index: number) => ids[index] ?? '';

    it('drops the summary when a question in it is edited', async () => {
      await app.say(user, chatId, 'Another question', { messageId: messageId(4), body: { agent: 'chat' } });
      expect(await summaryOf(app, chatId)).toBeUndefined();
      const prompt = answerPrompts(app).at(-1);
      expect(prompt).not.toContain('SUMMARY ONE');
      expect(linesIn(prompt)).toEqual([0, 1, 2, 3]);
      expect(await contextOf(chatId)).toMatchObject({ summarizedThrough: null });
    });

    it('drops the summary when an answer in it is generated again, also while an agent is being chosen', async () => {
      await app.post(user, { id: chatId, trigger: 'regenerate-message', messageId: messageId(5) });
      expect(await summaryOf(app, chatId)).toBeUndefined();
      const prompt = answerPrompts(app).at(-1);
      expect(prompt).not.toContain('SUMMARY ONE');
      expect(linesIn(prompt)).toEqual([0, 1, 2, 3, 4]);
    });

    it('drops the summary when messages in it are deleted', async () => {
      const path = `/api/chats/${chatId}/messages?from=${messageId(boundary)}`;
      expect((await app.request('DELETE', path, { user })).status).toBe(200);
      expect(await summaryOf(app, chatId)).toBeUndefined();
    });

    it('drops the summary whoever changes a message', async () => {
      await app.database.query(`update "Message_v2" set parts = '[]' where id = $1`, [messageId(boundary)]);
      expect(await summaryOf(app, chatId)).toBeUndefined();
    });

    it('keeps the summary when only later messages change', async () => {
      const edited = messageId(boundary + 3);
      await app.say(user, chatId, 'Another question', { messageId: edited, body: { agent: 'chat' } });
      expect(await summaryOf(app, chatId)).toMatchObject({ content: 'SUMMARY ONE' });
      expect(answerPrompts(app).at(-1)).toContain('SUMMARY ONE');
      await app.post(user, { id: chatId, trigger: 'regenerate-message', agent: 'chat' });
      expect(answerPrompts(app).at(-1)).toContain('SUMMARY ONE');
      expect(answerPrompts(app).at(-1)).toContain('Another question');
    });

    it('can answer the last summarized question again after everything else was deleted', async () => {
      const path = `/api/chats/${chatId}/messages?from=${messageId(boundary + 1)}`;
      await app.request('DELETE', path, { user });
      expect(await summaryOf(app, chatId)).toBeDefined();
      const answer = await app.post(user, { id: chatId, trigger: 'regenerate-message', agent: 'chat' });
      expect(answer.status).toBe(200);
      expect(linesIn(answerPrompts(app).at(-1)).at(-1)).toBe(boundary - 1);
      expect(await summaryOf(app, chatId)).toBeUndefined();
    });

    it('is answered from the summary when nothing follows it', async () => {
      const path = `/api/chats/${chatId}/messages?from=${messageId(boundary + 1)}`;
      await app.request('DELETE', path, { user });
      await say(chatId, 'And now?');
      expect(answerPrompts(app).at(-1)).toContain('SUMMARY ONE');
      expect(linesIn(answerPrompts(app).at(-1))).toEqual([]);
    });
  });

  describe('of a chat that others can read', () => {
    it('is copied with the messages, if the copy has all of them', async () => {
      const { chatId, ids } = await addLongChat(app, user, 30, { visibility: 'public' });
      summarizes('SUMMARY ONE');
      await say(chatId, 'Question 1');
      const { throughId } = await summarized(app, chatId, 'SUMMARY ONE');
      await compacted(app, user);
      const boundary = ids.indexOf(throughId);
      const stranger = await app.createUser();
      for (const reader of [user, stranger]) {
        const fork = async (index: number) =>
          (
            await app.request('POST', `/api/chats/${chatId}/fork`, {
              user: reader,
              body: { messageId: ids[index] },
            })
          ).body.id as string;
        const whole = await fork(29);
        const copied = await summaryOf(app, whole);
        const messages = await messagesOf(app, reader, whole);
        expect(copied?.content).toBe('SUMMARY ONE');
        expect(messages.findIndex(({ id }) => id === copied?.throughId)).toBe(boundary);
        await app.say(reader, whole, 'In the copy', { body: { agent: 'chat' } });
        expect(answerPrompts(app).at(-1)).toContain('SUMMARY ONE');
        expect(linesIn(answerPrompts(app).at(-1))[0]).toBe(boundary + 1);
        expect(await summaryOf(app, await fork(boundary - 2))).toBeUndefined();
      }
      expect((await summaryOf(app, chatId))?.throughId).toBe(throughId);
    });

    it('shows no figures to readers, and stays when the chat becomes private', async () => {
      const { chatId } = await addLongChat(app, user, 30, { visibility: 'public' });
      summarizes('SUMMARY ONE');
      await say(chatId, 'Question 1');
      await summarized(app, chatId, 'SUMMARY ONE');
      await compacted(app, user);
      const stranger = await app.createUser();
      expect(await contextOf(chatId, stranger)).toBeNull();
      await app.request('PATCH', `/api/chats/${chatId}`, { user, body: { visibility: 'private' } });
      await say(chatId, 'Question 2');
      expect(answerPrompts(app).at(-1)).toContain('SUMMARY ONE');
      // A copy of a chat that can no longer be read is not made.
      const fork = await app.request('POST', `/api/chats/${chatId}/fork`, {
        user: stranger,
        body: { messageId: randomUUID() },
      });
      expect(fork.status).toBe(404);
    });
  });

  it('leaves exports as they are', async () => {
    const { chatId } = await addLongChat(app, user, 30);
    summarizes('SUMMARY ONE');
    await say(chatId, 'Question 1');
    await summarized(app, chatId, 'SUMMARY ONE');
    await compacted(app, user);
    for (const format of ['json', 'markdown']) {
      const exported = await app.request('GET', `/api/chats/${chatId}/export?format=${format}`, { user });
      expect(exported.text).not.toContain('SUMMARY ONE');
      expect(new Set(linesIn(exported.text)).size).toBe(30);
    }
  });
});
