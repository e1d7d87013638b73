import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRoutingCall } from '../doubles/wire/reply.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import {
  answerRows,
  ANTHROPIC,
  askedModels,
  GOOGLE,
  lastMessage,
  liveMetadata,
  OPENAI,
  script,
  status,
  withFallbacks,
} from '../support/fallbacks.js';
import { Metrics } from '../support/metrics.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { send } from '../support/turns.js';

const COOL_DOWN = 1_000;
const GOOGLE_HEADER = 'x-google-api-key';

/** A model that failed is skipped for a while by turns that have another one. */
describe('a model that cools down', () => {
  let database: TestDatabase;
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  // An application does not know the cool-downs of an earlier one.
  beforeEach(async () => {
    app = await startChatApp(
      { UPSTREAM_COOL_DOWN_MS: String(COOL_DOWN), UPSTREAM_COOL_DOWN_MAX_MS: String(2 * COOL_DOWN) },
      { database },
    );
    user = await app.createUser();
    await withFallbacks(app);
    await ask();
    app.double.reset();
  });

  afterEach(() => app.close());
  afterAll(() => database?.drop());

  const ask = (chatId = randomUUID(), body: object = {}, headers: Record<string, string> = {}) =>
    app.say(user, chatId, 'Hello', { body: { agent: 'chat', ...body }, headers });

  it('is skipped from the start, and asked again afterwards', async () => {
    script(app, 'google', status(500));
    await ask();
    const chatId = randomUUID();
    const answer = await ask(chatId);
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, ANTHROPIC]);
    // The stream names the right model from its first chunk on, and no failed call is paid or shown.
    const names = { model: ANTHROPIC, fallbackFor: GOOGLE };
    expect(answer.chunks[0]).toMatchObject({ type: 'start', messageMetadata: names });
    expect(answer.chunks.some(({ type }) => type === 'message-metadata')).toBe(false);
    expect((await lastMessage(app, user, chatId)).metadata).toMatchObject(names);
    expect(liveMetadata(answer.chunks)).toEqual((await lastMessage(app, user, chatId)).metadata);
    expect(await answerRows(app, chatId)).toMatchObject([{ model: ANTHROPIC, status: 'success' }]);

    await sleep(COOL_DOWN);
    await ask();
    expect(askedModels(app).slice(3)).toEqual([GOOGLE]);
  });

  it('is asked by one call at a time when the time is over', async () => {
    script(app, 'google', status(500));
    await ask();
    await sleep(COOL_DOWN);
    script(app, 'google', { text: ['It ', 'is back.'], firstDelayMs: 300 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(answers.map(({ status: code }) => code)).toEqual([200, 200, 200, 200, 200]);
    const asked = askedModels(app).slice(2);
    expect(asked.filter((model) => model === GOOGLE)).toHaveLength(1);
    expect(asked.filter((model) => model === ANTHROPIC)).toHaveLength(4);
    await ask();
    expect(askedModels(app).at(-1)).toBe(GOOGLE);
  });

  it('cools down for as long as the vendor asks', async () => {
    script(app, 'google', status(429, 2));
    await ask();
    await sleep(1.2 * COOL_DOWN);
    await ask();
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, ANTHROPIC]);
    await sleep(COOL_DOWN);
    await ask();
    expect(askedModels(app).at(-1)).toBe(GOOGLE);
  });

  it('is always asked if there is no other one', async () => {
    script(app, 'google', status(500));
    await ask();
    await ask(randomUUID(), { model: GOOGLE });
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, GOOGLE]);
    await withFallbacks(app, []);
    await ask();
    expect(askedModels(app).at(-1)).toBe(GOOGLE);
  });

  it('is asked if all cool down, the one that is ready first', async () => {
    script(app, 'google', status(429, 2));
    script(app, 'anthropic', status(529));
    // A wait this long is not worth repeating the call.
    script(app, 'openai', status(429, 4));
    expect((await ask()).status).toBe(429);
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, OPENAI, ANTHROPIC]);
  });

  it('cools down for the key that was used: the keys of users and of the server do not affect each other', async () => {
    script(app, 'google', status(429));
    await ask(randomUUID(), {}, { [GOOGLE_HEADER]: 'good-key-of-one-user' });
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC]);
    await ask();
    await ask(randomUUID(), {}, { [GOOGLE_HEADER]: 'good-key-of-another-user' });
    await ask(randomUUID(), {}, { [GOOGLE_HEADER]: 'good-key-of-one-user' });
    expect(askedModels(app).slice(2)).toEqual([GOOGLE, GOOGLE, ANTHROPIC]);
  });

  it('is not skipped after a stop by the user, a refusal or a bad request', async () => {
    script(app, 'google', status(400));
    await ask();
    script(app, 'google', { fault: { type: 'stall-before-first-byte' } });
    const chatId = randomUUID();
    const asking = send(app, user, { id: chatId, message: userMessage('Hello'), agent: 'chat' });
    await app.double.until(() => askedModels(app).length === 2);
    await app.request('POST', `/api/chat/${chatId}/stop`, { user });
    await asking;
    await ask();
    expect(askedModels(app)).toEqual([GOOGLE, GOOGLE, GOOGLE]);
  });

  it('is skipped by the choice of an agent, if it has kept it waiting', async () => {
    const admin = await app.createUser({ role: 'admin' });
    const configure = (configData: object) =>
      app.request('PATCH', '/api/admin/config/routing_agent', { user: admin, body: { configData } });
    expect((await configure({ timeoutMs: 300 })).status).toBe(200);
    app.double.enqueue({ fault: { type: 'stall-before-first-byte' } }, { when: isRoutingCall });
    const reasons = [];
    for (let turn = 0; turn < 2; turn++) {
      const { chunks } = await app.say(user, randomUUID(), 'Hello');
      reasons.push(chunks.find(({ type }) => type === 'data-agent').data.reason);
    }
    expect(reasons).toEqual(['Routing took too long.', expect.not.stringContaining('Routing')]);
    expect(app.double.requests.filter(isRoutingCall).map(({ provider }) => provider)).toEqual([
      'google',
      'openai',
    ]);
    await configure({ timeoutMs: 2_000 });
  });

  it('is counted', async () => {
    const before = await Metrics.scrape(app);
    script(app, 'google', status(429));
    script(app, 'anthropic', status(500));
    await ask();
    await ask();
    const after = await Metrics.scrape(app);
    const by = (name: string, labels: Record<string, string>) =>
      after.growth(before, `switchboard_${name}`, labels);
    const [google, anthropic] = [
      { provider: 'google', model: 'gemini-2.5-flash' },
      { provider: 'anthropic', model: 'claude-sonnet-4-5' },
    ];
    expect({
      limited: by('model_fallbacks_total', { ...google, reason: 'rate_limited' }),
      failed: by('model_fallbacks_total', { ...anthropic, reason: 'failed' }),
      cooling: by('model_fallbacks_total', { ...google, reason: 'cooling_down' }),
      coolDowns: by('model_cool_downs_total', { ...google, key: 'server' }),
      now: after.sum('switchboard_models_cooling_down') >= 2,
    }).toEqual({ limited: 1, failed: 1, cooling: 1, coolDowns: 1, now: true });
    expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, OPENAI, OPENAI]);
  });
});
