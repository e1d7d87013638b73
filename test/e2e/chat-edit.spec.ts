import { randomUUID } from 'node:crypto';
import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { answerCalls, messagesOf, type StoredMessage, textOfParts } from '../support/turns.js';

/** Edits of a user's message, and regenerated answers. */
describe('edits and regeneration', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  /** A chat of three questions, each answered by its echo. */
  async function threeTurns(): Promise<{ chatId: string; messages: StoredMessage[] }> {
    const chatId = randomUUID();
    for (const question of ['first', 'second', 'third']) await app.say(user, chatId, question);
    return { chatId, messages: await messagesOf(app, user, chatId) };
  }

  const said = (messages: StoredMessage[]) => messages.map(textOfParts);
  const lastCall = () => app.double.requests.filter(({ stream }) => stream).at(-1);
  const again = (chatId: string, messageId?: string, who = user) =>
    app.post(who, { id: chatId, trigger: 'regenerate-message', messageId });

  it('replace the message with an existing id, and delete all later ones', async () => {
    const { chatId, messages } = await threeTurns();
    const edited = messages[2]!;
    const answer = await app.say(user, chatId, 'second, edited', { messageId: edited.id });
    expect(answer.text).toBe('You said: second, edited');
    const after = await messagesOf(app, user, chatId);
    expect(said(after)).toEqual(['first', 'You said: first', 'second, edited', 'You said: second, edited']);
    expect(after.slice(0, 2)).toEqual(messages.slice(0, 2));
    expect(after[2]).toMatchObject({ id: edited.id, createdAt: edited.createdAt, role: 'user' });
    expect(after[3]!.id).toBe(answer.chunks[0].messageId);
    expect(messages.map(({ id }) => id)).not.toContain(after[3]!.id);
    // The model gets the conversation as it is now.
    const prompt = JSON.stringify(lastCall()?.body);
    expect(prompt).toContain('second, edited');
    expect(prompt).toContain('You said: first');
    expect(prompt).not.toContain('You said: second"');
    expect(prompt).not.toContain('third');
  });

  it("edit by the client's own id, for the first message as well as the last", async () => {
    await app.say(user, 'client ids', 'one', { messageId: 'm1' });
    await app.say(user, 'client ids', 'two', { messageId: 'm2' });
    await app.say(user, 'client ids', 'two again', { messageId: 'm2' });
    expect(said(await messagesOf(app, user, 'client ids'))).toEqual([
      'one',
      'You said: one',
      'two again',
      'You said: two again',
    ]);
    await app.say(user, 'client ids', 'one again', { messageId: 'm1' });
    expect(said(await messagesOf(app, user, 'client ids'))).toEqual(['one again', 'You said: one again']);
  });

  it('treat the same message after its answer as an edit: it is answered again', async () => {
    const chatId = randomUUID();
    const message = userMessage('the same', randomUUID());
    const first = await app.post(user, { id: chatId, message });
    const second = await app.post(user, { id: chatId, message });
    expect(second.chunks[0].messageId).not.toBe(first.chunks[0].messageId);
    expect(said(await messagesOf(app, user, chatId))).toEqual(['the same', 'You said: the same']);
    expect(answerCalls(app, 'the same')).toHaveLength(2);
  });

  it('regenerate the last message', async () => {
    const { chatId, messages } = await threeTurns();
    app.double.enqueue({ text: ['A better third.'] });
    const answer = await again(chatId);
    expect(answer.text).toBe('A better third.');
    const after = await messagesOf(app, user, chatId);
    expect(after.slice(0, 5)).toEqual(messages.slice(0, 5));
    expect(after[5]).toMatchObject({ id: answer.chunks[0].messageId, status: 'complete' });
    expect(said(after).at(-1)).toBe('A better third.');
    expect(after).toHaveLength(6);
    // The old answer is not sent to the model.
    expect(JSON.stringify(lastCall()?.body)).not.toContain('You said: third');
  });

  it('regenerate a message in the middle, and delete all later ones', async () => {
    const { chatId, messages } = await threeTurns();
    app.double.enqueue({ text: ['A better second.'] });
    expect((await again(chatId, messages[3]!.id)).text).toBe('A better second.');
    const after = await messagesOf(app, user, chatId);
    expect(said(after)).toEqual(['first', 'You said: first', 'second', 'A better second.']);
    expect(after.slice(0, 3)).toEqual(messages.slice(0, 3));
    expect(JSON.stringify(lastCall()?.body)).not.toContain('third');
  });

  it('accept the id of a user message for its answer', async () => {
    const { chatId, messages } = await threeTurns();
    app.double.enqueue({ text: ['A new first.'] });
    expect((await again(chatId, messages[0]!.id)).text).toBe('A new first.');
    expect(said(await messagesOf(app, user, chatId))).toEqual(['first', 'A new first.']);
  });

  it('answer a question that has no answer', async () => {
    const chatId = await addChat(app, user);
    await addMessage(app, chatId, { role: 'user', parts: [text('anyone?')] });
    expect((await again(chatId)).text).toBe('You said: anyone?');
    expect(said(await messagesOf(app, user, chatId))).toEqual(['anyone?', 'You said: anyone?']);
  });

  it('replace a failed answer', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ fault: { type: 'status', status: 401 } });
    expect((await app.say(user, chatId, 'please')).status).toBe(400);
    expect((await messagesOf(app, user, chatId)).map(({ status }) => status)).toEqual(['complete', 'failed']);
    expect((await again(chatId)).text).toBe('You said: please');
    expect((await messagesOf(app, user, chatId)).map(({ status }) => status)).toEqual([
      'complete',
      'complete',
    ]);
  });

  it('refuse messages that cannot be answered, and change nothing', async () => {
    const { chatId, messages } = await threeTurns();
    const calls = app.double.requests.length;
    const empty = await addChat(app, user);
    const onlyAnswers = await addChat(app, user);
    const opening = await addMessage(app, onlyAnswers, { parts: [text('Welcome!')] });
    const stranger = await app.createUser();
    const cases: Array<[what: string, status: number, who: TestUser, chatId: string, messageId?: string]> = [
      ['an unknown chat', 404, user, randomUUID()],
      ['somebody else\u2019s chat', 404, stranger, chatId],
      ['an unknown message', 404, user, chatId, randomUUID()],
      ['a message of another chat', 404, user, empty, messages[3]!.id],
      ['an empty chat', 400, user, empty],
      ['nothing but a welcome', 400, user, onlyAnswers],
      ['the welcome itself', 400, user, onlyAnswers, opening],
      ['a message id that is none', 400, user, chatId, ''],
    ];
    for (const [what, status, who, where, messageId] of cases) {
      const answer = await again(where, messageId, who);
      const code = status === 404 ? 'not_found' : 'validation_failed';
      expect([what, answer.status, answer.problem?.code]).toEqual([what, status, code]);
    }
    const edit = await app.say(user, chatId, 'forged', { messageId: messages[3]!.id });
    expect([edit.status, edit.problem.code]).toEqual([400, 'validation_failed']);
    expect(edit.problem.errors).toEqual([{ path: 'message.id', message: 'is the id of an answer' }]);
    expect(await messagesOf(app, user, chatId)).toEqual(messages);
    expect(app.double.requests.length).toBe(calls);
    expect(
      await app.database.query('select 1 from "Stream" where "chatId" = any($1)', [
        [chatId, empty, onlyAnswers],
      ]),
    ).toEqual([]);
  });

  it('keep the cost of deleted messages in the totals', async () => {
    const chatId = randomUUID();
    const usage = { input: 1_000, output: 100 };
    app.double.enqueue({ text: ['Answer.'], usage }, { times: 3 });
    await app.say(user, chatId, 'costly', { messageId: 'costly' });
    await again(chatId);
    await app.say(user, chatId, 'costly, edited', { messageId: 'costly' });
    const messages = await messagesOf(app, user, chatId);
    expect(messages).toHaveLength(2);
    expect(messages[1]).toMatchObject({ inputTokens: 1_000, outputTokens: 100, cost: 0.00055 });
    const [answers] = await app.database.query(
      `select count(*)::int as calls, sum(input_tokens)::int as input, sum(output_tokens)::int as output
         from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [chatId],
    );
    expect(answers).toEqual({ calls: 3, input: 3_000, output: 300 });
    const [all] = await app.database.query(
      `select sum(input_tokens)::int as "totalInputTokens", sum(output_tokens)::int as "totalOutputTokens",
              sum(total_cost)::float as "totalCost" from usage_logs where chat_id = $1`,
      [chatId],
    );
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).body).toMatchObject(all);
    await app.request('DELETE', `/api/chats/${chatId}/messages?from=${messages[0]!.id}`, { user });
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).body).toMatchObject(all);
  });
});
