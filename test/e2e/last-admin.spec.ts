import pg from 'pg';
import { ADVISORY_LOCKS } from '../../src/common/database/advisory-locks.js';
import { SECRET_KEY, startSupabaseApp } from '../support/admin-app.js';
import { startTestApp, type TestApp, type TestResponse, type TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { expectProblem } from '../support/expectations.js';
import { TEST_ISSUER } from '../support/tokens.js';

const CHANGES: Array<[string, string, unknown?]> = [
  ['demoted', 'PATCH', { role: 'user' }],
  ['deactivated', 'PATCH', { isActive: false }],
  ['demoted and deactivated', 'PATCH', { role: 'user', isActive: false }],
  ['deleted', 'DELETE'],
];

describe.each([
  ['by SQL', startTestApp],
  ['through the Supabase Admin API', startSupabaseApp],
])('the last administrator, %s', (_way, start) => {
  let app: TestApp;
  /** Another instance on the same database, with the same way of changing users. */
  let second: TestApp;

  beforeAll(async () => {
    app = await start();
    const { supabase } = app as TestApp & { supabase?: { url: string } };
    second = await startTestApp(
      supabase
        ? {
            SUPABASE_URL: supabase.url,
            SUPABASE_SECRET_KEY: SECRET_KEY,
            SUPABASE_JWT_ISSUER: TEST_ISSUER,
          }
        : {},
      { database: app.database },
    );
  });

  afterAll(async () => {
    await second?.close();
    await app?.close();
  });

  beforeEach(async () => {
    await app.database.query('delete from auth.users');
  });

  const change = (
    target: TestUser,
    user: TestUser,
    [, method, body]: (typeof CHANGES)[number],
    instance = app,
  ) => instance.request(method, `/api/admin/users/${target.id}`, { user, body });
  const activeAdmins = async (): Promise<string[]> => {
    const rows = await app.database.query(
      `select id from auth.users where raw_app_meta_data @> '{"role": "admin", "isActive": true}'`,
    );
    return rows.map(({ id }) => id as string);
  };
  const audited = async () => {
    const [{ count }] = await app.database.query(
      `select count(*)::int from switchboard.audit_log where action like 'user.%'`,
    );
    return count as number;
  };

  it.each(CHANGES)('is not %s', async (...kind) => {
    const admin = await app.createUser({ role: 'admin' });
    // None of these could act as an administrator.
    await app.createUser();
    await app.createUser({ role: 'admin', isActive: false });
    const banned = await app.createUser({ role: 'admin' });
    await app.database.query(`update auth.users set banned_until = now() + '1 day' where id = $1`, [
      banned.id,
    ]);
    const ghost = await app.createUser({ role: 'admin' });
    await app.database.query(`update auth.users set deleted_at = now() where id = $1`, [ghost.id]);
    const before = await audited();
    const response = await change(admin, admin, kind);
    expectProblem(response, 409, 'version_conflict');
    expect(response.body.detail).toContain('last active administrator');
    expect((await app.request('GET', '/api/me', { user: admin })).body.role).toBe('admin');
    expect(await audited()).toBe(before);
  });

  it.each(CHANGES)('is whoever is left: the others can be %s, also by themselves', async (...kind) => {
    const [admin, other] = [await app.createUser({ role: 'admin' }), await app.createUser({ role: 'admin' })];
    expect((await change(admin, admin, kind)).status).toBe(kind[1] === 'DELETE' ? 204 : 200);
    expect(await activeAdmins()).toEqual([other.id]);
    expectProblem(await change(other, other, kind), 409, 'version_conflict');
  });

  it('allows changes that do not affect the role', async () => {
    const admin = await app.createUser({ role: 'admin' });
    const inactive = await app.createUser({ role: 'admin', isActive: false });
    expect((await change(admin, admin, ['', 'PATCH', { role: 'admin', isActive: true }])).status).toBe(200);
    expect((await change(inactive, admin, ['', 'PATCH', { role: 'user' }])).status).toBe(200);
    expect((await change(inactive, admin, ['', 'DELETE'])).status).toBe(204);
  });

  it('does not allow a change by a user who was demoted while the request waited', async () => {
    const [admin, rival] = [await app.createUser({ role: 'admin' }), await app.createUser({ role: 'admin' })];
    await app.createUser({ role: 'admin' });
    const holder = new pg.Client(app.database.url);
    await holder.connect();
    try {
      await holder.query('select pg_advisory_lock($1)', [ADVISORY_LOCKS.users]);
      const waiting = (count: number) =>
        eventually(async () => {
          const rows = await app.database.query(
            `select from pg_locks where locktype = 'advisory' and not granted
               and database = (select oid from pg_database where datname = current_database())`,
          );
          return rows.length === count;
        });
      const demote: (typeof CHANGES)[number] = ['', 'PATCH', { role: 'user' }];
      const first = change(rival, admin, demote);
      await waiting(1);
      const late = change(admin, rival, demote, second);
      await waiting(2);
      await holder.query('select pg_advisory_unlock($1)', [ADVISORY_LOCKS.users]);
      expect((await first).status).toBe(200);
      expectProblem(await late, 403, 'forbidden');
      expect(await activeAdmins()).toContain(admin.id);
    } finally {
      await holder.end();
    }
  });

  it.each(CHANGES)('is kept if all are %s at the same moment, on two instances', async (...kind) => {
    for (let round = 0; round < 5; round++) {
      await app.database.query('delete from auth.users');
      const admins = await Promise.all(Array.from({ length: 4 }, () => app.createUser({ role: 'admin' })));
      const instances = [app, second, app, second];
      const ok = kind[1] === 'DELETE' ? 204 : 200;

      // Each removes the next one: the last request finds that its user is no longer an administrator, or that no other
      // is left.
      const removals = await Promise.all(
        admins.map((admin, index) =>
          change(admins[(index + 1) % 4] as TestUser, admin, kind, instances[index]),
        ),
      );
      expect((await activeAdmins()).length).toBeGreaterThanOrEqual(1);
      expect(statuses(removals)).toEqual(expect.arrayContaining([ok]));
      for (const response of removals) expect([ok, 401, 403, 409]).toContain(response.status);

      await app.database.query('delete from auth.users');
      const again = await Promise.all(Array.from({ length: 4 }, () => app.createUser({ role: 'admin' })));
      const before = await audited();
      // Each removes themselves: exactly one is told that there is no other administrator.
      const exits = await Promise.all(
        again.map((admin, index) => change(admin, admin, kind, instances[index])),
      );
      expect(statuses(exits)).toEqual([ok, ok, ok, 409]);
      expect(await activeAdmins()).toHaveLength(1);
      expect(await audited()).toBe(before + 3);
    }
  });
});

function statuses(responses: TestResponse[]): number[] {
  return responses.map(({ status }) => status).sort((a, b) => a - b);
}
