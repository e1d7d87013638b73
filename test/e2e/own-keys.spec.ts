import { randomUUID } from 'node:crypto';
import { awayFromTheEndOfTheHour, usedOf } from '../support/admissions.js';
import { configureAgent, configureSettings } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { type Answer, type ChatApp, startChatApp } from '../support/chat-app.js';
import { answers, draws, failureOf, NEW_IMAGE, picture } from '../support/drawing.js';
import { Metrics } from '../support/metrics.js';

/** Budgets are for the keys of the server. What users pay for themselves is counted, shown, and limited by requests only. */

const OWN = { 'x-google-api-key': 'my-own-key' };
const EXPENSIVE = { input: 10_000, output: 1_000_000 };

describe("calls with the user's own key", () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    await awayFromTheEndOfTheHour(app.database);
    for (const agent of ['chat', 'artifact'] as const) {
      const budget = { daily: 0.05 };
      await configureAgent(app, 'google', { budget, rateLimit: { hourly: 6, daily: 100 } }, agent);
    }
  });

  beforeEach(async () => {
    app.double.reset();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const ask = (headers: Record<string, string>, body: object = {}): Promise<Answer> =>
    app.say(user, randomUUID(), 'How much?', { body: { agent: 'chat', ...body }, headers });
  const spend = () => app.double.enqueue({ usage: EXPENSIVE }, { when: answers });
  const makesPicture = () =>
    app.double.enqueue(
      { toolCalls: [{ id: 'one', name: 'createDocument', input: NEW_IMAGE }] },
      { when: answers },
    );
  const summary = async () => (await app.request('GET', '/api/usage/summary', { user })).body;

  it('do not fill the budget, and are not refused when it is used up', async () => {
    // 2.5 USD each.
    for (let turn = 0; turn < 2; turn++) {
      spend();
      expect((await ask(OWN)).status).toBe(200);
    }
    expect((await ask({})).status).toBe(200);
    spend();
    expect((await ask({})).status).toBe(200);
    expect(await ask({})).toMatchObject({ status: 429, problem: { code: 'budget_exceeded' } });
    expect((await ask(OWN)).status).toBe(200);
    // The limits on requests count all.
    expect(await usedOf(app, user.id)).toEqual({ hourly: 5, daily: 5 });
    expect((await ask(OWN)).status).toBe(200);
    expect(await ask(OWN)).toMatchObject({ status: 429, problem: { code: 'rate_limited' } });
  });

  it('reserve nothing', async () => {
    app.double.enqueue({ text: ['One ', 'two'], pauseAfter: 1 }, { when: answers });
    const body = { id: randomUUID(), message: { id: randomUUID(), role: 'user', parts: [] }, agent: 'chat' };
    body.message.parts.push({ type: 'text', text: 'Wait' } as never);
    const reader = await app.open(user, body, { headers: OWN });
    await reader.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
    const rows = await app.database.query(
      'select reserved_cost::float8 as cost from switchboard.runs where user_id = $1',
      [user.id],
    );
    expect(rows).toEqual([{ cost: 0 }]);
    app.double.resume();
    await reader.rest();
  });

  it('are told apart in reports, lists, downloads and metrics', async () => {
    const before = await Metrics.scrape(app);
    spend();
    await ask(OWN);
    await ask({});
    const { calls, totalCost, ownKeyCalls, ownKeyCost, byModel, byAgent } = await summary();
    // Each turn also has a title.
    expect({ calls, ownKeyCalls }).toEqual({ calls: 4, ownKeyCalls: 2 });
    expect(ownKeyCost).toBeGreaterThanOrEqual(2.503);
    expect(totalCost - ownKeyCost).toBeGreaterThan(0);
    expect(totalCost - ownKeyCost).toBeLessThan(0.01);
    expect(byAgent).toMatchObject([{ agentType: 'chat', ownKeyCalls: 2, ownKeyCost }]);
    expect(byModel.reduce((sum: number, model: { ownKeyCalls: number }) => sum + model.ownKeyCalls, 0)).toBe(
      2,
    );

    const after = await Metrics.scrape(app);
    const grown = (key: string) => after.growth(before, 'switchboard_model_cost_usd_total', { key });
    expect(grown('own')).toBeCloseTo(ownKeyCost, 6);
    expect(grown('server')).toBeCloseTo(totalCost - ownKeyCost, 6);

    const { items } = (await app.request('GET', '/api/usage/logs?sort=totalCost:desc', { user })).body;
    expect(items.map(({ ownKey }: { ownKey: boolean }) => ownKey).sort()).toEqual([false, false, true, true]);
    expect(items[0]).toMatchObject({ ownKey: true, metadata: { ownKey: true } });
    const { text } = await app.request('GET', '/api/usage/export?format=csv', { user });
    const [header, ...lines] = text.trim().split('\r\n');
    const at = header!.split(',').indexOf('ownKey');
    expect(lines.map((line) => line.split(',')[at]).sort()).toEqual(['false', 'false', 'true', 'true']);
  });

  it("use the budget again as soon as a call needs the server's key", async () => {
    // The picture is drawn by another provider than the one of the user's key.
    const openai = { 'x-openai-api-key': 'my-own-key' };
    const body = { agent: 'artifact', model: 'openai/gpt-4o-mini' };
    await configureAgent(app, 'openai', { budget: { daily: 0.000001 } }, 'artifact');
    await configureSettings(app, { imageModels: { google: 'gemini-2.5-flash-image' } });
    makesPicture();
    app.double.enqueue({ image: picture() }, { when: draws });
    const refused = await ask(openai, body);
    expect(refused.status).toBe(200);
    expect(failureOf(refused)).toMatch(/does not allow generating an image now/);
    // With a key of its provider, the picture is the user's own.
    makesPicture();
    const drawn = await ask({ ...openai, ...OWN }, body);
    expect(failureOf(drawn)).toBeUndefined();
  });
});

describe('calls of a model without a price', () => {
  let app: ChatApp;

  beforeAll(async () => {
    app = await startChatApp();
    // The API refuses this. Administrators can also write the table.
    await configureAgent(app, 'openai', { models: [{ id: 'local-model', isDefault: true }] });
  });

  afterAll(() => app.close());

  it('are visible in the summary and in a metric', async () => {
    const user = await app.createUser();
    const before = await Metrics.scrape(app);
    const labels = { provider: 'openai' };
    expect(before.matching('switchboard_unpriced_calls_total')).toHaveLength(3);
    app.double.enqueue({ usage: { input: 900, output: 90 } }, { when: answers });
    const answer = await app.say(user, randomUUID(), 'Hello', {
      body: { agent: 'chat', model: 'openai/local-model' },
    });
    expect(answer.status).toBe(200);
    const { body } = await app.request('GET', '/api/usage/summary', { user });
    expect(body).toMatchObject({ calls: 2, unpricedCalls: 1 });
    expect(body.byModel).toContainEqual(
      expect.objectContaining({ model: 'local-model', unpricedCalls: 1, totalTokens: 990, totalCost: 0 }),
    );
    const after = await Metrics.scrape(app);
    expect(after.growth(before, 'switchboard_unpriced_calls_total', labels)).toBe(1);

    // A call that used nothing has no unknown cost.
    app.double.enqueue({ fault: { type: 'status', status: 400 } }, { when: answers });
    await app.say(user, randomUUID(), 'Hello', { body: { agent: 'chat', model: 'openai/local-model' } });
    const later = await app.request('GET', '/api/usage/summary', { user });
    expect(later.body).toMatchObject({ calls: 3, unpricedCalls: 1 });
  });
});
