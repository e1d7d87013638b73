import { insertUser } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { referenceTo, TARGETS } from './matrix.js';
import { type Actor, connect, type Connection, type Outcome, signedIn, throughDataApi } from './session.js';
import { insertWorld, type World } from './world.js';

/** Tables that check the role and not the user. */
const OF_ADMINS = [
  'admin_config',
  'switchboard.config_history',
  'switchboard.audit_log',
  'switchboard.usage_rollups',
];
const OF_USERS = Object.keys(TARGETS).filter((table) => !OF_ADMINS.includes(table));

/** Claims without a user: no rows are visible, or the statement is refused. */
const NOBODY: Array<{ name: string; claims: unknown; outcome: Outcome }> = [
  { name: 'that were never set', claims: undefined, outcome: 'none' },
  { name: 'that are empty', claims: '', outcome: 'none' },
  { name: 'null', claims: 'null', outcome: 'none' },
  { name: 'an empty object', claims: {}, outcome: 'none' },
  { name: 'an array', claims: '[{"sub": "x"}]', outcome: 'none' },
  { name: 'a number', claims: '7', outcome: 'none' },
  { name: 'without a subject', claims: { role: 'authenticated' }, outcome: 'none' },
  { name: 'with the subject null', claims: { sub: null }, outcome: 'none' },
  {
    name: 'with the subject of nobody',
    claims: { sub: '00000000-0000-4000-8000-000000000000' },
    outcome: 'none',
  },
  { name: 'with an empty subject', claims: { sub: '' }, outcome: 'error 22P02' },
  { name: 'with a malformed subject', claims: { sub: `' or true --` }, outcome: 'error 22P02' },
  { name: 'with an array for a subject', claims: { sub: ['a'] }, outcome: 'error 22P02' },
  { name: 'that are not JSON', claims: '{"sub": ', outcome: 'error 22P02' },
];

/** Claims that look like an administrator's and are not. */
const NO_ADMIN: Array<{ name: string; claims: Record<string, unknown> }> = [
  { name: 'at the top', claims: { role: 'admin' } },
  { name: 'in app_metadata', claims: { app_metadata: { role: 'admin' } } },
  { name: 'as metadata that are a string', claims: { user_metadata: 'admin' } },
  { name: 'inside of a JSON string', claims: { user_metadata: '{"role": "admin"}' } },
  { name: 'in an array of metadata', claims: { user_metadata: [{ role: 'admin' }] } },
  { name: 'as an array', claims: { user_metadata: { role: ['admin'] } } },
  { name: 'as an object', claims: { user_metadata: { role: { admin: true } } } },
  { name: 'in capitals', claims: { user_metadata: { role: 'ADMIN' } } },
  { name: 'with a blank', claims: { user_metadata: { role: 'admin ' } } },
  { name: 'deeper', claims: { user_metadata: { settings: { role: 'admin' } } } },
  { name: 'null', claims: { user_metadata: { role: null } } },
];

describe('claims', () => {
  let database: TestDatabase;
  let connection: Connection;
  let world: World;

  beforeAll(async () => {
    database = await createTestDatabase();
    connection = await connect(database);
    world = await insertWorld(database);
  });

  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  const attempt = (actor: Actor, sql: string, values?: unknown[]): Promise<Outcome> =>
    connection.rolledBack(actor, (session) => session.attempt(sql, values));

  /** What an administrator sees of the owner's rows: the chat, the usage and its sums, the configuration. */
  async function seesAsAdmin(actor: Actor): Promise<boolean[]> {
    const outcomes = [
      await attempt(actor, `select id from chat where id = $1`, [world.owner.chatId]),
      await attempt(actor, `select id from usage_logs where id = $1`, [world.owner.usageLogId]),
      await attempt(actor, `select 1 from switchboard.usage_rollups`),
      await attempt(actor, `select 1 from switchboard.usage_archive where user_id = $1`, [
        world.owner.userId,
      ]),
      await attempt(actor, `select id from admin_config`),
      await attempt(actor, `update admin_config set updated_at = now()`),
    ];
    return outcomes.map((outcome) => outcome === 'rows');
  }

  describe.each(NOBODY)('$name', ({ claims, outcome }) => {
    const nobody: Actor = { role: 'switchboard_user', claims };

    it.each(OF_USERS)('show nothing of %s', async (table) => {
      expect(await attempt(nobody, `select * from ${referenceTo(table)}`)).toBe(outcome);
    });

    it.each(OF_ADMINS)('do not show %s', async (table) => {
      expect(await attempt(nobody, `select * from ${referenceTo(table)}`)).not.toBe('rows');
    });

    it('add nothing', async () => {
      expect(await attempt(nobody, `insert into chat (user_id) values ($1)`, [world.owner.userId])).toBe(
        outcome === 'none' ? 'denied' : outcome,
      );
    });

    it('change nothing', async () => {
      expect(await attempt(nobody, `update chat set title = 'Taken'`)).toBe(outcome);
      expect(await attempt(nobody, `delete from "Document"`)).toBe(outcome);
    });
  });

  it.each(NO_ADMIN)('do not make an administrator of a user with the role $name', async ({ claims }) => {
    for (const role of ['authenticated', 'switchboard_user'] as const) {
      const actor: Actor = { role, claims: { sub: world.other.userId, ...claims } };
      expect(await seesAsAdmin(actor)).not.toContain(true);
      expect(await attempt(actor, `select * from chat`)).toBe('rows');
    }
  });

  // The server reads the role from the row in auth.users when it sets the claims, and nobody can forge that row.
  it('of the server are trusted, so the row that they come from is guarded', async () => {
    expect(await seesAsAdmin(signedIn(world.other.userId, 'admin'))).not.toContain(false);

    await connection.rolledBack({ role: 'supabase_auth_admin' }, async (session) => {
      // supabase.auth.updateUser({ data: { role: 'admin' } })
      await session.query(
        `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}' where id = $1`,
        [world.other.userId],
      );
      const [row] = await session.query(
        `select jsonb_build_object('sub', id, 'role', role, 'app_metadata', raw_app_meta_data,
                                   'user_metadata', raw_user_meta_data) as claims
           from auth.users where id = $1`,
        [world.other.userId],
      );
      expect(row.claims.user_metadata.role).toBe('user');
      await session.become({ role: 'authenticated', claims: row.claims });
      expect(await session.attempt(`select id from admin_config`)).toBe('none');
      expect(await session.attempt(`select id from chat where id = $1`, [world.owner.chatId])).toBe('none');
    });
  });

  it('of a token are not trusted: the current role and state of the row are used', async () => {
    expect(await seesAsAdmin(throughDataApi(world.other.userId, 'admin'))).not.toContain(true);
    const userId = await insertUser(database, { role: 'admin' });
    const admin = throughDataApi(userId, 'admin');
    const reads = async () => (await seesAsAdmin(admin)).slice(0, 5);
    expect(await reads()).not.toContain(false);
    await database.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "user"}' where id = $1`,
      [userId],
    );
    expect(await reads()).not.toContain(true);
  });

  it.each([
    ['deactivated', `raw_user_meta_data = raw_user_meta_data || '{"isActive": false}'`],
    ['banned', `banned_until = now() + interval '1 hour'`],
    ['deleted softly', `deleted_at = now()`],
  ])('of a user who is %s show and change nothing', async (_name, change) => {
    const rows = await insertWorld(database);
    const { userId, chatId, answerId } = rows.owner;
    const actor = throughDataApi(userId);
    const vote = `insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") values ($1, $2, true)`;
    expect(await attempt(actor, vote, [chatId, answerId])).toBe('rows');
    await database.query(`update auth.users set ${change} where id = $1`, [userId]);
    expect(await attempt(actor, vote, [chatId, answerId])).toBe('denied');
    for (const table of OF_USERS) {
      // Nobody reads the search index through the Data API.
      const outcome = table.startsWith('switchboard.search_') ? 'denied' : 'none';
      expect(await attempt(actor, `select * from ${referenceTo(table)}`)).toBe(outcome);
    }
    for (const statement of [`update chat set title = 'x'`, `delete from chat`, `delete from "Document"`]) {
      expect(await attempt(actor, statement)).toBe('none');
    }
  });

  it('of a user that an operator has made an administrator are those of an administrator', async () => {
    const userId = await insertUser(database, { role: 'admin' });
    const [row] = await database.query(
      `select jsonb_build_object('sub', id, 'user_metadata', raw_user_meta_data) as claims
         from auth.users where id = $1`,
      [userId],
    );
    expect(await seesAsAdmin({ role: 'switchboard_user', claims: row.claims })).not.toContain(false);
  });
});
