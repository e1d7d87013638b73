import { randomUUID } from 'node:crypto';
import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import type { CatalogModel } from '../../src/modules/admin-config/catalog-schema.js';
import type { Pricing } from '../../src/modules/admin-config/pricing-schema.js';
import type { Script } from '../doubles/script.js';
import { configureAgent, type Provider, PROVIDERS } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import type { RecordedRequest } from '../doubles/provider-double.js';
import { saying, stop } from '../support/turns.js';

/** Vendors report more than plain tokens. All of it is counted and billed at its own price. */

const PRICES: Record<string, Pricing> = {
  'google/gemini-2.5-pro': {
    input: 1.25,
    cachedInput: 0.125,
    output: 10,
    audioInput: 4,
    tiers: [{ aboveInputTokens: 200_000, input: 2.5, cachedInput: 0.25, output: 15 }],
    fees: { webSearch: 0.035 },
  },
  'google/gemini-2.5-flash': { input: 0.3, output: 2.5, fees: { webSearch: 0.014 } },
  'openai/gpt-5.1': { input: 1.25, cachedInput: 0.125, output: 10, fees: { webSearch: 0.01 } },
  'openai/gpt-5-mini': { input: 0.25, output: 2 },
  'anthropic/claude-sonnet-4-5': {
    input: 3,
    cachedInput: 0.3,
    cacheWrite: 3.75,
    cacheWriteHour: 6,
    output: 15,
    fees: { webSearch: 0.01 },
  },
};

const asked =
  (text: string) =>
  ({ stream, userText }: RecordedRequest): boolean =>
    stream && userText.includes(text);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of rows
type Row = Record<string, any>;

describe('the price of a call', () => {
  let app: ChatApp;
  let admin: TestUser;
  let user: TestUser;
  let catalogVersion: number;

  beforeAll(async () => {
    app = await startChatApp();
    admin = await app.createUser({ role: 'admin' });
    user = await app.createUser();
    await changeCatalog((models) =>
      models.map((model) => ({
        ...model,
        pricing: PRICES[`${model.provider}/${model.id}`] ?? model.pricing,
      })),
    );
    const searches = { google: 'googleSearch', openai: 'webSearch', anthropic: 'webSearch' };
    for (const provider of PROVIDERS)
      await configureAgent(app, provider, { capabilities: { [searches[provider]]: true } });
  });
  afterEach(() => app.double.reset());
  afterAll(() => app.close());

  async function changeCatalog(change: (models: CatalogModel[]) => CatalogModel[]): Promise<void> {
    const path = '/api/admin/config/model_catalog';
    const { body } = await app.request('GET', path, { user: admin });
    const configData = { models: change(body.configData.models) };
    const saved = await app.request('PUT', path, { user: admin, body: { configData } });
    expect([saved.status, saved.body.errors]).toEqual([200, undefined]);
    catalogVersion = saved.body.version;
  }

  async function rowOf(chatId: string): Promise<Row> {
    return eventually(async () => {
      const [row] = await app.database.query(
        `select model_used, input_tokens, output_tokens, input_cost::text, output_cost::text, total_cost::text, metadata
           from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'
            and response_timestamp is not null order by request_timestamp desc limit 1`,
        [chatId],
      );
      return row as Row | undefined;
    });
  }

  /** The row of the call that gets this script as its answer. */
  async function billed(model: string, script: Script): Promise<Row> {
    const chatId = randomUUID();
    app.double.enqueue(script, { when: asked('What does it cost?') });
    await app.say(user, chatId, 'What does it cost?', { body: { model, agent: 'chat' } });
    return rowOf(chatId);
  }

  it('uses the prices of a long prompt for the whole prompt', async () => {
    const row = await billed('google/gemini-2.5-pro', { usage: { input: 250_000, output: 1_000 } });
    expect(row['total_cost']).toBe('0.640000');
    expect(row['metadata']).toMatchObject({ priceVersion: catalogVersion, answeredBy: 'gemini-2.5-pro' });
  });

  it('includes what Anthropic caches for an hour', async () => {
    const usage = { input: 10_000, cachedRead: 2_000, cacheWrite: 5_000, cacheWriteHour: 4_000, output: 100 };
    const row = await billed('anthropic/claude-sonnet-4-5', { usage });
    // 3,000 × 3 + 2,000 × 0.3 + 1,000 × 3.75 + 4,000 × 6 = 37,350 millionths
    expect(row).toMatchObject({
      input_cost: '0.037350',
      metadata: { cacheWriteTokens: 5_000, cacheWriteHourTokens: 4_000 },
    });
  });

  it("includes sound, and what Gemini's tools have added to the prompt", async () => {
    const usage = { input: 10_000, audio: 3_000, toolUse: 4_000, output: 100 };
    const row = await billed('google/gemini-2.5-pro', { usage });
    // 7,000 × 1.25 + 3,000 × 4
    expect(row).toMatchObject({
      input_tokens: 10_000,
      input_cost: '0.020750',
      metadata: { audioInputTokens: 3_000 },
    });
  });

  it("includes what Gemini's tools have added to the prompt if the answer is stopped", async () => {
    const chatId = randomUUID();
    app.double.enqueue(
      { text: ['One ', 'two ', 'three'], pauseAfter: 2, usage: { input: 9_000, toolUse: 4_000, output: 90 } },
      { when: asked('Stop me') },
    );
    const answer = await app.open(user, {
      id: chatId,
      message: { id: randomUUID(), role: 'user', parts: [{ type: 'text', text: 'Stop me' }] },
      model: 'google/gemini-2.5-flash',
      agent: 'chat',
    });
    await answer.until(saying('two '));
    await stop(app, user, chatId);
    await answer.rest();
    expect(await rowOf(chatId)).toMatchObject({ input_tokens: 9_000, metadata: { status: 'aborted' } });
  });

  it.each<[model: string, fee: string]>([
    ['google/gemini-2.5-pro', '0.035'],
    ['openai/gpt-5.1', '0.01'],
    ['anthropic/claude-sonnet-4-5', '0.01'],
  ])('includes the fee of a search by %s', async (model, feeCost) => {
    const row = await billed(model, {
      text: ['Found.'],
      sources: [{ url: 'https://example.com', title: 'An example' }],
      usage: { input: 1_000, output: 100 },
    });
    expect(row['metadata']).toMatchObject({ webSearches: 1, unroundedCost: { feeCost } });
    const sum = Number(row['input_cost']) + Number(row['output_cost']) + Number(feeCost);
    expect(Number(row['total_cost'])).toBeCloseTo(sum, 6);
  });

  it('is that of the model that has answered according to the vendor', async () => {
    const usage = { input: 100_000, output: 1_000 };
    const rerouted = await billed('google/gemini-2.5-pro', { usage, answeredBy: 'gemini-2.5-flash' });
    expect(rerouted).toMatchObject({
      model_used: 'gemini-2.5-pro',
      total_cost: '0.032500',
      metadata: { answeredBy: 'gemini-2.5-flash' },
    });
    const snapshot = await billed('openai/gpt-5.1', { usage, answeredBy: 'gpt-5.1-2025-11-13' });
    expect(snapshot).toMatchObject({
      total_cost: '0.135000',
      metadata: { answeredBy: 'gpt-5.1-2025-11-13' },
    });
    const other = await billed('anthropic/claude-sonnet-4-5', { usage, answeredBy: 'claude-never-heard-of' });
    expect(other).toMatchObject({
      total_cost: '0.315000',
      metadata: { answeredBy: 'claude-never-heard-of' },
    });
  });

  it.each([0, 2])('includes an answer that OpenAI reports as failed after %d pieces', async (chunks) => {
    const usage = { input: 7_000, output: 700, reasoning: 100 };
    const fault = { type: 'error-frame', chunks, reason: 'context-length', withUsage: true } as const;
    const row = await billed('openai/gpt-5.1', { text: ['One ', 'two ', 'three'], usage, fault });
    expect(row).toMatchObject({
      input_tokens: 7_000,
      output_tokens: 700,
      total_cost: '0.015750',
      metadata: { status: 'error', reasoningTokens: 100 },
    });
    expect(row['metadata'].estimated).toBeUndefined();
  });

  it('includes an answer that OpenAI reports as failed before its first part', async () => {
    const usage = { input: 7_000, cachedRead: 2_000, output: 700, reasoning: 600 };
    const script: Script = { usage, ending: 'failed-at-once' };
    app.double.enqueue(script, { when: asked('What does it cost?'), times: 2 });
    const row = await billed('openai/gpt-5.1', script);
    // 5,000 × 1.25 + 2,000 × 0.125 + 700 × 10 = 13,500 millionths
    expect(row).toMatchObject({
      input_tokens: 7_000,
      output_tokens: 700,
      total_cost: '0.013500',
      metadata: { status: 'error', reasoningTokens: 600, cachedInputTokens: 2_000 },
    });
  });

  it('includes an answer that OpenAI cuts at its limit', async () => {
    const usage = { input: 7_000, output: 700 };
    const row = await billed('openai/gpt-5.1', { text: ['One '], usage, finishReason: 'length' });
    expect(row).toMatchObject({
      input_tokens: 7_000,
      output_tokens: 700,
      metadata: { finishReason: 'length' },
    });
  });

  it('is known for ids with slashes, and every id is recorded unchanged', async () => {
    const pricing = { input: 2, output: 4 };
    const entry = { provider: 'openai' as Provider, pricing, capabilities: {} };
    await changeCatalog((models) => [
      ...models,
      { ...entry, id: 'openai/gpt-oss-120b', name: 'Of a gateway' },
      { ...entry, id: 'gpt-oss-120b', name: 'Of another', pricing: { input: 1, output: 1 } },
    ]);
    const saved = await app.request('PATCH', '/api/admin/config/chat_agent_openai', {
      user: admin,
      body: {
        configData: {
          models: [
            { id: 'openai/gpt-oss-120b', isDefault: true },
            // The provider prefix is redundant here.
            { id: 'openai/gpt-5.1' },
          ],
        },
      },
    });
    expect(saved.body.configData.models).toEqual([
      { id: 'openai/gpt-oss-120b', isDefault: true },
      { id: 'gpt-5.1' },
    ]);
    const listed = await app.request('GET', '/api/models', { user });
    expect(listed.body.items).toContainEqual(
      expect.objectContaining({
        id: 'openai/openai/gpt-oss-120b',
        pricing: expect.objectContaining(pricing),
      }),
    );
    for (const model of ['openai/openai/gpt-oss-120b', 'openai/gpt-oss-120b']) {
      const row = await billed(model, { usage: { input: 1_000, output: 1_000 } });
      expect(row).toMatchObject({ model_used: 'openai/gpt-oss-120b', total_cost: '0.006000' });
      const request = app.double.requests.findLast(asked('What does it cost?'));
      expect(request?.body['model']).toBe('openai/gpt-oss-120b');
    }
  });

  it('is reported as unknown if the catalog has no price', async () => {
    // Bypasses the rules of the API, as an operator may.
    await app.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{models}',
         (select jsonb_agg(model) from jsonb_array_elements(config_data -> 'models') as model
           where model ->> 'id' <> 'gpt-5-mini')) where config_key = 'model_catalog'`,
    );
    await eventually(async () => {
      const { catalog } = await app.app.get(AdminConfigService).current();
      return !catalog.has('openai/gpt-5-mini');
    });
    await configureAgent(app, 'openai', { models: [{ id: 'gpt-5-mini', isDefault: true }] });
    const row = await billed('openai/gpt-5-mini', { usage: { input: 1_000, output: 1_000 } });
    expect(row).toMatchObject({ total_cost: '0.000000', metadata: { unpriced: true } });
    const listed = await app.request('GET', '/api/models', { user });
    const [mini] = listed.body.items.filter(({ id }: { id: string }) => id === 'openai/gpt-5-mini');
    expect(mini.pricing).toBeNull();
  });
});
