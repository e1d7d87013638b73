import { randomUUID } from 'node:crypto';
import { startSupabaseApp } from '../support/admin-app.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { expectProblem } from '../support/expectations.js';
import { type ServerProcess, startServerProcess } from '../support/server-process.js';
import { signToken, TEST_JWT_SECRET } from '../support/tokens.js';

/** Behavior that must be the same for both ways of changing users. */
describe.each([
  ['by SQL', () => startTestApp()],
  ['through the Supabase Admin API', () => startSupabaseApp()],
])('the administration of users, %s', (_way, start) => {
  let app: TestApp;
  /** Another instance on the same database, in its own process. */
  let second: ServerProcess;
  let admin: TestUser;

  beforeAll(async () => {
    app = await start();
    second = await startServerProcess({
      DATABASE_URL: app.database.url,
      SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
      THROTTLE_LIMIT: '0',
    });
    admin = await app.createUser({ role: 'admin' });
  });

  afterAll(async () => {
    await second?.stop();
    await app?.close();
  });

  const patch = (id: string, body: unknown, user = admin) =>
    app.request('PATCH', `/api/admin/users/${id}`, { user, body });
  const remove = (id: string, user = admin) => app.request('DELETE', `/api/admin/users/${id}`, { user });
  const auditOf = async (target: string) => {
    const { body } = await app.request('GET', '/api/admin/audit?action=user&limit=100', { user: admin });
    return body.items
      .filter((entry: { target: string }) => entry.target === target)
      .map(({ actor, action, details }: Record<string, unknown>) => ({ actor, action, details }));
  };
  /** Waits until both instances return this, with the old token. */
  const everywhere = (
    user: TestUser,
    check: (response: { status: number; body: { role?: string } }) => boolean,
  ) =>
    eventually(async () => {
      const { headers } = user;
      const elsewhere = await fetch(`${second.url}/api/me`, { headers });
      const responses = [
        await app.request('GET', '/api/me', { user }),
        { status: elsewhere.status, body: (await elsewhere.json()) as { role?: string } },
      ];
      return responses.every(check);
    });

  it('changes a role, which applies on every instance immediately, and in the next token', async () => {
    const user = await app.createUser();
    await everywhere(user, ({ body }) => body.role === 'user');
    const { status, body } = await patch(user.id, { role: 'admin' });
    expect(status).toBe(200);
    expect(body).toEqual({
      id: user.id,
      email: user.email,
      name: null,
      role: 'admin',
      isActive: true,
      bannedUntil: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      lastSignInAt: null,
      chats: 0,
    });
    // The instance that made the change does not wait for the notification.
    expect((await app.request('GET', '/api/admin/users', { user })).status).toBe(200);
    await everywhere(user, (response) => response.body.role === 'admin');
    const [row] = await app.database.query(
      'select raw_app_meta_data as app, raw_user_meta_data as own from auth.users where id = $1',
      [user.id],
    );
    expect(row).toMatchObject({ app: { role: 'admin' }, own: { role: 'admin' } });

    expect((await patch(user.id, { role: 'user' })).body.role).toBe('user');
    expectProblem(await app.request('GET', '/api/admin/users', { user }), 403, 'forbidden');
    await everywhere(user, (response) => response.body.role === 'user');
    expect(await auditOf(user.id)).toEqual([
      {
        actor: admin.id,
        action: 'user.updated',
        details: { before: { role: 'admin' }, after: { role: 'user' } },
      },
      {
        actor: admin.id,
        action: 'user.updated',
        details: { before: { role: 'user' }, after: { role: 'admin' } },
      },
    ]);
  });

  it('applies on the instance that made the change even without notifications', async () => {
    const user = await app.createUser();
    await patch(user.id, { role: 'admin' });
    await everywhere(user, ({ body }) => body.role === 'admin');
    await app.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'switchboard-listener'`,
    );
    expect((await patch(user.id, { role: 'user' })).status).toBe(200);
    expectProblem(await app.request('GET', '/api/admin/users', { user }), 403, 'forbidden');
    expect((await remove(user.id)).status).toBe(204);
    expectProblem(await app.request('GET', '/api/me', { user }), 401, 'unauthenticated');
    await everywhere(user, ({ status }) => status === 401);
  });

  it('deactivates and reactivates, and keeps the settings', async () => {
    const user = await app.createUser({ settings: { theme: 'dark' } });
    expect((await patch(user.id, { isActive: false })).body).toMatchObject({ isActive: false, role: 'user' });
    await everywhere(user, ({ status }) => status === 403);
    expectProblem(await app.request('GET', '/api/me', { user }), 403, 'user_inactive');
    const isBanned = `select banned_until > now() + interval '1 year' as banned from auth.users where id = $1`;
    expect(await app.database.query(isBanned, [user.id])).toEqual([{ banned: true }]);
    expect((await patch(user.id, { isActive: true, role: 'admin' })).body).toMatchObject({
      bannedUntil: null,
      isActive: true,
      role: 'admin',
    });
    await everywhere(user, ({ status }) => status === 200);
    const { body } = await app.request('GET', '/api/me', { user });
    expect(body).toMatchObject({ role: 'admin', settings: { theme: 'dark' } });
    await patch(user.id, { role: 'user' });
    expect((await auditOf(user.id)).slice(1)).toEqual([
      {
        actor: admin.id,
        action: 'user.updated',
        details: { before: { role: 'user', isActive: false }, after: { role: 'admin', isActive: true } },
      },
      {
        actor: admin.id,
        action: 'user.updated',
        details: { before: { isActive: true }, after: { isActive: false } },
      },
    ]);
  });

  it('records only what has changed', async () => {
    const user = await app.createUser();
    expect((await patch(user.id, { role: 'user', isActive: true })).status).toBe(200);
    expect(await auditOf(user.id)).toEqual([]);
    await patch(user.id, { role: 'user', isActive: false });
    expect(await auditOf(user.id)).toMatchObject([
      { details: { before: { isActive: true }, after: { isActive: false } } },
    ]);
  });

  it('deletes immediately and permanently; the audit log still names both users', async () => {
    const former = await app.createUser({ role: 'admin' });
    const user = await app.createUser();
    await everywhere(user, ({ status }) => status === 200);
    const gone = await remove(user.id, former);
    expect([gone.status, gone.text]).toEqual([204, '']);
    await everywhere(user, ({ status }) => status === 401);
    expectProblem(await remove(user.id), 404, 'not_found');
    expectProblem(await patch(user.id, { role: 'admin' }), 404, 'not_found');
    expectProblem(await app.request('GET', `/api/admin/users/${user.id}`, { user: admin }), 404, 'not_found');
    expect((await remove(former.id)).status).toBe(204);
    expect(await auditOf(user.id)).toEqual([
      { actor: former.id, action: 'user.deleted', details: { before: { role: 'user', isActive: true } } },
    ]);
    expect(await auditOf(former.id)).toEqual([
      { actor: admin.id, action: 'user.deleted', details: { before: { role: 'admin', isActive: true } } },
    ]);
  });

  const wrong: Array<[string, unknown, string[]]> = [
    ['nothing', {}, ['role', 'isActive']],
    ['an unknown role', { role: 'root' }, ['role']],
    ['an array of roles', { role: ['admin'] }, ['role']],
    ['null for a role', { role: null }, ['role']],
    ['text for activity', { isActive: 'false' }, ['isActive']],
    ['null for activity', { isActive: null }, ['isActive']],
    ['an unknown field', { role: 'user', email: 'a@example.com' }, ['email']],
    ['metadata', { app_metadata: { role: 'admin' } }, ['app_metadata']],
  ];

  it.each(wrong)('refuses %s, and names the field', async (_what, body, paths) => {
    const user = await app.createUser();
    const response = await patch(user.id, body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map(({ path }: { path: string }) => path)).toEqual(paths);
    expect((await app.request('GET', '/api/me', { user })).body).toMatchObject({
      role: 'user',
      isActive: true,
    });
    expect(await auditOf(user.id)).toEqual([]);
  });

  it.each(['me', '1', "'", '%00', `${randomUUID()}x`])('refuses the id %s', async (id) => {
    for (const response of [
      await patch(id, { role: 'user' }),
      await remove(id),
      await app.request('GET', `/api/admin/users/${id}`, { user: admin }),
    ]) {
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors[0].path).toMatch(/^(params\.)?id$/);
    }
  });

  it('answers 404 for an unknown user', async () => {
    expectProblem(await patch(randomUUID(), { isActive: false }), 404, 'not_found');
    expectProblem(await remove(randomUUID()), 404, 'not_found');
  });

  it('is only for administrators, whatever a token says', async () => {
    const user = await app.createUser();
    const forged = await signToken(user.id, { userMetadata: { role: 'admin', isActive: true } });
    const inactive = await app.createUser({ role: 'admin', isActive: false });
    const paths: Array<[string, string, unknown?]> = [
      ['GET', '/api/admin/users'],
      ['GET', `/api/admin/users/${user.id}`],
      ['PATCH', `/api/admin/users/${user.id}`, { role: 'admin' }],
      ['DELETE', `/api/admin/users/${admin.id}`],
    ];
    for (const [method, path, body] of paths) {
      expectProblem(await app.request(method, path, { body }), 401, 'unauthenticated');
      expectProblem(await app.request(method, path, { body, user }), 403, 'forbidden');
      const headers = { authorization: `Bearer ${forged}` };
      expectProblem(await app.request(method, path, { body, headers }), 403, 'forbidden');
      expectProblem(await app.request(method, path, { body, user: inactive }), 403, 'user_inactive');
    }
    expect((await app.request('GET', '/api/me', { user })).body.role).toBe('user');
  });
});
