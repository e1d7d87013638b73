import pg from 'pg';
import type { AuthAdminDouble, Fault } from '../doubles/supabase/auth-admin-double.js';
import { SECRET_KEY, startSupabaseApp } from '../support/admin-app.js';
import type { TestApp, TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { expectProblem } from '../support/expectations.js';

const TIMEOUT = 400;
const LEGACY_KEY = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl';

describe('the Supabase Admin API', () => {
  let app: TestApp & { supabase: AuthAdminDouble };
  let admin: TestUser;
  let user: TestUser;

  beforeAll(async () => {
    app = await startSupabaseApp({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: String(TIMEOUT) });
    admin = await app.createUser({ role: 'admin' });
  });

  afterAll(() => app?.close());

  beforeEach(async () => {
    user = await app.createUser({ settings: { theme: 'dark' } });
    app.supabase.requests.length = 0;
  });

  const promote = () =>
    app.request('PATCH', `/api/admin/users/${user.id}`, { user: admin, body: { role: 'admin' } });
  const remove = () => app.request('DELETE', `/api/admin/users/${user.id}`, { user: admin });
  const roleOf = async (): Promise<string | undefined> => {
    const [row] = await app.database.query(
      `select raw_user_meta_data ->> 'role' as role from auth.users where id = $1`,
      [user.id],
    );
    return row?.role as string | undefined;
  };
  const audited = async (): Promise<string[]> => {
    const rows = await app.database.query(
      `select action from switchboard.audit_log where target = $1 order by created_at`,
      [user.id],
    );
    return rows.map(({ action }) => action as string);
  };

  it('is called with the key, and only for the change', async () => {
    expect((await promote()).status).toBe(200);
    expect((await remove()).status).toBe(204);
    const path = `/auth/v1/admin/users/${user.id}`;
    const key = { apikey: SECRET_KEY, authorization: undefined };
    expect(app.supabase.requests).toEqual([
      { line: `PUT ${path}`, ...key, body: { app_metadata: { role: 'admin' } } },
      { line: `GET ${path}`, ...key, body: undefined },
      { line: `DELETE ${path}`, ...key, body: { should_soft_delete: false } },
    ]);
    expect(app.log()).not.toContain(SECRET_KEY);
  });

  const failures: Array<[string, Fault, number, string, RegExp]> = [
    ['500', answer(500, 'unexpected_failure'), 502, 'upstream_error', /failed \(status 500\)/],
    ['503 that is no JSON', { status: 503, body: '<html>' }, 502, 'upstream_error', /status 503/],
    ['422', answer(422, 'validation_failed'), 502, 'upstream_error', /refused the change \(status 422\)/],
    ['401', answer(401, 'no_authorization'), 502, 'upstream_error', /secret key/],
    ['403', answer(403, 'not_admin'), 502, 'upstream_error', /secret key/],
    [
      '404 for one who is there',
      answer(404, 'user_not_found'),
      502,
      'upstream_error',
      /does not know this user/,
    ],
    ['429', answer(429, 'over_request_rate_limit'), 502, 'upstream_error', /limiting/],
    [
      'a redirection',
      { status: 307, body: '', headers: { location: 'http://127.0.0.1:9/' } },
      502,
      'upstream_error',
      /./,
    ],
    ['a broken connection', { reset: true }, 502, 'upstream_error', /cannot be reached/],
    ['success that is none', { status: 200, body: '{}' }, 502, 'upstream_error', /does not show it/],
    ['success that is no JSON', { status: 200, body: 'OK' }, 502, 'upstream_error', /./],
    ['silence', { hang: true }, 504, 'upstream_timeout', /did not respond in time/],
  ];

  it.each(failures)('fails with %s, and nothing has changed', async (_what, fault, status, code, detail) => {
    app.supabase.fail('PUT', fault);
    const refused = await promote();
    expectProblem(refused, status, code);
    expect(refused.body.detail).toMatch(detail);
    expect(refused.text).not.toContain('SECRET DETAIL');
    app.supabase.fail('DELETE', fault);
    const kept = await remove();
    expectProblem(kept, status, code);
    expect(kept.body.detail).toMatch(detail);
    expect(await roleOf()).toBe('user');
    expect(await audited()).toEqual([]);
    expect((await app.request('GET', '/api/me', { user })).status).toBe(200);
    // The next one works as usual.
    expect((await promote()).status).toBe(200);
    expect((await remove()).status).toBe(204);
    expect(await audited()).toEqual(['user.updated', 'user.deleted']);
  });

  const lost: Array<[string, Fault]> = [
    ['a connection that breaks', { reset: true, afterwards: true }],
    ['silence', { hang: true, afterwards: true }],
  ];

  it.each(lost)('has made the change if it responds with %s', async (_what, fault) => {
    app.supabase.fail('PUT', fault);
    expect((await promote()).body).toMatchObject({ role: 'admin' });
    app.supabase.fail('DELETE', fault);
    expect((await remove()).status).toBe(204);
    expect(await audited()).toEqual(['user.updated', 'user.deleted']);
  });

  it('is awaited if it is making the change and its response is late', async () => {
    const authServer = new pg.Client({
      connectionString: app.database.url,
      options: '-c role=supabase_auth_admin',
    });
    await authServer.connect();
    try {
      await authServer.query('begin');
      await authServer.query(
        `update auth.users set raw_app_meta_data = raw_app_meta_data || '{"role": "admin"}' where id = $1`,
        [user.id],
      );
      app.supabase.fail('PUT', { hang: true });
      const response = promote();
      await eventually(async () => {
        const rows = await app.database.query(
          `select from pg_stat_activity where datname = current_database() and query like '%for no key update%'
             and wait_event_type = 'Lock'`,
        );
        return rows.length > 0;
      });
      await authServer.query('commit');
      expect((await response).body).toMatchObject({ role: 'admin' });
      expect(await audited()).toEqual(['user.updated']);
    } finally {
      await authServer.end();
    }
  });

  it('is recorded even if the surrounding transaction cannot be ended', async () => {
    // Breaks the commit: a deferred check that refuses only the first entry.
    await app.database.query(`
      create sequence switchboard.test_commits;
      create function switchboard.test_break_commit() returns trigger language plpgsql as $fn$ begin
        if nextval('switchboard.test_commits') = 1 then raise exception 'the commit fails'; end if;
        return null;
      end $fn$;
      create constraint trigger test_break_commit after insert on switchboard.audit_log
        deferrable initially deferred for each row execute function switchboard.test_break_commit()`);
    try {
      expect((await promote()).body).toMatchObject({ role: 'admin' });
      expect(await audited()).toEqual(['user.updated']);
    } finally {
      await app.database.query('drop function switchboard.test_break_commit() cascade');
    }
  });

  it('is logged with all details if it cannot be recorded at all', async () => {
    await app.database.query(`
      create function switchboard.test_break_commit() returns trigger language plpgsql as $fn$ begin
        raise exception 'the commit fails';
      end $fn$;
      create constraint trigger test_break_commit after insert on switchboard.audit_log
        deferrable initially deferred for each row execute function switchboard.test_break_commit()`);
    try {
      expect((await promote()).body).toMatchObject({ role: 'admin' });
      expect(app.log()).toContain('could not be written to the audit log');
      expect(app.log()).toMatch(new RegExp(`"target":"${user.id}"`));
    } finally {
      await app.database.query('drop function switchboard.test_break_commit() cascade');
    }
  });
});

describe('other projects', () => {
  it('also get a key of the older kind as a token', async () => {
    const older = await startSupabaseApp({ SUPABASE_SECRET_KEY: LEGACY_KEY });
    try {
      const [actor, target] = [await older.createUser({ role: 'admin' }), await older.createUser()];
      const body = { isActive: false };
      const { status } = await older.request('PATCH', `/api/admin/users/${target.id}`, { user: actor, body });
      expect(status).toBe(200);
      expect(older.supabase.requests).toMatchObject([
        { apikey: LEGACY_KEY, authorization: `Bearer ${LEGACY_KEY}` },
      ]);
    } finally {
      await older.close();
    }
  });

  it('use at most one connection, however slow their auth server is', async () => {
    const slow = await startSupabaseApp({ DATABASE_POOL_SIZE: '2' });
    try {
      const actor = await slow.createUser({ role: 'admin' });
      const targets = await Promise.all(Array.from({ length: 6 }, () => slow.createUser()));
      slow.supabase.fail('PUT', { hold: true });
      const changes = targets.map(({ id }) =>
        slow
          .request('PATCH', `/api/admin/users/${id}`, { user: actor, body: { role: 'admin' } })
          .then(({ status }) => status),
      );
      await eventually(() => Promise.resolve(slow.supabase.requests.length === 1));
      for (const target of targets) {
        const { status } = await slow.request('GET', '/api/chats', { user: target });
        expect(status).toBe(200);
      }
      expect(slow.supabase.requests).toHaveLength(1);
      slow.supabase.release();
      expect(await Promise.all(changes)).toEqual(targets.map(() => 200));
    } finally {
      await slow.close();
    }
  });

  it('without the secret key change users in the database itself', async () => {
    const app = await startSupabaseApp({ SUPABASE_SECRET_KEY: '' });
    try {
      const [admin, user] = [await app.createUser({ role: 'admin' }), await app.createUser()];
      const path = `/api/admin/users/${user.id}`;
      const { status } = await app.request('PATCH', path, { user: admin, body: { role: 'admin' } });
      expect(status).toBe(200);
      expect((await app.request('DELETE', path, { user: admin })).status).toBe(204);
      expect(app.supabase.requests).toEqual([]);
    } finally {
      await app.close();
    }
  });
});

/** An error in the format of the current auth server. */
function answer(status: number, code: string): Fault {
  return {
    status,
    body: JSON.stringify({ code, message: 'SECRET DETAIL' }),
    headers: { 'x-supabase-api-version': '2024-01-01', 'x-sb-error-code': code },
  };
}
