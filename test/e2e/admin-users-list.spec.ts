import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';

describe('the list of users', () => {
  let app: TestApp;
  let admin: TestUser;
  const ids: string[] = [];

  beforeAll(async () => {
    app = await startTestApp();
    const users = [
      { email: 'Ada.Lovelace@example.com', name: 'Ada Lovelace' },
      { email: 'grace_hopper@example.com', full_name: 'Grace \u00d6stergaard' },
      { email: 'gracexhopper@example.com', isActive: false },
      { email: '100%real@example.com', isActive: false },
      { email: null },
    ];
    // All but the first are within one millisecond. The auth server stores microseconds.
    for (const [index, { email, ...metadata }] of users.entries()) {
      const id = randomUUID();
      ids.push(id);
      await app.database.query(
        `insert into auth.users (id, email, raw_user_meta_data, created_at) values ($1, $2, $3, $4)`,
        [id, email, JSON.stringify(metadata), `2026-01-01T00:00:0${index === 0 ? 0 : 1}.00000${index}Z`],
      );
    }
    await app.database.query(`insert into chat (user_id) values ($1), ($1)`, [ids[0]]);
    await app.database.query(
      `update auth.users set last_sign_in_at = '2026-02-03T04:05:06.789Z' where id = $1`,
      [ids[0]],
    );
    admin = await app.createUser({ role: 'admin' });
  });

  afterAll(() => app.close());

  const list = async (query: string) => {
    const { status, body } = await app.request('GET', `/api/admin/users?${query}`, { user: admin });
    expect(status).toBe(200);
    return body.items;
  };
  const found = async (query: string): Promise<number[]> =>
    (await list(query)).map(({ id }: { id: string }) => ids.indexOf(id)).sort();

  it('shows users with their details, newest first', async () => {
    const items = await list('');
    expect(items).toHaveLength(6);
    expect(items[0]).toMatchObject({
      id: admin.id,
      email: admin.email,
      role: 'admin',
      isActive: true,
      chats: 0,
    });
    expect(items[5]).toEqual({
      id: ids[0],
      email: 'Ada.Lovelace@example.com',
      name: 'Ada Lovelace',
      role: 'user',
      isActive: true,
      bannedUntil: null,
      createdAt: '2026-01-01T00:00:00.000Z',
      lastSignInAt: '2026-02-03T04:05:06.789Z',
      chats: 2,
    });
    const one = await app.request('GET', `/api/admin/users/${ids[0]?.toUpperCase()}`, { user: admin });
    expect(one.body).toEqual(items[5]);
  });

  it('is searched by email address, name and id, case-insensitive and literally', async () => {
    expect(await found('q=LOVELACE')).toEqual([0]);
    expect(await found('q=%20lovelace@%20')).toEqual([0]);
    expect(await found(`q=${encodeURIComponent('\u00f6STERGAARD')}`)).toEqual([1]);
    expect(await found(`q=${ids[4]?.slice(0, 18).toUpperCase()}`)).toEqual([4]);
    expect(await found('q=e_h')).toEqual([1]);
    expect(await found(`q=${encodeURIComponent('0%r')}`)).toEqual([3]);
    for (const q of ['.*', '(', '\\', "'", 'e.h', '%%'])
      expect(await found(`q=${encodeURIComponent(q)}`)).toEqual([]);
  });

  it('is filtered by role and active state', async () => {
    expect((await list('role=admin')).map(({ id }: { id: string }) => id)).toEqual([admin.id]);
    expect(await found('role=user')).toEqual([0, 1, 2, 3, 4]);
    expect(await found('isActive=false')).toEqual([2, 3]);
    expect(await found('isActive=true&q=grace')).toEqual([1]);
    expect(await found('isActive=false&role=admin')).toEqual([]);
  });

  it('comes in pages that neither skip nor repeat, within one millisecond and while rows change', async () => {
    const all = (await list('')).map(({ id }: { id: string }) => id);
    for (const limit of [1, 2, 4]) {
      const pages = await readAllPages(app, admin, `/api/admin/users?limit=${limit}`);
      expect(pages.flat().map(({ id }) => id)).toEqual(all);
    }
    const first = await app.request('GET', '/api/admin/users?limit=2', { user: admin });
    const [newcomer] = await app.database.query(
      'insert into auth.users (id, created_at) values (gen_random_uuid(), now()) returning id',
    );
    const rest = await list(`limit=100&cursor=${first.body.nextCursor}`);
    expect(rest.map(({ id }: { id: string }) => id)).toEqual(all.slice(2));
    await app.database.query('delete from auth.users where id = $1', [newcomer.id]);
  });

  it('omits soft-deleted users, and shows banned ones', async () => {
    const [ghost] = await app.database.query(
      'insert into auth.users (id, deleted_at) values (gen_random_uuid(), now()) returning id',
    );
    expect(await list(`q=${ghost.id}`)).toEqual([]);
    const path = `/api/admin/users/${ghost.id}`;
    expectProblem(await app.request('GET', path, { user: admin }), 404, 'not_found');
    const banned = await app.createUser();
    await app.database.query(`update auth.users set banned_until = '2100-01-01' where id = $1`, [banned.id]);
    expect(await list(`q=${banned.id}`)).toMatchObject([{ bannedUntil: '2100-01-01T00:00:00.000Z' }]);
  });

  it.each([
    'role=root',
    'isActive=maybe',
    'limit=0',
    'limit=101',
    'cursor=x',
    `q=${'x'.repeat(256)}`,
    'sort=email',
  ])('refuses ?%s', async (query) => {
    const response = await app.request('GET', `/api/admin/users?${query}`, { user: admin });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map(({ path }: { path: string }) => path)).toEqual([query.split('=')[0]]);
  });
});
