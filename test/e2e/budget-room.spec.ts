import { randomUUID } from 'node:crypto';
import { configureAgent } from '../support/agent-config.js';
import { awayFromTheEndOfTheHour } from '../support/admissions.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { answers } from '../support/drawing.js';
import { messagesOf } from '../support/turns.js';

/** More than any answer of these tests may have. */
const LONG = 30_000;
/** `budget` is in USD. It pays for about 6,000 tokens of output. */
const VENDORS = [
  { provider: 'google', model: 'google/gemini-2.5-flash', budget: 0.016 },
  { provider: 'anthropic', model: 'anthropic/claude-sonnet-4-5', budget: 0.1 },
  { provider: 'openai', model: 'openai/gpt-4.1', budget: 0.05 },
] as const;

/** Without a configured limit, an answer may become as long as what is left of the budget. */
describe('what a budget leaves', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    await awayFromTheEndOfTheHour(app.database);
  });

  beforeEach(async () => {
    app.double.reset();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const spent = async (): Promise<number> => {
    const rows = await app.database.query(
      'select coalesce(sum(total_cost), 0)::float8 as cost from usage_logs where user_id = $1',
      [user.id],
    );
    return rows[0].cost as number;
  };
  const limitOf = (body: Record<string, unknown>) => {
    const generation = body['generationConfig'] as { maxOutputTokens?: number } | undefined;
    return body['max_output_tokens'] ?? generation?.maxOutputTokens ?? body['max_tokens'];
  };
  const lastLimit = () =>
    limitOf(app.double.requests.filter(answers).at(-1)?.body as Record<string, unknown>);

  it.each(VENDORS)('is the limit of an answer of $model', async ({ provider, model, budget }) => {
    await configureAgent(app, provider, { budget: { daily: budget } });
    app.double.enqueue({ tokens: LONG }, { when: answers });
    const chatId = randomUUID();
    const answer = await app.say(user, chatId, 'Tell me everything', { body: { model, agent: 'chat' } });
    expect([answer.status, answer.done]).toEqual([200, true]);
    expect((await messagesOf(app, user, chatId)).at(-1)).toMatchObject({
      status: 'complete',
      finishReason: 'length',
    });
    expect(await spent()).toBeLessThanOrEqual(budget);
    expect(await spent()).toBeGreaterThan(0.9 * budget);
    const next = await app.say(user, chatId, 'And then?', { body: { model, agent: 'chat' } });
    expect(next).toMatchObject({ status: 429, problem: { code: 'budget_exceeded' } });
  });

  it.each(VENDORS)('is no limit if $model cannot write as much', async ({ provider, model }) => {
    await configureAgent(app, provider, { budget: { daily: 100 } });
    app.double.enqueue({ tokens: 10 }, { when: answers });
    await app.say(user, randomUUID(), 'Hello', { body: { model, agent: 'chat' } });
    const withBudget = lastLimit();
    await configureAgent(app, provider, {});
    app.double.enqueue({ tokens: 10 }, { when: answers });
    await app.say(user, randomUUID(), 'Hello', { body: { model, agent: 'chat' } });
    expect(withBudget).toEqual(lastLimit());
  });

  it.each([
    ['with a reasoning budget', 'anthropic/claude-sonnet-4-5', 0.05],
    ['that decides how much to think', 'anthropic/claude-opus-4-6', 0.1],
  ])('is the limit of an answer of a model %s, thoughts included', async (_how, model, budget) => {
    await configureAgent(app, 'anthropic', { budget: { daily: budget } });
    app.double.enqueue({ tokens: LONG }, { when: answers });
    const answer = await app.say(user, randomUUID(), 'Tell me everything', {
      body: { model, agent: 'chat', thinking: true },
    });
    expect([answer.status, answer.done]).toEqual([200, true]);
    expect(await spent()).toBeLessThanOrEqual(budget);
    expect(await spent()).toBeGreaterThan(0.9 * budget);
  });

  it('is shared by the answers that are written at the same time', async () => {
    const budget = 0.05;
    await configureAgent(app, 'google', { budget: { daily: budget } });
    app.double.enqueue({ tokens: LONG }, { when: answers, times: 8 });
    const sent = await Promise.all(
      Array.from({ length: 8 }, () =>
        app.say(user, randomUUID(), 'Tell me everything', {
          body: { model: VENDORS[0].model, agent: 'chat' },
        }),
      ),
    );
    expect(sent.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect(await spent()).toBeLessThanOrEqual(budget);
  });

  it('is the limit of a document', async () => {
    const budget = 0.03;
    await configureAgent(app, 'google', { budget: { daily: budget } }, 'artifact');
    const input = { title: 'Everything', kind: 'text', description: 'All of it' };
    app.double.enqueue(
      { toolCalls: [{ id: randomUUID(), name: 'createDocument', input }] },
      { when: answers },
    );
    app.double.enqueue({ tokens: LONG }, { when: answers });
    app.double.enqueue({ text: ['It is too long.'] }, { when: answers });
    const answer = await app.say(user, randomUUID(), 'Write everything down', {
      body: { model: VENDORS[0].model, agent: 'artifact' },
    });
    expect(answer.status).toBe(200);
    expect(await spent()).toBeLessThanOrEqual(budget);
    expect(await spent()).toBeGreaterThan(0.5 * budget);
  });
});
