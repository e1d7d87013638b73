import { expectProblem, readAllPages } from '../support/expectations.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';

const KEYS = [
  'app_settings',
  'artifact_agent_anthropic',
  'artifact_agent_google',
  'artifact_agent_openai',
  'chat_agent_anthropic',
  'chat_agent_google',
  'chat_agent_openai',
  'git_mcp_agent_anthropic',
  'git_mcp_agent_google',
  'git_mcp_agent_openai',
  'model_catalog',
  'routing_agent',
];

const ROUTES: Array<[method: string, path: string, body: object | undefined]> = [
  ['GET', '/api/admin/config', undefined],
  ['GET', '/api/admin/config/app_settings', undefined],
  ['GET', '/api/admin/config/app_settings/schema', undefined],
  ['PUT', '/api/admin/config/app_settings', { configData: { activeProvider: 'google' } }],
  ['PATCH', '/api/admin/config/app_settings', { configData: {} }],
  ['DELETE', '/api/admin/config/routing_agent', undefined],
  ['GET', '/api/admin/config/app_settings/history', undefined],
  ['POST', '/api/admin/config/app_settings/rollback', { version: 1 }],
  ['POST', '/api/admin/config/chat_agent_google/test', { prompt: 'Hello' }],
  ['GET', '/api/admin/audit', undefined],
];

describe('the configuration', () => {
  let app: TestApp;
  let admin: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
  });

  afterAll(() => app.close());

  const get = async (key: string) => {
    const { status, body } = await app.request('GET', `/api/admin/config/${key}`, { user: admin });
    expect(status).toBe(200);
    return body;
  };
  const put = (key: string, configData: unknown, options: { version?: number; ifMatch?: string } = {}) =>
    app.request('PUT', `/api/admin/config/${key}`, {
      user: admin,
      body: { configData, version: options.version },
      headers: options.ifMatch === undefined ? {} : { 'if-match': options.ifMatch },
    });
  const patch = (key: string, configData: unknown, version?: number) =>
    app.request('PATCH', `/api/admin/config/${key}`, { user: admin, body: { configData, version } });
  const history = async (key: string) =>
    (await app.request('GET', `/api/admin/config/${key}/history?limit=100`, { user: admin })).body.items;

  describe('is only for administrators', () => {
    it.each(ROUTES)('%s %s', async (method, path, body) => {
      expectProblem(await app.request(method, path, { body }), 401, 'unauthenticated');
      const user = await app.createUser();
      expectProblem(await app.request(method, path, { user, body }), 403, 'forbidden');
      // Others do not even learn what is wrong with their request.
      expectProblem(
        await app.request(method, path.replace(/\w+_\w+/, 'nothing'), { user }),
        403,
        'forbidden',
      );
    });

    it('and not for former administrators', async () => {
      const former = await app.createUser({ role: 'admin' });
      expect((await app.request('GET', '/api/admin/config', { user: former })).status).toBe(200);
      await app.database.query(
        `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "user"}' where id = $1`,
        [former.id],
      );
      for (const deadline = Date.now() + 5_000; Date.now() < deadline;) {
        const { status } = await app.request('GET', '/api/admin/config', { user: former });
        if (status === 403) return;
      }
      throw new Error('the former administrator is still let in');
    });
  });

  it.each(ROUTES.filter(([, path]) => /config\/\w+/.test(path)))(
    'answers 404 for an unknown key: %s %s',
    async (method, path, body) => {
      for (const key of ['chat_agent_mistral', 'constructor', 'x'.repeat(300)]) {
        const unknown = path.replace(/config\/\w+/, `config/${key}`);
        expectProblem(await app.request(method, unknown, { user: admin, body }), 404, 'not_found');
      }
    },
  );

  it('is listed by key, in pages', async () => {
    const pages = await readAllPages(app, admin, '/api/admin/config?limit=5');
    expect(pages.map((page) => page.length)).toEqual([5, 5, 2]);
    expect(pages.flat().map(({ configKey }) => configKey)).toEqual(KEYS);
    const { body } = await app.request('GET', '/api/admin/config', { user: admin });
    expect(body.nextCursor).toBeNull();
    expect(body.items).toEqual(pages.flat());
    for (const query of ['limit=0', 'limit=101', 'cursor=nonsense', 'cursor=QA', 'unknown=1'])
      expectProblem(
        await app.request('GET', `/api/admin/config?${query}`, { user: admin }),
        400,
        'validation_failed',
      );
  });

  it('only shows the documented fields', async () => {
    await app.database.query(
      `insert into admin_config (config_key, config_data) values ('a_note_of_the_operator', '{}')`,
    );
    const { body } = await app.request('GET', '/api/admin/config', { user: admin });
    expect(body.items.map(({ configKey }: { configKey: string }) => configKey)).toEqual(KEYS);
  });

  it('is returned with the details of its latest change', async () => {
    const { status, body, headers } = await app.request('GET', '/api/admin/config/routing_agent', {
      user: admin,
    });
    expect(status).toBe(200);
    expect(headers.get('etag')).toBe('"1"');
    expect(body).toEqual({
      configKey: 'routing_agent',
      configData: expect.objectContaining({ timeoutMs: 2_000, systemPrompt: expect.any(String) }),
      version: 1,
      updatedBy: null,
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  it.each(KEYS)('has a JSON Schema: %s', async (key) => {
    const { status, body } = await app.request('GET', `/api/admin/config/${key}/schema`, { user: admin });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: false,
      required: expect.any(Array),
    });
    const { configData } = await get(key);
    expect(Object.keys(body.properties)).toEqual(expect.arrayContaining(Object.keys(configData)));
    expect(Object.keys(configData)).toEqual(expect.arrayContaining(body.required));
  });

  it('can be replaced: a new version with author and time', async () => {
    const before = await get('chat_agent_openai');
    const configData = { ...before.configData, systemPrompt: 'Be brief.', budget: { daily: 0.5 } };
    const { status, body, headers } = await put('chat_agent_openai', configData);
    expect(status).toBe(200);
    expect(headers.get('etag')).toBe('"2"');
    expect(body).toEqual({
      configKey: 'chat_agent_openai',
      configData,
      version: 2,
      updatedBy: admin.id,
      updatedAt: expect.any(String),
      createdAt: before.createdAt,
    });
    expect(body.updatedAt >= before.updatedAt).toBe(true);
    expect(await get('chat_agent_openai')).toEqual(body);
    // Identical data is not a change, whatever the order of its fields.
    const reversed = Object.fromEntries(Object.entries(configData).reverse());
    expect((await put('chat_agent_openai', reversed)).body).toEqual(body);
    expect((await history('chat_agent_openai')).length).toBe(2);
  });

  it('stores model ids without the provider, and default values', async () => {
    const { configData } = await get('chat_agent_anthropic');
    const models = [{ id: 'anthropic/claude-haiku-4-5', isDefault: true }, { id: 'claude-opus-4-5' }];
    expect((await put('chat_agent_anthropic', { ...configData, models })).body.configData.models).toEqual([
      { id: 'claude-haiku-4-5', isDefault: true },
      { id: 'claude-opus-4-5' },
    ]);
    const { timeoutMs: _default, ...routing } = (await get('routing_agent')).configData;
    expect((await put('routing_agent', routing)).body.configData).toEqual({ ...routing, timeoutMs: 2_000 });
  });

  describe('can be patched', () => {
    it('by merging objects, replacing arrays, and removing null values', async () => {
      const before = await get('artifact_agent_google');
      const set = await patch('artifact_agent_google', {
        budget: { daily: 1, monthly: 10 },
        parameters: { temperature: 0.5, topP: 0.9 },
        tools: ['createDocument'],
      });
      expect(set.status).toBe(200);
      expect(set.body.configData).toEqual({
        ...before.configData,
        budget: { daily: 1, monthly: 10 },
        parameters: { temperature: 0.5, topP: 0.9 },
        tools: ['createDocument'],
      });
      const removed = await patch('artifact_agent_google', {
        budget: { daily: null },
        parameters: null,
        capabilities: { thinking: true },
      });
      const { parameters: _removed, ...rest } = set.body.configData;
      expect(removed.body.configData).toEqual({
        ...rest,
        budget: { monthly: 10 },
        capabilities: { ...before.configData.capabilities, thinking: true },
      });
      expect(removed.body.version).toBe(before.version + 2);
      expect((await patch('artifact_agent_google', {})).body).toEqual(removed.body);
    });

    it('also with its own media type, which no other route accepts', async () => {
      const headers = { 'content-type': 'application/merge-patch+json' };
      const send = (method: string, path: string, body: unknown) =>
        app.request(method, path, { user: admin, headers, body });
      const body = { configData: { parameters: { topK: 7 } } };
      const patched = await send('PATCH', '/api/admin/config/artifact_agent_openai', body);
      expect(patched.status).toBe(200);
      expect(patched.body.configData.parameters.topK).toBe(7);
      const broken = await send('PATCH', '/api/admin/config/artifact_agent_openai', '{"configData": ');
      expectProblem(broken, 400, 'validation_failed');
      expectProblem(
        await send('PUT', '/api/admin/config/artifact_agent_openai', body),
        415,
        'unsupported_media_type',
      );
      expectProblem(await send('POST', '/api/chats', {}), 415, 'unsupported_media_type');
    });

    it.each([
      [{ systemPrompt: null }, 'configData.systemPrompt', 'is required'],
      [null, 'configData', 'must be an object'],
      [[], 'configData', 'must be an object'],
      [{ rateLimit: { hourly: null } }, 'configData.rateLimit.hourly', 'is required'],
      [{ models: { id: 'gpt-5' } }, 'configData.models', 'must be an array'],
      [{ constructor: {} }, 'configData.constructor', 'is not a known field'],
    ])('only if the result is valid: %j', async (configData, path, message) => {
      const before = await get('chat_agent_openai');
      const response = await patch('chat_agent_openai', configData);
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([{ path, message }]);
      expect(await get('chat_agent_openai')).toEqual(before);
    });
  });

  it.each(['PUT', 'PATCH'])('requires a valid body: %s', async (method) => {
    const send = (body: unknown) =>
      app.request(method, '/api/admin/config/app_settings', { user: admin, body });
    const missing = await send({});
    expectProblem(missing, 400, 'validation_failed');
    expect(missing.body.errors).toEqual([{ path: 'configData', message: 'is required' }]);
    for (const body of ['[]', '"text"', 'null', '{', '{"configData": {"__proto__": {}}}'])
      expectProblem(await send(body), 400, 'validation_failed');
  });
});
