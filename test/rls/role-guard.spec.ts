import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { type Actor, connect, type Connection, type Session } from './session.js';

const AUTH_SERVER: Actor = { role: 'supabase_auth_admin' };

const USER = { role: 'user', isActive: true };
const ADMIN = { role: 'admin', isActive: true };

/** A metadata column: an object, any other JSON value, or undefined for SQL null. */
type Metadata = unknown;

interface Write {
  name: string;
  /** `raw_user_meta_data`, which users write through the auth server. */
  own?: Metadata;
  /** `raw_app_meta_data`, which only the service key writes. */
  app?: Metadata;
  /** Both columns afterwards, whatever else they contain. */
  becomes: { role: string; isActive: boolean };
}

/** Written by the auth server: users' own values are ignored, and values of the service key are used. */
const BY_AUTH_SERVER: Write[] = [
  { name: 'nothing', becomes: USER },
  { name: 'empty objects', own: {}, app: {}, becomes: USER },
  { name: 'settings', own: { settings: { theme: 'dark' } }, app: { provider: 'email' }, becomes: USER },
  { name: 'a role of their own', own: { role: 'admin' }, app: { provider: 'email' }, becomes: USER },
  { name: 'a role of their own, and no app_metadata', own: { role: 'admin' }, becomes: USER },
  { name: 'an unknown role of their own', own: { role: 'root' }, app: {}, becomes: USER },
  { name: 'an array of roles of their own', own: { role: ['admin'] }, app: {}, becomes: USER },
  { name: 'metadata that are an array', own: [{ role: 'admin' }], app: {}, becomes: USER },
  { name: 'metadata that are a number', own: 7, app: 7, becomes: USER },
  { name: 'metadata that are JSON null', own: null, app: null, becomes: USER },
  { name: 'metadata that are a JSON string', own: JSON.stringify({ role: 'admin' }), becomes: USER },
  { name: 'metadata that are a string', own: 'admin', app: 'admin', becomes: USER },
  { name: 'a string of nothing but brackets', own: '['.repeat(100_000), app: {}, becomes: USER },
  { name: 'deep junk', own: nested(500, { role: 'admin' }), app: nested(500, 1), becomes: USER },
  { name: 'keys that only look alike', own: { Role: 'admin', 'role ': 'admin' }, becomes: USER },
  {
    name: 'activity of their own',
    own: { isActive: true },
    app: { isActive: false },
    becomes: inactive(USER),
  },
  { name: 'inactivity of their own', own: { isActive: false }, app: {}, becomes: USER },
  { name: 'an admin in app_metadata', own: {}, app: { role: 'admin' }, becomes: ADMIN },
  { name: 'an admin in app_metadata, and null', app: { role: 'admin' }, becomes: ADMIN },
  { name: 'an admin who denies it', own: { role: 'user' }, app: { role: 'admin' }, becomes: ADMIN },
  { name: 'an admin in a JSON string', app: JSON.stringify({ role: 'admin' }), becomes: ADMIN },
  { name: 'an inactive admin', app: { role: 'admin', isActive: false }, becomes: inactive(ADMIN) },
  { name: 'inactivity as a string', app: { isActive: 'false' }, becomes: inactive(USER) },
  { name: 'an unknown role in app_metadata', app: { role: 'root' }, becomes: USER },
  { name: 'a role in app_metadata that is null', app: { role: null, isActive: null }, becomes: USER },
  { name: 'an array of roles in app_metadata', app: { role: ['admin'], isActive: [false] }, becomes: USER },
  { name: 'an empty array of roles in app_metadata', app: { role: [], isActive: [] }, becomes: USER },
];

/** Written by an operator: the value is used, in whichever column it is. */
const BY_OPERATOR: Write[] = [
  { name: 'nothing', becomes: USER },
  { name: 'an admin in user_metadata', own: { role: 'admin' }, becomes: ADMIN },
  { name: 'an admin in app_metadata', app: { role: 'admin' }, becomes: ADMIN },
  { name: 'an admin in both', own: { role: 'admin' }, app: { role: 'admin' }, becomes: ADMIN },
  { name: 'an inactive user', own: { isActive: false }, becomes: inactive(USER) },
  { name: 'an inactive user as a string', own: { isActive: 'false' }, becomes: inactive(USER) },
  { name: 'an admin in a JSON string', own: JSON.stringify({ role: 'admin' }), becomes: ADMIN },
  { name: 'metadata that are no object', own: [1], app: 'x', becomes: USER },
];

function inactive<T extends object>(user: T): T & { isActive: boolean } {
  return { ...user, isActive: false };
}

function nested(depth: number, value: unknown): unknown {
  return depth === 0 ? value : { role: nested(depth - 1, value) };
}

/** Undefined is SQL null, and null is JSON null. */
function jsonOf(metadata: Metadata): string | null {
  return metadata === undefined ? null : JSON.stringify(metadata);
}

describe('guard of roles in auth.users', () => {
  let database: TestDatabase;
  let connection: Connection;

  beforeAll(async () => {
    database = await createTestDatabase();
    connection = await connect(database);
  });

  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  async function insertUser(session: Session, own: Metadata, app: Metadata): Promise<string> {
    const id = randomUUID();
    await session.query(
      `insert into auth.users (id, raw_user_meta_data, raw_app_meta_data) values ($1, $2, $3)`,
      [id, jsonOf(own), jsonOf(app)],
    );
    return id;
  }

  async function metadataOf(session: Session, id: string) {
    const [row] = await session.query(
      `select raw_user_meta_data as own, raw_app_meta_data as app from auth.users where id = $1`,
      [id],
    );
    return row as { own: Record<string, unknown>; app: Record<string, unknown> };
  }

  describe.each([
    { writer: 'the auth server', actor: AUTH_SERVER, writes: BY_AUTH_SERVER },
    { writer: 'an operator', actor: undefined, writes: BY_OPERATOR },
  ])('written by $writer', ({ actor, writes }) => {
    it.each(writes)('a new user with $name', async ({ own, app, becomes }) => {
      await connection.rolledBack(actor, async (session) => {
        const after = await metadataOf(session, await insertUser(session, own, app));
        expect(after).toMatchObject({ own: becomes, app: becomes });
      });
    });

    it.each(writes)('a user who gets $name', async ({ own, app, becomes }) => {
      await connection.rolledBack(actor, async (session) => {
        const id = await insertUser(session, {}, {});
        await session.query(
          `update auth.users set raw_user_meta_data = $2, raw_app_meta_data = $3 where id = $1`,
          [id, jsonOf(own), jsonOf(app)],
        );
        expect(await metadataOf(session, id)).toMatchObject({ own: becomes, app: becomes });
      });
    });
  });

  it('keeps the rest of the metadata', async () => {
    const settings = { theme: 'dark', nested: [1, { a: null }] };
    for (const own of [{ settings, role: 'admin' }, JSON.stringify({ settings, role: 'admin' })]) {
      await connection.rolledBack(AUTH_SERVER, async (session) => {
        const id = await insertUser(session, own, { provider: 'email', providers: ['email'] });
        expect(await metadataOf(session, id)).toEqual({
          own: { settings, ...USER },
          app: { provider: 'email', providers: ['email'], ...USER },
        });
      });
    }
  });

  describe('changes by the auth server', () => {
    const asAuthServer = (
      own: Metadata,
      app: Metadata,
      fn: (session: Session, id: string) => Promise<void>,
    ): Promise<void> =>
      connection.rolledBack(undefined, async (session) => {
        const id = await insertUser(session, own, app);
        await session.become(AUTH_SERVER);
        await fn(session, id);
      });

    it.each([
      ['adds to it', `raw_user_meta_data || '{"role": "admin", "isActive": true}'`],
      ['replaces it', `'{"role": "admin", "isActive": true}'`],
      ['sets one key', `jsonb_set(raw_user_meta_data, '{role}', '"admin"')`],
      ['makes it a string', `to_jsonb('{"role": "admin", "isActive": true}'::text)`],
    ])('a deactivated user who %s stays as the operator has set it', async (_name, expression) => {
      await asAuthServer({ role: 'user', isActive: false }, {}, async (session, id) => {
        await session.query(`update auth.users set raw_user_meta_data = ${expression} where id = $1`, [id]);
        const { own, app } = await metadataOf(session, id);
        expect({ own, app }).toMatchObject({ own: inactive(USER), app: inactive(USER) });
      });
    });

    it.each(['{}', 'null', '{"settings": {}}', '{"role": "user"}', '[]'])(
      'an administrator whose metadata become %s stays an administrator',
      async (own) => {
        await asAuthServer({ role: 'admin' }, {}, async (session, id) => {
          await session.query(`update auth.users set raw_user_meta_data = $2 where id = $1`, [id, own]);
          expect(await metadataOf(session, id)).toMatchObject({ own: ADMIN, app: ADMIN });
        });
      },
    );

    it('the service key promotes and demotes through app_metadata', async () => {
      await asAuthServer({}, {}, async (session, id) => {
        const setRole = (role: string) =>
          session.query(
            `update auth.users set raw_app_meta_data = raw_app_meta_data || jsonb_build_object('role', $2::text)
              where id = $1`,
            [id, role],
          );
        await setRole('admin');
        expect(await metadataOf(session, id)).toMatchObject({ own: ADMIN, app: ADMIN });
        await setRole('user');
        expect(await metadataOf(session, id)).toMatchObject({ own: USER, app: USER });
      });
    });

    it('an administrator whose app_metadata lose the role is a user', async () => {
      await asAuthServer({ role: 'admin' }, {}, async (session, id) => {
        await session.query(
          `update auth.users set raw_app_meta_data = raw_app_meta_data - 'role' where id = $1`,
          [id],
        );
        expect(await metadataOf(session, id)).toMatchObject({ own: USER, app: USER });
      });
    });

    it('a sign-up that meets an existing row is also guarded', async () => {
      await asAuthServer({}, {}, async (session, id) => {
        await session.query(
          `insert into auth.users (id, raw_user_meta_data) values ($1, '{"role": "admin"}')
           on conflict (id) do update set raw_user_meta_data = excluded.raw_user_meta_data`,
          [id],
        );
        expect(await metadataOf(session, id)).toMatchObject({ own: USER, app: USER });
      });
    });

    it('other columns can be changed without changing the metadata', async () => {
      await asAuthServer({ role: 'admin', settings: 1 }, {}, async (session, id) => {
        await session.query(`update auth.users set last_sign_in_at = now() where id = $1`, [id]);
        expect((await metadataOf(session, id)).own).toEqual({ ...ADMIN, settings: 1 });
      });
    });

    it('nothing bypasses the trigger', async () => {
      await asAuthServer({}, {}, async (session) => {
        expect(await session.attempt(`set local session_replication_role = 'replica'`)).toBe('denied');
        expect(await session.attempt(`alter table auth.users disable trigger switchboard_user_role`)).toBe(
          'denied',
        );
      });
    });
  });

  describe('changes by an operator', () => {
    const asOperator = (
      own: Metadata,
      change: string,
      expected: { role: string; isActive: boolean },
    ): Promise<void> =>
      connection.rolledBack(undefined, async (session) => {
        const id = await insertUser(session, own, { provider: 'email' });
        await session.query(`update auth.users set ${change} where id = $1`, [id]);
        expect(await metadataOf(session, id)).toMatchObject({
          own: expected,
          app: { provider: 'email', ...expected },
        });
      });

    it.each([
      ['user', `raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}'`, ADMIN],
      ['user', `raw_app_meta_data = raw_app_meta_data || '{"role": "admin"}'`, ADMIN],
      ['admin', `raw_user_meta_data = raw_user_meta_data || '{"role": "user"}'`, USER],
      ['admin', `raw_app_meta_data = raw_app_meta_data || '{"role": "user"}'`, USER],
      ['admin', `raw_app_meta_data = raw_app_meta_data - 'role'`, USER],
      ['admin', `raw_user_meta_data = '{"settings": {}}'`, ADMIN],
      ['admin', `raw_user_meta_data = null`, ADMIN],
      ['admin', `raw_user_meta_data = raw_user_meta_data || '{"isActive": false}'`, inactive(ADMIN)],
      ['admin', `raw_app_meta_data = raw_app_meta_data || '{"isActive": false}'`, inactive(ADMIN)],
    ])('of %s by %s', async (role, change, expected) => {
      await asOperator({ role }, change, expected);
    });

    it.each([
      { role: 'root' },
      { role: 'Admin' },
      { role: 7 },
      { role: {} },
      { role: [] },
      { role: ['admin'] },
      { isActive: 'no' },
      { isActive: 0 },
      { isActive: [] },
      { isActive: [false] },
    ])('to %j is refused as a mistake', async (own) => {
      await connection.rolledBack(undefined, async (session) => {
        const id = await insertUser(session, {}, {});
        for (const column of ['raw_user_meta_data', 'raw_app_meta_data']) {
          expect(
            await session.attempt(`update auth.users set ${column} = ${column} || $2 where id = $1`, [
              id,
              JSON.stringify(own),
            ]),
          ).toBe('error 23514');
        }
      });
    });
  });
});
