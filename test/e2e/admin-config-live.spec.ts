import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startBeside, startChatApp } from '../support/chat-app.js';
import { expectProblem } from '../support/expectations.js';

/** The time limit for every instance to apply a change. */
const SECOND = 1_000;

describe('a change of the configuration', () => {
  let app: ChatApp;
  /** Another instance on the same database. */
  let other: ChatApp;
  let admin: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    other = await startBeside(app);
    admin = await app.createUser({ role: 'admin' });
    await app.request('PATCH', '/api/admin/config/routing_agent', {
      user: admin,
      body: { configData: { enabled: false } },
    });
  });

  afterAll(async () => {
    await other?.close();
    await app?.close();
  });

  const patch = async (key: string, configData: object) => {
    const response = await app.request('PATCH', `/api/admin/config/${key}`, {
      user: admin,
      body: { configData },
    });
    expect([response.text, response.status]).toEqual([expect.any(String), 200]);
    return response.body;
  };

  /** The provider's request for one message to an instance. */
  async function ask(instance: ChatApp, body: object = {}) {
    const before = instance.double.requests.length;
    const answer = await instance.say(admin, randomUUID(), 'Hello', { body: { agent: 'chat', ...body } });
    const request = instance.double.requests.slice(before).find(({ stream }) => stream);
    return { ...answer, asked: request };
  }

  /** Polls until the change applies, and returns the time since `changedAt`. */
  async function untilObeyed(obeys: () => Promise<boolean>, changedAt: number) {
    while (!(await obeys())) {
      if (performance.now() - changedAt > 4 * SECOND) throw new Error('it was not obeyed');
      await sleep(10);
    }
    return performance.now() - changedAt;
  }

  it('of the prompt, the parameters and the default model applies to the next message', async () => {
    expect((await ask(app)).asked).toMatchObject({ model: 'gemini-2.5-flash' });
    await patch('chat_agent_google', { systemPrompt: 'Speak like a pirate.' });
    expect((await ask(app)).asked?.instructions).toBe('Speak like a pirate.');
    await patch('chat_agent_google', {
      models: [{ id: 'gemini-2.5-flash' }, { id: 'gemini-2.5-pro', isDefault: true }],
      parameters: { temperature: 0.25, maxOutputTokens: 321 },
    });
    const { asked } = await ask(app);
    expect(asked).toMatchObject({ provider: 'google', model: 'gemini-2.5-pro' });
    expect(asked?.body['generationConfig']).toMatchObject({ temperature: 0.25, maxOutputTokens: 321 });
  });

  it('also of the active provider and the available models', async () => {
    await patch('app_settings', { activeProvider: 'anthropic' });
    expect((await ask(app)).asked).toMatchObject({ provider: 'anthropic', model: 'claude-sonnet-4-5' });
    await patch('app_settings', { activeProvider: 'google' });
    const refused = await ask(app, { model: 'google/gemini-3-pro-preview' });
    expect(refused.problem).toMatchObject({ status: 400, code: 'model_not_allowed' });
    await patch('chat_agent_openai', { enabled: false });
    expect((await ask(app, { model: 'openai/gpt-5' })).problem.code).toBe('model_not_allowed');
    await patch('chat_agent_openai', { enabled: true });
    expect((await ask(app, { model: 'openai/gpt-5' })).asked).toMatchObject({ model: 'gpt-5' });
  });

  it('applies on every instance within a second', async () => {
    for (let round = 1; round <= 3; round++) {
      // The other instance has the configuration in memory, and no reason to reload it.
      await ask(other);
      const systemPrompt = `Round ${round}`;
      await patch('chat_agent_google', { systemPrompt });
      const changedAt = performance.now();
      expect((await ask(app)).asked?.instructions).toBe(systemPrompt);
      const obeys = async () => (await ask(other)).asked?.instructions === systemPrompt;
      expect(await untilObeyed(obeys, changedAt)).toBeLessThan(SECOND);
    }
  });

  it('also applies when made by SQL, a deletion or a rollback', async () => {
    const listed = async (instance: ChatApp, id: string) => {
      const { body } = await instance.request('GET', '/api/models', { user: admin });
      return body.items.some((item: { id: string }) => item.id === id);
    };
    const key = 'chat_agent_openai';
    const [{ version }] = await app.database.query('select version from admin_config where config_key = $1', [
      key,
    ]);
    const expectListed = async (expected: boolean) => {
      const changedAt = performance.now();
      for (const instance of [app, other]) {
        const obeys = async () => (await listed(instance, 'openai/gpt-4o')) === expected;
        expect(await untilObeyed(obeys, changedAt)).toBeLessThan(SECOND);
      }
    };
    for (const agent of ['artifact', 'git_mcp']) await patch(`${agent}_agent_openai`, { enabled: false });
    await expectListed(true);
    await app.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{models}', '[{"id": "gpt-5", "isDefault": true}]')
        where config_key = $1`,
      [key],
    );
    await expectListed(false);
    const path = `/api/admin/config/${key}`;
    const rollback = () => other.request('POST', `${path}/rollback`, { user: admin, body: { version } });
    expect((await rollback()).status).toBe(200);
    await expectListed(true);
    expect((await other.request('DELETE', path, { user: admin })).status).toBe(204);
    await expectListed(false);
    expect((await rollback()).status).toBe(200);
    await expectListed(true);
  });

  describe('a test of a configuration', () => {
    const test = (key: string, body: unknown, headers: Record<string, string> = {}) =>
      app.request('POST', `/api/admin/config/${key}/test`, { user: admin, body, headers });
    const lastUsage = async () =>
      (
        await app.database.query(
          `select user_id as "userId", chat_id as "chatId", agent_type as "agentType", model_used as model, provider,
                  input_tokens as input, output_tokens as output, total_cost::float as cost, metadata
             from usage_logs where metadata ->> 'purpose' = 'config-test' order by request_timestamp desc`,
        )
      )[0];

    it('makes one call, and returns and records its output, cost and usage', async () => {
      await patch('chat_agent_anthropic', {
        systemPrompt: 'Answer in one word.',
        parameters: { temperature: 0.1 },
      });
      const before = app.double.requests.length;
      app.double.enqueue({
        text: ['Fine', '.'],
        usage: { input: 1_000, cachedRead: 400, output: 200, reasoning: 0 },
        firstDelayMs: 60,
      });
      const { status, body } = await test('chat_agent_anthropic', { prompt: 'How are you?' });
      expect(status).toBe(200);
      expect(app.double.requests.slice(before)).toEqual([
        expect.objectContaining({
          provider: 'anthropic',
          model: 'claude-sonnet-4-5',
          stream: false,
          instructions: 'Answer in one word.',
          userText: 'How are you?',
          body: expect.objectContaining({ temperature: 0.1 }),
        }),
      ]);
      expect(body).toEqual({
        output: 'Fine.',
        latencyMs: expect.any(Number),
        // 600 at 3, 400 cached at 0.3, 200 at 15 USD per million.
        cost: 0.00492,
        usage: {
          inputTokens: 1_000,
          outputTokens: 200,
          totalTokens: 1_200,
          cachedInputTokens: 400,
          reasoningTokens: 0,
        },
        model: 'anthropic/claude-sonnet-4-5',
      });
      expect(body.latencyMs).toBeGreaterThanOrEqual(50);
      expect(await lastUsage()).toMatchObject({
        userId: admin.id,
        chatId: null,
        agentType: 'chat',
        model: 'claude-sonnet-4-5',
        provider: 'anthropic',
        input: 1_000,
        output: 200,
        cost: 0.00492,
        metadata: { status: 'success', purpose: 'config-test', ownKey: false, cachedInputTokens: 400 },
      });
    });

    it.each([
      ['artifact_agent_openai', 'artifact', 'openai/gpt-4o-mini'],
      ['git_mcp_agent_google', 'git_mcp', 'google/gemini-2.5-flash'],
      ['routing_agent', 'routing', 'google/gemini-2.5-flash-lite'],
    ])('works before it is enabled: %s', async (key, agentType, model) => {
      const { configData } = await patch(key, { enabled: false });
      const { status, body } = await test(key, { prompt: 'Hello' });
      expect(status).toBe(200);
      expect(body).toMatchObject({ output: 'You said: Hello', model });
      expect(app.double.requests.at(-1)?.instructions.trim()).toBe(configData.systemPrompt);
      expect(await lastUsage()).toMatchObject({ agentType, model: model.split('/')[1] });
    });

    it('uses it as it is now, right after the change', async () => {
      for (const number of [1, 2, 3]) {
        await patch('chat_agent_google', { systemPrompt: `Prompt ${number}` });
        expect((await test('chat_agent_google', { prompt: 'Hello' })).status).toBe(200);
        expect(app.double.requests.at(-1)?.instructions).toBe(`Prompt ${number}`);
      }
    });

    it("uses the administrator's own key, which is not stored", async () => {
      const key = 'own-anthropic-key-7d1e';
      const { status } = await test(
        'chat_agent_anthropic',
        { prompt: 'Hello' },
        { 'x-anthropic-api-key': key },
      );
      expect(status).toBe(200);
      expect(app.double.requests.at(-1)?.headers['x-api-key']).toBe(key);
      expect((await lastUsage()).metadata.ownKey).toBe(true);
      expect(app.log()).not.toContain(key);
    });

    it('is refused if there is nothing to call', async () => {
      for (const key of ['app_settings', 'model_catalog']) {
        const response = await test(key, { prompt: 'Hello' });
        expectProblem(response, 400, 'validation_failed');
        expect(response.body.errors).toEqual([
          { path: 'key', message: `${key} is not the configuration of an agent, so it cannot be tested` },
        ]);
      }
      await app.request('DELETE', '/api/admin/config/git_mcp_agent_anthropic', { user: admin });
      expectProblem(await test('git_mcp_agent_anthropic', { prompt: 'Hello' }), 404, 'not_found');
      await app.request('DELETE', '/api/admin/config/routing_agent', { user: admin });
      expectProblem(await test('routing_agent', { prompt: 'Hello' }), 404, 'not_found');
    });

    it.each([
      [{}, 'prompt'],
      [{ prompt: '' }, 'prompt'],
      [{ prompt: '  ' }, 'prompt'],
      [{ prompt: 5 }, 'prompt'],
      [{ prompt: 'x'.repeat(20_001) }, 'prompt'],
      [{ prompt: 'x', model: 'google/gemini-2.5-pro' }, 'model'],
    ])('accepts a prompt: %#', async (body, path) => {
      const response = await test('chat_agent_google', body);
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
    });

    it("returns and records the provider's error", async () => {
      app.double.enqueue({ fault: { type: 'status', status: 401 } });
      const refused = await test('chat_agent_openai', { prompt: 'Hello' });
      expectProblem(refused, 400, 'api_key_missing');
      expect(refused.body.errors[0].path).toBe('headers.x-openai-api-key');
      expect((await lastUsage()).metadata).toMatchObject({ status: 'error', errorCode: 'api_key_missing' });
      app.double.enqueue({ fault: { type: 'status', status: 429, retryAfterSeconds: 60 } });
      const limited = await test('chat_agent_openai', { prompt: 'Hello' });
      expectProblem(limited, 429, 'rate_limited');
      expect(limited.headers.get('retry-after')).toBe('60');
      app.double.enqueue({ fault: { type: 'status', status: 500 } }, { times: 3 });
      expectProblem(await test('chat_agent_openai', { prompt: 'Hello' }), 502, 'upstream_error');
      app.double.enqueue({ fault: { type: 'status', status: 503 } });
      const second = await test('chat_agent_openai', { prompt: 'Hello' });
      expect([second.status, second.body.output]).toEqual([200, 'You said: Hello']);
      const rows = await app.database.query(
        `select metadata ->> 'status' as status from usage_logs
          where metadata ->> 'requestId' = $1 order by request_timestamp`,
        [second.headers.get('x-request-id')],
      );
      expect(rows.map(({ status }) => status)).toEqual(['error', 'success']);
    });
  });
});

describe('without a key', () => {
  const WITHOUT_KEYS = { GOOGLE_GENERATIVE_AI_API_KEY: '', OPENAI_API_KEY: '', ANTHROPIC_API_KEY: '' };

  it.each([
    ['chat_agent_openai', 'headers.x-openai-api-key'],
    ['routing_agent', 'headers.x-google-api-key'],
  ])('a test names the required header: %s', async (key, path) => {
    const app = await startChatApp(WITHOUT_KEYS);
    try {
      const user = await app.createUser({ role: 'admin' });
      const body = { prompt: 'Hello' };
      const response = await app.request('POST', `/api/admin/config/${key}/test`, { user, body });
      expectProblem(response, 400, 'api_key_missing');
      expect(response.body.errors[0].path).toBe(path);
      expect(await app.database.query('select from usage_logs')).toEqual([]);
    } finally {
      await app.close();
    }
  });

  it('a test calls the demo model if there is one', async () => {
    const app = await startChatApp({ ...WITHOUT_KEYS, DEMO_MODEL: 'true' });
    try {
      const user = await app.createUser({ role: 'admin' });
      const { status, body } = await app.request('POST', '/api/admin/config/artifact_agent_openai/test', {
        user,
        body: { prompt: 'Hello' },
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({ output: expect.stringMatching(/demo/i), model: 'demo/demo', cost: 0 });
    } finally {
      await app.close();
    }
  });
});
