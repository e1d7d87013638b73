import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createClient, type Session, type SupabaseClient } from '@supabase/supabase-js';
import { decodeProtectedHeader } from 'jose';
import { runMigrations } from '../../src/common/database/migrate.js';
import { createSupabaseDatabase, type SupabaseDatabase } from '../rls/supabase-database.js';
import { startTestApp, type TestApp, type TestResponse } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { expectProblem } from '../support/expectations.js';
import { startSupabaseAuth, type SupabaseAuth } from './supabase-auth.js';

const run = promisify(execFile);
const PASSWORD = 'correct-horse-battery';

/** A person with an unmodified client of their own. */
interface Person {
  id: string;
  email: string;
  client: SupabaseClient;
  session: Session;
}

describe('Supabase Auth', () => {
  let auth: SupabaseAuth;
  let database: SupabaseDatabase;
  let app: TestApp;
  let service: SupabaseClient;
  let people = 0;

  beforeAll(async () => {
    // As on hosted Supabase: the auth server creates its schema first, and the operator does not own it.
    database = await createSupabaseDatabase(async (empty) => {
      auth = await startSupabaseAuth(empty);
    });
    await runMigrations({ url: database.operatorUrl });
    app = await startTestApp({
      DATABASE_URL: database.operatorUrl,
      SUPABASE_URL: auth.url,
      SUPABASE_SECRET_KEY: auth.secretKey,
      SUPABASE_JWT_SECRET: '',
      DEMO_MODEL: 'true',
    });
    service = newClient(auth.secretKey);
  });

  afterAll(async () => {
    await app?.close();
    await auth?.close();
    await database?.drop();
  });

  const newClient = (key = 'publishable') =>
    createClient(auth.url, key, { auth: { persistSession: false, autoRefreshToken: false } });
  const me = (token: string, method = 'GET', path = '/api/me', body?: object): Promise<TestResponse> =>
    app.request(method, path, { headers: { authorization: `Bearer ${token}` }, body });

  async function signUp(data: object = {}): Promise<Person> {
    const email = `person-${++people}@example.com`;
    const client = newClient();
    const { data: answer, error } = await client.auth.signUp({
      email,
      password: PASSWORD,
      options: { data },
    });
    if (error || !answer.session) throw error ?? new Error('There is no session.');
    return { id: answer.session.user.id, email, client, session: answer.session };
  }

  async function signUpAdmin(): Promise<Person> {
    const person = await signUp();
    const command = ['dist/src/modules/users/cli/user-role.js', person.email, 'admin'];
    await run(process.execPath, command, { env: { DATABASE_URL: database.operatorUrl } });
    return person;
  }

  it('signs users up, with tokens that the server verifies by the published key', async () => {
    const { session, id, email } = await signUp({ settings: { theme: 'dark' } });
    expect(decodeProtectedHeader(session.access_token)).toMatchObject({ alg: 'ES256' });
    const { status, body } = await me(session.access_token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, email, role: 'user', settings: { theme: 'dark' } });
  });

  it('refreshes and ends sessions', async () => {
    const { client, session } = await signUp();
    const { data, error } = await client.auth.refreshSession({ refresh_token: session.refresh_token });
    expect(error).toBeNull();
    expect(data.session?.access_token).not.toBe(session.access_token);
    expect((await me(data.session?.access_token ?? '')).status).toBe(200);
    expect((await client.auth.signOut()).error).toBeNull();
    expect((await client.auth.refreshSession(data.session ?? undefined)).error).not.toBeNull();
  });

  it('does not let anybody make themselves an administrator, or active again', async () => {
    const { client, session, id } = await signUp({ role: 'admin', isActive: true });
    expect((await me(session.access_token)).body.role).toBe('user');
    const { data, error } = await client.auth.updateUser({
      data: { role: 'admin', isActive: false, settings: { theme: 'light' } },
    });
    expect(error).toBeNull();
    expect(data.user?.user_metadata).toMatchObject({ settings: { theme: 'light' } });
    // The change reaches the server as a notification.
    const after = await eventually(async () => {
      const { body } = await me(session.access_token);
      return body.settings.theme === 'light' && body;
    });
    expect(after.role).toBe('user');
    expectProblem(await me(session.access_token, 'GET', '/api/admin/users'), 403, 'forbidden');
    const [row] = await database.query(`select raw_app_meta_data as app from auth.users where id = $1`, [id]);
    expect(row.app).toMatchObject({ role: 'user', isActive: true, provider: 'email', providers: ['email'] });
  });

  it('keeps the role when the password or the address changes', async () => {
    const { client, session, email, id } = await signUpAdmin();
    expect((await client.auth.updateUser({ password: `${PASSWORD}-2` })).error).toBeNull();
    // Without the confirmation by mail.
    expect((await service.auth.admin.updateUserById(id, { email: `new-${email}` })).error).toBeNull();
    const after = await eventually(async () => {
      const { body } = await me(session.access_token);
      return body.email === `new-${email}` && body;
    });
    expect(after.role).toBe('admin');
    const credentials = { email: `new-${email}`, password: `${PASSWORD}-2` };
    const again = await newClient().auth.signInWithPassword(credentials);
    expect(again.data.user?.user_metadata).toMatchObject({ role: 'admin', isActive: true });
  });

  it('changes roles, deactivates and activates for an administrator', async () => {
    const admin = await signUpAdmin();
    const person = await signUp();
    const path = `/api/admin/users/${person.id}`;
    const change = (body: object) => me(admin.session.access_token, 'PATCH', path, body);

    expect((await change({ role: 'admin' })).body).toMatchObject({ role: 'admin' });
    expect((await me(person.session.access_token)).body.role).toBe('admin');
    expect((await change({ role: 'user' })).body).toMatchObject({ role: 'user' });

    expect((await change({ isActive: false })).body).toMatchObject({ isActive: false });
    expectProblem(await me(person.session.access_token), 403, 'user_inactive');
    const credentials = { email: person.email, password: PASSWORD };
    expect((await newClient().auth.signInWithPassword(credentials)).error?.code).toBe('user_banned');
    expect((await person.client.auth.refreshSession()).error).not.toBeNull();

    expect((await change({ isActive: true })).body).toMatchObject({ isActive: true });
    const { data } = await newClient().auth.signInWithPassword(credentials);
    expect((await me(data.session?.access_token ?? '')).status).toBe(200);
  });

  it('creates and promotes users through its own Admin API', async () => {
    const email = `made-${++people}@example.com`;
    const made = await service.auth.admin.createUser({
      email,
      password: PASSWORD,
      email_confirm: true,
      app_metadata: { role: 'admin' },
      user_metadata: { role: 'user', name: 'Made' },
    });
    expect(made.error).toBeNull();
    const { data } = await newClient().auth.signInWithPassword({ email, password: PASSWORD });
    const token = data.session?.access_token ?? '';
    expect((await me(token)).body.role).toBe('admin');
    const id = made.data.user?.id ?? '';
    const changed = await service.auth.admin.updateUserById(id, { app_metadata: { role: 'user' } });
    expect(changed.data.user?.app_metadata).toMatchObject({ role: 'user' });
    expect(await eventually(async () => (await me(token)).body.role === 'user')).toBe(true);
  });

  it('forgets deleted users, and all that was theirs', async () => {
    const admin = await signUpAdmin();
    const person = await signUp();
    const said = await me(person.session.access_token, 'POST', '/api/chat', {
      id: 'their-chat',
      message: { id: 'm1', role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
    });
    expect(said.status).toBe(200);
    const chats = async () =>
      (await database.query('select from chat where user_id = $1', [person.id])).length;
    expect(await chats()).toBe(1);
    const removed = await me(admin.session.access_token, 'DELETE', `/api/admin/users/${person.id}`);
    expect(removed.status).toBe(204);
    expect((await service.auth.admin.getUserById(person.id)).error?.status).toBe(404);
    expectProblem(await me(person.session.access_token), 401, 'unauthenticated');
    expect(await chats()).toBe(0);
    const again = await newClient().auth.signInWithPassword({ email: person.email, password: PASSWORD });
    expect(again.error?.code).toBe('invalid_credentials');
  });

  it('refuses users that it deleted softly, or banned itself', async () => {
    const [deleted, banned] = [await signUp(), await signUp()];
    expect((await service.auth.admin.deleteUser(deleted.id, true)).error).toBeNull();
    const ban = await service.auth.admin.updateUserById(banned.id, { ban_duration: '1h' });
    expect(ban.error).toBeNull();
    for (const { session } of [deleted, banned]) {
      expectProblem(await me(session.access_token), 403, 'user_inactive');
    }
  });

  it('signs in anonymous users, who have no address', async () => {
    const { data, error } = await newClient().auth.signInAnonymously();
    expect(error).toBeNull();
    const { status, body } = await me(data.session?.access_token ?? '');
    expect(status).toBe(200);
    expect(body).toMatchObject({ role: 'user', email: null });
  });

  it('has logged no error of the database', () => {
    expect(auth.output()).not.toMatch(/permission denied|SQLSTATE|unhandled/i);
  });
});
