import { expectProblem, readAllPages } from '../support/expectations.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';

describe('versions of the configuration', () => {
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

  describe('refuses a change that is based on an older version', () => {
    it('with PUT, PATCH, DELETE and rollback', async () => {
      const { version, configData } = await get('git_mcp_agent_openai');
      const next = { ...configData, systemPrompt: 'Read before you answer.' };
      expect((await put('git_mcp_agent_openai', next, { version })).status).toBe(200);
      const late = [
        await put('git_mcp_agent_openai', configData, { version }),
        await put('git_mcp_agent_openai', configData, { ifMatch: `"${version}"` }),
        await patch('git_mcp_agent_openai', { enabled: false }, version),
        await app.request('DELETE', '/api/admin/config/git_mcp_agent_openai', {
          user: admin,
          headers: { 'if-match': `"${version}"` },
        }),
        await app.request('POST', '/api/admin/config/git_mcp_agent_openai/rollback', {
          user: admin,
          body: { version },
          headers: { 'if-match': `W/"${version}"` },
        }),
      ];
      for (const response of late) {
        expectProblem(response, 409, 'version_conflict');
        expect(response.body.detail).toContain(`version ${version + 1}`);
      }
      expect((await get('git_mcp_agent_openai')).configData).toEqual(next);
      const right = await put('git_mcp_agent_openai', configData, { ifMatch: `"${version + 1}"` });
      expect(right.body.version).toBe(version + 2);
      expect((await put('git_mcp_agent_openai', next, { ifMatch: '*' })).status).toBe(200);
    });

    it('so that of several concurrent changes exactly one is made', async () => {
      const { version } = await get('git_mcp_agent_anthropic');
      const responses = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          patch('git_mcp_agent_anthropic', { systemPrompt: `Prompt ${index}` }, version),
        ),
      );
      expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(409)]);
      expect((await get('git_mcp_agent_anthropic')).version).toBe(version + 1);
    });

    it.each([
      [{ version: 0 }, {}, 'version'],
      [{ version: '1' }, {}, 'version'],
      [{ version: 1.5 }, {}, 'version'],
      [{ version: null }, {}, 'version'],
      [{}, { 'if-match': 'abc' }, 'headers.if-match'],
      [{ version: 1 }, { 'if-match': '"2"' }, 'version'],
      [{ unknown: 1 }, {}, 'unknown'],
    ])('and an invalid version: %j %j', async (fields, headers, path) => {
      const { configData } = await get('app_settings');
      const response = await app.request('PUT', '/api/admin/config/app_settings', {
        user: admin,
        body: { configData, ...fields },
        headers,
      });
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
    });
  });

  describe('keeps its history', () => {
    it('of all changes with user and time, in pages', async () => {
      const second = await app.createUser({ role: 'admin' });
      const first = await get('artifact_agent_anthropic');
      for (const topK of [1, 2, 3]) await patch('artifact_agent_anthropic', { parameters: { topK } });
      await app.request('PATCH', '/api/admin/config/artifact_agent_anthropic', {
        user: second,
        body: { configData: { parameters: { topK: 4 } } },
      });
      const path = '/api/admin/config/artifact_agent_anthropic/history';
      const pages = await readAllPages(app, admin, `${path}?limit=2`);
      expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
      const items = pages.flat();
      expect(items.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
      expect(items.map(({ action }) => action)).toEqual([...Array<string>(4).fill('updated'), 'created']);
      expect(items.map(({ changedBy }) => changedBy)).toEqual([
        second.id,
        admin.id,
        admin.id,
        admin.id,
        null,
      ]);
      expect(items.map(({ configData }) => configData.parameters.topK)).toEqual([4, 3, 2, 1, undefined]);
      expect(items[4]).toEqual({
        version: 1,
        action: 'created',
        configData: first.configData,
        restoredVersion: null,
        changedBy: null,
        changedAt: first.updatedAt,
      });
      for (const query of ['cursor=nonsense', 'cursor=QGFiYw', 'limit=x'])
        expectProblem(
          await app.request('GET', `${path}?${query}`, { user: admin }),
          400,
          'validation_failed',
        );
    });

    it('also of changes made outside of the API, with their author', async () => {
      await app.database.query(
        `update admin_config set config_data = config_data || '{"systemPrompt": "By hand"}'
          where config_key = 'git_mcp_agent_google'`,
      );
      const [byOperator] = await history('git_mcp_agent_google');
      expect(byOperator).toMatchObject({ version: 2, action: 'updated', changedBy: null });
      expect(await get('git_mcp_agent_google')).toMatchObject({ version: 2, updatedBy: null });
    });

    it('also of a deleted administrator', async () => {
      const gone = await app.createUser({ role: 'admin' });
      await app.request('PATCH', '/api/admin/config/chat_agent_openai', {
        user: gone,
        body: { configData: { parameters: { topK: 99 } } },
      });
      const before = await get('chat_agent_openai');
      expect(before.updatedBy).toBe(gone.id);
      await app.database.query('delete from auth.users where id = $1', [gone.id]);
      expect(await get('chat_agent_openai')).toMatchObject({ updatedBy: null, version: before.version });
      expect((await history('chat_agent_openai'))[0].changedBy).toBe(gone.id);
    });
  });

  describe('can be rolled back', () => {
    const rollback = (key: string, version: unknown) =>
      app.request('POST', `/api/admin/config/${key}/rollback`, { user: admin, body: { version } });

    it('to the data of a version, as a new one', async () => {
      const original = await get('artifact_agent_openai');
      await patch('artifact_agent_openai', { systemPrompt: 'Worse', budget: { daily: 3 } });
      const { status, body, headers } = await rollback('artifact_agent_openai', original.version);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        configKey: 'artifact_agent_openai',
        configData: original.configData,
        version: original.version + 2,
        updatedBy: admin.id,
      });
      expect(headers.get('etag')).toBe(`"${original.version + 2}"`);
      expect(await get('artifact_agent_openai')).toEqual(body);
      expect((await history('artifact_agent_openai'))[0]).toMatchObject({
        version: original.version + 2,
        action: 'rolled_back',
        restoredVersion: original.version,
        changedBy: admin.id,
      });
      // Without the setting, a write is not a rollback, on any connection.
      await patch('artifact_agent_openai', { systemPrompt: 'Better' });
      expect((await history('artifact_agent_openai'))[0]).toMatchObject({
        action: 'updated',
        restoredVersion: null,
      });
    });

    it('but not to data that no longer fits the rest', async () => {
      const version = (await get('app_settings')).version;
      await put('app_settings', { activeProvider: 'openai' });
      await patch('chat_agent_google', { enabled: false });
      const response = await rollback('app_settings', version);
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([
        {
          path: 'configData.activeProvider',
          message: 'must have an enabled chat agent; chat_agent_google is missing or disabled',
        },
      ]);
      await patch('chat_agent_google', { enabled: true });
      expect((await rollback('app_settings', version)).status).toBe(200);
    });

    it.each([
      [{ version: 999 }, 'version', 'is not a version of model_catalog'],
      [{ version: 0 }, 'version', 'must be a version: a positive integer'],
      [{ version: 'latest' }, 'version', 'must be a version: a positive integer'],
      [{}, 'version', 'is required'],
      [{ version: 1, force: true }, 'force', 'is not a known field'],
    ])('but not to %j', async (body, path, message) => {
      const response = await app.request('POST', '/api/admin/config/model_catalog/rollback', {
        user: admin,
        body,
      });
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([{ path, message }]);
    });
  });

  it('is deleted, and comes back with its history', async () => {
    const before = await get('routing_agent');
    const { status, text } = await app.request('DELETE', '/api/admin/config/routing_agent', { user: admin });
    expect([status, text]).toEqual([204, '']);
    const gone = before.version + 1;
    for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { configData: {} }]] as const)
      expectProblem(
        await app.request(method, '/api/admin/config/routing_agent', { user: admin, body }),
        404,
        'not_found',
      );
    expect((await history('routing_agent'))[0]).toMatchObject({
      version: gone,
      action: 'deleted',
      configData: null,
      changedBy: admin.id,
    });
    expectProblem(
      await put('routing_agent', before.configData, { version: before.version }),
      409,
      'version_conflict',
    );
    const back = await put('routing_agent', before.configData);
    expect(back.status).toBe(201);
    expect(back.body).toMatchObject({
      version: gone + 1,
      updatedBy: admin.id,
      configData: before.configData,
    });
    await app.request('DELETE', '/api/admin/config/routing_agent', { user: admin });
    const rollback = (version: number) =>
      app.request('POST', '/api/admin/config/routing_agent/rollback', { user: admin, body: { version } });
    expect((await rollback(gone)).body.errors).toEqual([
      { path: 'version', message: 'is the deletion of routing_agent; choose the version before it' },
    ]);
    const restored = await rollback(before.version);
    expect(restored.body).toMatchObject({ version: gone + 3, configData: before.configData });
    expect((await history('routing_agent')).map(({ action }: { action: string }) => action)).toEqual([
      'rolled_back',
      'deleted',
      'created',
      'deleted',
      ...Array<string>(before.version - 1).fill('updated'),
      'created',
    ]);
  });
});
