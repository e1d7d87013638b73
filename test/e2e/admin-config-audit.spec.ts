import { AuditService } from '../../src/modules/audit/audit.service.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';

describe('the audit log', () => {
  let app: TestApp;
  let admin: TestUser;
  let second: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
    second = await app.createUser({ role: 'admin' });
    const send = (user: TestUser, method: string, path: string, body?: object) =>
      app.request(method, `/api/admin/config/${path}`, { user, body });
    await send(admin, 'PATCH', 'chat_agent_openai', {
      configData: { enabled: false, systemPrompt: 'Brief' },
    });
    await send(second, 'POST', 'chat_agent_openai/rollback', { version: 1 });
    await send(second, 'DELETE', 'routing_agent');
    await app.database.query(
      `update admin_config set config_data = config_data || '{"budget": {"daily": 1}}' where config_key = 'chat_agent_google'`,
    );
    await app.app.get(AuditService).record({
      actor: admin.id,
      action: 'user.updated',
      target: second.id,
      details: { before: { role: 'user' }, after: { role: 'admin' } },
    });
    // A refused change must not be recorded.
    await send(second, 'DELETE', 'app_settings');
    await send(second, 'PATCH', 'chat_agent_google', { configData: { enabled: 'no' } });
  });

  afterAll(() => app.close());

  const list = async (query = '') => {
    const { status, body } = await app.request('GET', `/api/admin/audit${query}`, { user: admin });
    expect(status).toBe(200);
    return body.items;
  };

  it('shows who did what, newest first', async () => {
    const items = await list();
    expect(items).toEqual(
      [
        {
          actor: admin.id,
          action: 'user.updated',
          target: second.id,
          details: { before: { role: 'user' }, after: { role: 'admin' } },
        },
        {
          actor: null,
          action: 'config.updated',
          target: 'chat_agent_google',
          details: { version: 2, changed: ['budget'] },
        },
        {
          actor: second.id,
          action: 'config.deleted',
          target: 'routing_agent',
          details: { version: 2, changed: ['enabled', 'models', 'systemPrompt', 'timeoutMs'] },
        },
        {
          actor: second.id,
          action: 'config.rolled_back',
          target: 'chat_agent_openai',
          details: { version: 3, restoredVersion: 1, changed: ['enabled', 'systemPrompt'] },
        },
        {
          actor: admin.id,
          action: 'config.updated',
          target: 'chat_agent_openai',
          details: { version: 2, changed: ['enabled', 'systemPrompt'] },
        },
      ].map((entry) => ({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        ...entry,
      })),
    );
  });

  it('is filtered by user and by action', async () => {
    const actions = async (query: string) =>
      (await list(query)).map(({ action }: { action: string }) => action);
    expect(await actions(`?actor=${second.id}`)).toEqual(['config.deleted', 'config.rolled_back']);
    expect(await actions(`?actor=${admin.id}&action=config.updated`)).toEqual(['config.updated']);
    expect(await actions('?action=config')).toEqual([
      'config.updated',
      'config.deleted',
      'config.rolled_back',
      'config.updated',
    ]);
    expect(await actions('?action=user')).toEqual(['user.updated']);
    expect(await actions('?action=conf')).toEqual([]);
    expect(await actions('?actor=00000000-0000-4000-8000-000000000000')).toEqual([]);
  });

  it('comes in pages', async () => {
    const pages = await readAllPages(app, admin, '/api/admin/audit?limit=2');
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(await list());
    const filtered = await readAllPages(app, admin, '/api/admin/audit?limit=3&action=config');
    expect(filtered.map((page) => page.length)).toEqual([3, 1]);
  });

  it.each(['actor=me', "action=config'", 'action=', 'cursor=x', 'limit=0', 'target=x'])(
    'refuses ?%s',
    async (query) => {
      const response = await app.request('GET', `/api/admin/audit?${query}`, { user: admin });
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors.map(({ path }: { path: string }) => path)).toEqual([query.split('=')[0]]);
    },
  );

  it('is only for administrators', async () => {
    expectProblem(await app.request('GET', '/api/admin/audit'), 401, 'unauthenticated');
    const user = await app.createUser();
    expectProblem(await app.request('GET', '/api/admin/audit', { user }), 403, 'forbidden');
  });

  it('still names deleted users', async () => {
    const former = await app.createUser({ role: 'admin' });
    await app.request('PATCH', '/api/admin/config/git_mcp_agent_google', {
      user: former,
      body: { configData: { enabled: false } },
    });
    await app.database.query('delete from auth.users where id = $1', [former.id]);
    expect(await list(`?actor=${former.id}`)).toHaveLength(1);
  });
});
