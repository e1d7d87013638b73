import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { apply } from '../../src/upgrade-legacy/upgrade.js';
import { EmbeddedServer } from '../support/embedded-server.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { freePort } from '../support/free-port.js';
import { TEST_JWT_SECRET } from '../support/tokens.js';
import { LegacyRows, PASSWORD, type Rows } from './legacy-rows.js';
import { createLegacyTables } from './legacy-schema.js';
import { OPTIONS, withClient } from './upgrade.js';

interface Answer {
  status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert its shape
  body: any;
}

describe('people of the old chatbot, at the embedded auth server', () => {
  let server: EmbeddedServer;
  let ids: Rows;

  beforeAll(async () => {
    server = await EmbeddedServer.start();
    const { databasePassword, port } = server.secrets;
    const url = `postgresql://postgres:${databasePassword}@127.0.0.1:${port}/postgres`;
    const runner = {
      query: (sql: string, values?: unknown[]) => server.query<never>(sql, values),
    };
    await runner.query('create schema chatbot');
    await createLegacyTables(runner, '0008', 'chatbot');
    ids = await new LegacyRows(runner, '0008', 'chatbot').fill();
    await withClient(url, (client) => apply(client, url, { ...OPTIONS, schema: 'chatbot' }));
  }, 120_000);

  afterAll(() => server?.stop());

  it('sign in with their old passwords, and see their chats', async () => {
    const { status, body } = await server.signIn('Ann@Example.com', PASSWORD);
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ id: ids.ann, email: 'ann@example.com' });
    const chats = await server.request('GET', '/api/chats?limit=100', { token: body.access_token });
    expect(chats.body.items.map(({ id }: { id: string }) => id)).toContain(ids.chat);
    const refreshed = await server.refresh(body.refresh_token);
    expect(refreshed.status).toBe(200);
    const duplicate = await server.signIn(`duplicate-${ids.annAgain}@legacy.invalid`, PASSWORD);
    expect(duplicate.body.user).toMatchObject({ id: ids.annAgain });
  });

  it('are refused with another password, or without one', async () => {
    for (const email of ['ann@example.com', 'bob@example.com', 'root', 'guest-1735689600000']) {
      for (const password of ['', 'another password', 'no hash at all']) {
        expect([email, password, (await server.signIn(email, password)).status]).toEqual([
          email,
          password,
          400,
        ]);
      }
    }
  });
});

/**
 * Supabase's own auth server, if it is available: `SUPABASE_AUTH_BINARY` is the path of the program, and
 * `SUPABASE_AUTH_MIGRATIONS` is the folder of its migrations. It is built from its source with Go.
 */
const BINARY = process.env['SUPABASE_AUTH_BINARY'] ?? '';
const MIGRATIONS = process.env['SUPABASE_AUTH_MIGRATIONS'] ?? '';
const isAtHand = existsSync(BINARY) && existsSync(MIGRATIONS);

(isAtHand ? describe : describe.skip)("people of the old chatbot, at Supabase's own auth server", () => {
  let database: TestDatabase;
  let server: ChildProcess;
  let url: string;
  let ids: Rows;
  let log = '';

  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false });
    await database.query(`
      do $do$ begin
        if to_regrole('anon') is null then create role anon nologin; end if;
        if to_regrole('authenticated') is null then create role authenticated nologin; end if;
        if to_regrole('service_role') is null then create role service_role nologin bypassrls; end if;
      end $do$;
      create schema auth authorization supabase_auth_admin;
      grant usage on schema auth to anon, authenticated, service_role`);
    await database.query(
      `do $do$ begin execute format('grant create on database %I to supabase_auth_admin', current_database()); end $do$`,
    );
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const auth = new URL(database.url);
    auth.username = 'supabase_auth_admin';
    auth.searchParams.set('search_path', 'auth');
    auth.searchParams.set('sslmode', 'disable');
    const environment = {
      GOTRUE_DB_DRIVER: 'postgres',
      DB_NAMESPACE: 'auth',
      GOTRUE_DB_DATABASE_URL: auth.href,
      DATABASE_URL: auth.href,
      GOTRUE_DB_MIGRATIONS_PATH: MIGRATIONS,
      API_EXTERNAL_URL: url,
      GOTRUE_SITE_URL: url,
      GOTRUE_API_HOST: '127.0.0.1',
      PORT: String(port),
      GOTRUE_JWT_SECRET: TEST_JWT_SECRET,
      GOTRUE_JWT_AUD: 'authenticated',
      GOTRUE_JWT_EXP: '3600',
      GOTRUE_JWT_DEFAULT_GROUP_NAME: 'authenticated',
      GOTRUE_JWT_ADMIN_ROLES: 'service_role',
      GOTRUE_EXTERNAL_EMAIL_ENABLED: 'true',
      GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED: 'true',
      GOTRUE_MAILER_AUTOCONFIRM: 'true',
      GOTRUE_RATE_LIMIT_EMAIL_SENT: '1000',
    };
    execFileSync(BINARY, ['migrate'], { env: environment, cwd: '/tmp', stdio: 'ignore' });
    server = spawn(BINARY, ['serve'], { env: environment, cwd: '/tmp', stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [server.stdout!, server.stderr!])
      stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await untilHealthy();
    await createLegacyTables(database, 'squashed');
    ids = await new LegacyRows(database, 'squashed').fill();
    await withClient(database.url, (client) => apply(client, database.url, OPTIONS));
  }, 120_000);

  afterAll(async () => {
    server?.kill('SIGKILL');
    await database?.drop();
  });

  async function untilHealthy(): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt++) {
      if (server.exitCode !== null) break;
      const isHealthy = await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isHealthy) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the auth server did not start:\n${log.slice(-2_000)}`);
  }

  async function post(path: string, body: object, token?: string, method = 'POST'): Promise<Answer> {
    const response = await fetch(`${url}/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  const signIn = (email: string, password: string) => post('token?grant_type=password', { email, password });

  it('sign in with their old passwords', async () => {
    const { status, body } = await signIn('ANN@example.com', PASSWORD);
    expect([status, body.user?.id]).toEqual([200, ids.ann]);
    expect(body.user).toMatchObject({
      email: 'ann@example.com',
      is_anonymous: false,
      app_metadata: { provider: 'email', providers: ['email'], role: 'user' },
      user_metadata: { name: 'Ann "🦉" O\'Hara', role: 'user', isActive: true },
      identities: [{ provider: 'email', identity_data: { email: 'ann@example.com', email_verified: true } }],
    });
    const refreshed = await post('token?grant_type=refresh_token', { refresh_token: body.refresh_token });
    expect(refreshed.status).toBe(200);
    expect((await post('user', {}, body.access_token, 'GET')).body.id).toBe(ids.ann);
    const changed = await post('user', { password: 'a new password, then' }, body.access_token, 'PUT');
    expect(changed.status).toBe(200);
    expect((await signIn('ann@example.com', 'a new password, then')).status).toBe(200);
    expect((await signIn('ann@example.com', PASSWORD)).status).toBe(400);
    const duplicate = await signIn(`duplicate-${ids.annAgain}@legacy.invalid`, PASSWORD);
    expect([duplicate.status, duplicate.body.user?.id]).toEqual([200, ids.annAgain]);
  });

  it('are refused with another password, or without one', async () => {
    for (const email of ['ann@example.com', 'bob@example.com', 'root']) {
      for (const password of ['another password', 'no hash at all']) {
        expect([email, (await signIn(email, password)).status]).toEqual([email, 400]);
      }
    }
  });

  it('can ask for a new password, and keep their address secret', async () => {
    const { status, body } = await post('signup', {
      email: 'Ann@example.com',
      password: 'somebody else here',
    });
    expect([status, body.id === ids.ann || body.user?.id === ids.ann]).toEqual([422, false]);
  });
});
