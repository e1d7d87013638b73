import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../doubles/script.js';
import { isRoutingCall, isTitleCall } from '../doubles/wire/reply.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import {
  answerRows,
  ANTHROPIC,
  askedModels,
  GOOGLE,
  lastMessage,
  liveMetadata,
  OPENAI,
  script,
  SHORT_COOL_DOWN,
  status,
  withFallbacks,
} from '../support/fallbacks.js';
import { readChat, resume, send, stop } from '../support/turns.js';

const TIMEOUT = 1_200;
const AGENT = { agent: 'chat' };

/** Which failures of a model are answered by another one, and what is stored then. */
describe('fallback models', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp({ ...SHORT_COOL_DOWN, UPSTREAM_FIRST_BYTE_TIMEOUT_MS: String(TIMEOUT) });
    user = await app.createUser();
    await withFallbacks(app);
  });

  beforeEach(async () => {
    app.double.reset();
    await sleep(60);
  });

  afterAll(() => app.close());

  const ask = (chatId: string, text = 'Hello', body: object = {}) =>
    app.say(user, chatId, text, { body: { ...AGENT, ...body } });

  const FAILURES: Array<[Fault, string]> = [
    [{ type: 'status', status: 429 }, 'rate_limited'],
    [{ type: 'status', status: 429, retryAfterSeconds: 1 }, 'rate_limited'],
    [{ type: 'status', status: 500 }, 'upstream_error'],
    [{ type: 'status', status: 503 }, 'upstream_error'],
    [{ type: 'status', status: 529 }, 'upstream_error'],
    [{ type: 'reset-before-first-byte' }, 'upstream_error'],
    [{ type: 'half-close', chunks: 0 }, 'upstream_error'],
    [{ type: 'error-frame', chunks: 0, reason: 'overloaded' }, 'upstream_error'],
    [{ type: 'stall-before-first-byte' }, 'upstream_timeout'],
    [{ type: 'stall-after', chunks: 0 }, 'upstream_timeout'],
  ];

  it.each(FAILURES)('answer after %j', async (fault, errorCode) => {
    const chatId = randomUUID();
    script(app, 'google', { text: ['never'], fault });
    script(app, 'anthropic', { text: ['From ', 'Anthropic.'], usage: { input: 100, output: 20 } });
    const answer = await ask(chatId);
    expect([answer.status, answer.text, answer.done]).toEqual([200, 'From Anthropic.', true]);
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC]);

    // Live and after a reload, the answer names the model that gave it.
    const message = await lastMessage(app, user, chatId);
    expect(message).toMatchObject({
      status: 'complete',
      modelUsed: 'claude-sonnet-4-5',
      metadata: { model: ANTHROPIC, fallbackFor: GOOGLE },
    });
    expect(liveMetadata(answer.chunks)).toEqual(message.metadata);
    expect(message.parts.map(({ type }) => type)).toEqual(['data-agent', 'step-start', 'text']);

    // Every attempt is a row, and the answer has the sum of both.
    const rows = await answerRows(app, chatId);
    expect(rows).toEqual([
      expect.objectContaining({ model: GOOGLE, status: 'error', errorCode }),
      expect.objectContaining({ model: ANTHROPIC, status: 'success', input: 100, output: 20 }),
    ]);
    const [failed, answered] = rows as Array<{ input: number; cost: number }>;
    expect(answered!.cost).toBeGreaterThan(0);
    expect(message.inputTokens).toBe(failed!.input + answered!.input);
    expect(message.cost).toBeCloseTo(failed!.cost + answered!.cost, 9);
    expect(liveMetadata(answer.chunks).cost).toBe(message.cost);
    const chat = await readChat(app, user, chatId);
    const [sums] = await app.database.query(
      'select sum(total_tokens)::int as tokens, sum(total_cost)::float8 as cost from usage_logs where chat_id = $1',
      [chatId],
    );
    expect(chat.totalInputTokens + chat.totalOutputTokens).toBe(sums!['tokens']);
    expect(chat.totalCost).toBeCloseTo(Number(sums!['cost']), 9);
  });

  it('are asked in their order, and the last one again', async () => {
    script(app, 'google', status(500));
    script(app, 'anthropic', status(529));
    script(app, 'openai', status(500));
    script(app, 'openai', { text: ['From OpenAI.'] });
    const answer = await ask(randomUUID());
    expect(answer.text).toBe('From OpenAI.');
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, OPENAI, OPENAI]);
  });

  it('leave the error of the first model if all fail', async () => {
    const chatId = randomUUID();
    script(app, 'google', status(429, 17));
    script(app, 'anthropic', status(529));
    script(app, 'openai', status(500), 3);
    const { status: code, problem, headers } = await ask(chatId);
    expect([code, problem.code, headers.get('retry-after')]).toEqual([429, 'rate_limited', '17']);
    expect(problem.detail).toMatch(/^Google is rate limiting/);
    expect(await lastMessage(app, user, chatId)).toMatchObject({
      status: 'failed',
      metadata: { model: GOOGLE, error: { code: 'rate_limited' } },
    });
    expect(await answerRows(app, chatId)).toHaveLength(5);
  });

  it('share one deadline', async () => {
    const chatId = randomUUID();
    for (const provider of ['google', 'anthropic', 'openai'] as const)
      script(app, provider, { fault: { type: 'stall-before-first-byte' } }, 3);
    const started = performance.now();
    const { status: code, problem } = await ask(chatId);
    expect([code, problem.code]).toEqual([504, 'upstream_timeout']);
    expect(performance.now() - started).toBeLessThan(2 * TIMEOUT + 1_000);
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, OPENAI]);
  });

  it.each<[string, Fault, number]>([
    ['a request that is too long', { type: 'status', status: 400 }, 413],
    ['a key that is refused', { type: 'status', status: 401 }, 400],
    ['a model that is unknown', { type: 'status', status: 404 }, 502],
    ['an answer without content', { type: 'empty' }, 502],
  ])('are not asked after %s', async (_what, fault, expected) => {
    script(app, 'google', { text: ['never'], fault });
    expect((await ask(randomUUID())).status).toBe(expected);
    expect(askedModels(app)).toEqual([GOOGLE]);
  });

  it.each([
    [{ text: [], finishReason: 'content-filter' as const }],
    [{ promptBlock: 'PROHIBITED_CONTENT' }],
    [{ text: [], ending: 'MALFORMED_FUNCTION_CALL' }],
  ])('are not asked after the end %j', async (answer) => {
    script(app, 'google', answer);
    expect((await ask(randomUUID())).status).toBe(502);
    expect(askedModels(app)).toEqual([GOOGLE]);
  });

  it('are not asked after the first content', async () => {
    const chatId = randomUUID();
    script(app, 'google', { text: ['It ', 'began'], fault: { type: 'reset-after', chunks: 1 } });
    const answer = await ask(chatId);
    expect([answer.text, askedModels(app)]).toEqual(['It ', [GOOGLE]]);
    expect(await lastMessage(app, user, chatId)).toMatchObject({
      status: 'failed',
      metadata: { model: GOOGLE, error: { message: expect.stringMatching(/^Google/) } },
    });
  });

  it('keep their own error after their first content', async () => {
    const chatId = randomUUID();
    script(app, 'google', status(500));
    script(app, 'anthropic', { text: ['It ', 'began'], fault: { type: 'reset-after', chunks: 1 } });
    const answer = await ask(chatId);
    expect([answer.text, askedModels(app)]).toEqual(['It ', [GOOGLE, ANTHROPIC]]);
    expect((await lastMessage(app, user, chatId)).metadata).toMatchObject({
      model: ANTHROPIC,
      error: { message: expect.stringMatching(/^Anthropic/) },
    });
  });

  it('are not asked after the user has stopped', async () => {
    const chatId = randomUUID();
    script(app, 'google', { fault: { type: 'stall-before-first-byte' } });
    const asking = ask(chatId);
    await app.double.until(() => askedModels(app).length === 1);
    expect(await stop(app, user, chatId)).toEqual({ stopped: true });
    await asking;
    expect(askedModels(app)).toEqual([GOOGLE]);
    expect(await lastMessage(app, user, chatId)).toMatchObject({
      status: 'stopped',
      metadata: { model: GOOGLE },
    });
  });

  it('are named to a reader who joins later', async () => {
    const chatId = randomUUID();
    script(app, 'google', status(500));
    script(app, 'anthropic', { text: ['From ', 'Anthropic.'], pauseAfter: 1 });
    const message = { id: randomUUID(), role: 'user', parts: [{ type: 'text', text: 'Hello' }] };
    const first = await send(app, user, { id: chatId, message, ...AGENT });
    await first.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
    const joined = await resume(app, user, chatId);
    app.double.resume();
    const [one, other] = await Promise.all([first.rest(), joined.rest()]);
    expect(other.chunks).toEqual(one.chunks);
    const named = one.chunks.findIndex(({ type }) => type === 'message-metadata');
    expect(one.chunks[named]).toMatchObject({ messageMetadata: { model: ANTHROPIC, fallbackFor: GOOGLE } });
    expect(liveMetadata(other.chunks)).toEqual((await lastMessage(app, user, chatId)).metadata);
    expect(named).toBeLessThan(one.chunks.findIndex(({ type }) => type === 'text-start'));
  });

  it('are named to useChat', async () => {
    script(app, 'google', status(500));
    script(app, 'anthropic', { text: ['From Anthropic.'] });
    const chat = createChatClient(app.url, { token: user.token, body: AGENT });
    await chat.sendMessage({ text: 'Hello' });
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'From Anthropic.']);
    expect(chat.lastMessage?.metadata).toEqual((await lastMessage(app, user, chat.id)).metadata);
    expect(chat.lastMessage?.metadata).toMatchObject({ model: ANTHROPIC, fallbackFor: GOOGLE });
  });

  it('do not answer for a model that the request names, unless they are configured to', async () => {
    script(app, 'google', status(500), 3);
    expect((await ask(randomUUID(), 'Hello', { model: GOOGLE })).status).toBe(502);
    expect(askedModels(app)).toEqual([GOOGLE, GOOGLE, GOOGLE]);

    app.double.reset();
    await withFallbacks(app, [ANTHROPIC], { fallbackForChosen: true });
    script(app, 'google', status(500));
    const answer = await ask(randomUUID(), 'Hello', { model: GOOGLE });
    expect(liveMetadata(answer.chunks)).toMatchObject({ model: ANTHROPIC, fallbackFor: GOOGLE });
    await withFallbacks(app);
  });

  it('write the title, too', async () => {
    const chatId = randomUUID();
    script(app, 'google', status(500));
    app.double.enqueue(status(500), { when: isTitleCall });
    app.double.enqueue({ text: ['A title of another'] }, { when: isTitleCall });
    await ask(chatId, 'How deep is the sea?');
    const models = app.double.requests.filter(isTitleCall).map(({ provider }) => provider);
    expect(models).toEqual(['anthropic', 'google']);
    expect((await readChat(app, user, chatId)).title).toBe('A title of another');
  });

  it('choose the agent in place of a routing model', async () => {
    app.double.enqueue(status(500), { when: isRoutingCall });
    app.double.enqueue({ text: ['{"agent":"chat","reason":"It is small talk."}'] }, { when: isRoutingCall });
    const answer = await app.say(user, randomUUID(), 'Hello');
    expect(answer.chunks).toContainEqual(
      expect.objectContaining({ data: { agentType: 'chat', reason: 'It is small talk.' } }),
    );
    expect(app.double.requests.filter(isRoutingCall).map(({ provider }) => provider)).toEqual([
      'google',
      'openai',
    ]);
  });
});
