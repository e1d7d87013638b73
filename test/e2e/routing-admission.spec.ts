import { randomUUID } from 'node:crypto';
import { isRoutingCall } from '../doubles/wire/reply.js';
import { awayFromTheEndOfTheHour, usedOf } from '../support/admissions.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { messagesOf, stop, storedAnswer, textOfParts } from '../support/turns.js';

/**
 * The agent of a turn, and so its limit, is only known after a model was called. The question is stored before that.
 */
describe('the admission of routed turns', () => {
  let app: ChatApp;
  let admin: TestUser;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    admin = await app.createUser({ role: 'admin' });
    await configure('routing_agent', { enabled: true, timeoutMs: 10_000 });
    await awayFromTheEndOfTheHour(app.database);
  });

  beforeEach(async () => {
    app.double.reset();
    user = await app.createUser();
    await limit('chat', 100);
    await limit('artifact', 100);
  });

  afterAll(() => app.close());

  const configure = async (key: string, configData: object) => {
    const path = `/api/admin/config/${key}`;
    const { status, text } = await app.request('PATCH', path, { user: admin, body: { configData } });
    if (status !== 200) throw new Error(text);
  };
  const limit = (agent: string, hourly: number, budget: object | null = null) =>
    configure(`${agent}_agent_google`, { rateLimit: { hourly, daily: 1_000 }, budget });
  const routeTo = (agent: string, more: object = {}) =>
    app.double.enqueue({ text: [`{"agent":"${agent}","reason":"So."}`], ...more }, { when: isRoutingCall });
  const routingCalls = () => app.double.requests.filter(isRoutingCall);
  const textsOf = async (chatId: string) => (await messagesOf(app, user, chatId)).map(textOfParts);

  it('counts a turn only for the agent that was chosen', async () => {
    routeTo('artifact');
    const answer = await app.say(user, randomUUID(), 'Write a poem');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ratelimit-limit')).toBe('100');
    const rows = await app.database.query(
      'select distinct agent_type from rate_limit_tracking where user_id = $1',
      [user.id],
    );
    expect(rows).toEqual([{ agent_type: 'artifact' }]);
  });

  it('leaves nothing of a new chat if its agent is refused', async () => {
    await limit('artifact', 0);
    routeTo('artifact');
    const chatId = randomUUID();
    const refused = await app.say(user, chatId, 'Write a poem');
    expect(refused).toMatchObject({ status: 429, problem: { code: 'rate_limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit-limit')).toBe('0');
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).status).toBe(404);
    const left = await app.database.query(
      `select (select count(*)::int from "Message_v2" where "chatId" = $1) as messages,
              (select count(*)::int from "Stream" where "chatId" = $1) as streams`,
      [chatId],
    );
    expect(left).toEqual([{ messages: 0, streams: 0 }]);
    // The cost of routing is counted for the user who asked.
    const rows = await eventually(async () => {
      const found = await app.database.query(
        `select agent_type, chat_id from usage_logs where user_id = $1 and response_timestamp is not null`,
        [user.id],
      );
      return found.length > 0 && found;
    });
    expect(rows).toEqual([{ agent_type: 'routing', chat_id: null }]);
    expect(Object.values(await usedOf(app, user.id)).every((used) => used === 0)).toBe(true);

    // The same message is admitted when a request is left.
    await limit('artifact', 1);
    routeTo('artifact');
    expect((await app.say(user, chatId, 'Write a poem')).status).toBe(200);
  });

  it('leaves a chat unchanged if a message, an edit or a regeneration is refused', async () => {
    const chatId = randomUUID();
    for (const text of ['one', 'two']) {
      routeTo('chat');
      await app.say(user, chatId, text, { messageId: `${chatId}-${text}` });
    }
    const before = await messagesOf(app, user, chatId);
    await limit('artifact', 10, { daily: 0 });
    const bodies = [
      { message: userMessage('three') },
      { message: userMessage('one, as a poem', `${chatId}-one`) },
      { trigger: 'regenerate-message', messages: [] },
    ];
    for (const body of bodies) {
      routeTo('artifact');
      const refused = await app.post(user, { id: chatId, ...body });
      expect(refused).toMatchObject({ status: 429, problem: { code: 'budget_exceeded' } });
      expect(await messagesOf(app, user, chatId)).toEqual(before);
    }
    routeTo('chat');
    await app.post(user, { id: chatId, ...bodies[1] });
    expect(await textsOf(chatId)).toEqual(['one, as a poem', 'You said: one, as a poem']);
    routeTo('chat');
    await app.post(user, { id: chatId, ...bodies[2] });
    expect(await textsOf(chatId)).toEqual(['one, as a poem', 'You said: one, as a poem']);
  });

  it('keeps an existing chat', async () => {
    const chatId = randomUUID();
    await app.request('POST', '/api/chats', { user, body: { id: chatId, title: 'Poems' } });
    await limit('artifact', 0);
    routeTo('artifact');
    expect((await app.say(user, chatId, 'Write a poem')).status).toBe(429);
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).body.title).toBe('Poems');
    expect(await textsOf(chatId)).toEqual([]);
  });

  it('calls no model if no agent is available', async () => {
    await limit('chat', 0);
    await limit('artifact', 10, { monthly: 0 });
    const chatId = randomUUID();
    const refused = await app.say(user, chatId, 'Hello');
    expect(refused).toMatchObject({ status: 429, problem: { code: 'rate_limited' } });
    expect(refused.problem.detail).toContain('agent chat');
    expect(routingCalls()).toEqual([]);
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).status).toBe(404);
    await limit('chat', 1);
    routeTo('chat');
    expect((await app.say(user, chatId, 'Hello')).text).toBe('You said: Hello');
    // Another user has separate limits.
    routeTo('chat');
    expect((await app.say(await app.createUser(), randomUUID(), 'Hello')).status).toBe(200);
  });

  it('shows the question while a model is choosing, and stores a turn that is stopped meanwhile', async () => {
    const chatId = randomUUID();
    routeTo('chat');
    await app.say(user, chatId, 'one', { messageId: `${chatId}-one` });
    routeTo('chat', { fault: { type: 'stall-before-first-byte' } });
    const asking = app.open(user, { id: chatId, message: userMessage('two') });
    await app.double.until(() => routingCalls().some(({ state }) => state === 'held'));
    await eventually(async () => (await textsOf(chatId)).includes('two'));
    await stop(app, user, chatId);
    const ended = await (await asking).rest();
    expect(ended.chunks.at(-1)).toMatchObject({ type: 'abort' });
    expect(await storedAnswer(app, user, chatId)).toMatchObject({ status: 'stopped' });

    app.double.reset();
    routeTo('chat', { fault: { type: 'stall-before-first-byte' } });
    const editing = app.open(user, { id: chatId, message: userMessage('one, edited', `${chatId}-one`) });
    await app.double.until(() => routingCalls().some(({ state }) => state === 'held'));
    await stop(app, user, chatId);
    await (await editing).rest();
    expect(await textsOf(chatId)).toEqual(['one, edited', '']);
    expect(await usedOf(app, user.id)).toEqual({ hourly: 1, daily: 1 });
  });
});
