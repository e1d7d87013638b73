import { insertChat, insertDocument } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { ATTACKS } from './attacks.js';
import { ANONYMOUS, connect, type Connection, type Outcome, signedIn, throughDataApi } from './session.js';
import { insertWorld, type World } from './world.js';

/** Helpers that policies and checks call with the rights of the user. All other functions are for triggers. */
const CALLABLE = [
  'switchboard.active_user_id',
  'switchboard.is_active_admin',
  'switchboard.is_admin',
  'switchboard.is_storable',
  'switchboard.user_id',
];
/** Functions that only the server calls for a user. */
const CALLABLE_BY_SERVER = [
  'switchboard.copied_part',
  'switchboard.copied_parts',
  'switchboard.copy_summary',
  'switchboard.public_chat',
  'switchboard.public_chat_messages',
  'switchboard.public_metadata',
  'switchboard.without_files',
];

describe('attacks', () => {
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

  const asOther = (sql: string, values: unknown[] = []): Promise<Outcome> =>
    connection.rolledBack(signedIn(world.other.userId), (session) => session.attempt(sql, values));

  it.each(ATTACKS)('a user $name: $outcome', async ({ sql, values, outcome }) => {
    expect(await asOther(sql, values?.(world))).toBe(outcome);
  });

  it.each(ATTACKS)('a user through the Data API $name: no row', async ({ sql, values }) => {
    const outcome = await connection.rolledBack(throughDataApi(world.other.userId), (session) =>
      session.attempt(sql, values?.(world)),
    );
    expect(['denied', 'none']).toContain(outcome);
  });

  it.each(ATTACKS)('an anonymous user $name: denied', async ({ sql, values }) => {
    const outcome = await connection.rolledBack(ANONYMOUS, (session) =>
      session.attempt(sql, values?.(world)),
    );
    expect(outcome).toBe('denied');
  });

  it.each(['select * from auth.users', 'delete from auth.users'])(
    'not even an administrator may %s',
    async (sql) => {
      const outcome = await connection.rolledBack(signedIn(world.admin.userId, 'admin'), (session) =>
        session.attempt(sql),
      );
      expect(outcome).toBe('denied');
    },
  );

  it("allows what is legitimate: a vote, a stream and a suggestion on the user's own rows", async () => {
    const { other } = world;
    expect(
      await asOther(`insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") values ($1, $2, true)`, [
        other.chatId,
        other.answerId,
      ]),
    ).toBe('rows');
    expect(
      await asOther(`update "Stream" set "messageId" = $1 where id = $2`, [other.answerId, other.streamId]),
    ).toBe('rows');
    expect(await asOther(`insert into "Stream" ("chatId") values ($1)`, [other.chatId])).toBe('rows');
    expect(
      await asOther(
        `insert into "Suggestion" ("documentId", "documentCreatedAt", user_id, "originalText", "suggestedText")
         values ($1, $2, $3, 'a', 'b')`,
        [other.documentId, other.documentCreatedAt, other.userId],
      ),
    ).toBe('rows');
  });

  it('keeps votes and streams in the chat of their message, even if the user owns another chat', async () => {
    const { other } = world;
    await connection.rolledBack(signedIn(other.userId), async (session) => {
      const chatId = await insertChat(session, other.userId);
      for (const statement of [
        `insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") values ($1, $2, true)`,
        `insert into "Stream" ("chatId", "messageId") values ($1, $2)`,
      ])
        expect(await session.attempt(statement, [chatId, other.answerId])).toBe('denied');
      expect(await session.attempt(`update "Vote_v2" set "chatId" = $1`, [chatId])).toBe('denied');
      expect(await session.attempt(`update "Stream" set "chatId" = $1`, [chatId])).toBe('denied');
    });
  });

  it('accepts a stream whose message comes from the same statement', async () => {
    const { other } = world;
    expect(
      await asOther(
        `with answer as (
           insert into "Message_v2" (id, "chatId", role, parts) values ($2, $1, 'assistant', '[]')
         )
         insert into "Stream" ("chatId", "messageId") values ($1, $2)`,
        [other.chatId, '00000000-0000-4000-8000-00000000000a'],
      ),
    ).toBe('rows');
  });

  it('lets users move their own document to another id, and keeps both versions in one millisecond', async () => {
    const { other } = world;
    await connection.rolledBack(signedIn(other.userId), async (session) => {
      const id = await insertDocument(session, other.userId);
      const createdAt = other.documentCreatedAt;
      await insertDocument(session, other.userId, { id: other.documentId, createdAt });
      await session.query(`update "Document" set id = $1 where id = $2`, [
        '00000000-0000-4000-8000-00000000000b',
        id,
      ]);
      const versions = await session.query(
        `select "createdAt" from "Document" where id = $1 order by "createdAt"`,
        [other.documentId],
      );
      expect(versions.map((version) => version.createdAt.getTime() - createdAt.getTime())).toEqual([0, 1]);
    });
  });

  describe('functions of the private schema', () => {
    let functions: Array<{ name: string; call: string }>;

    beforeAll(async () => {
      functions = await database.query(
        `select pronamespace::regnamespace || '.' || proname as name,
                format('select %s.%I(%s)', pronamespace::regnamespace, proname,
                       (select string_agg(format('null::%s', format_type(type, null)), ', ')
                          from unnest(proargtypes) as type)) as call
           from pg_proc where pronamespace = 'switchboard'::regnamespace`,
      );
      expect(functions.map(({ name }) => name)).toEqual(expect.arrayContaining(CALLABLE));
    });

    it('are closed to anonymous users', async () => {
      for (const { name, call } of functions) {
        const outcome = await connection.rolledBack(ANONYMOUS, (session) => session.attempt(call));
        expect({ name, outcome }).toEqual({ name, outcome: 'denied' });
      }
    });

    it.each([
      ['users', throughDataApi, CALLABLE],
      ['the server as a user', signedIn, [...CALLABLE, ...CALLABLE_BY_SERVER]],
    ] as const)('are closed to %s except for a few', async (_name, actorOf, expected) => {
      const callable = new Set<string>();
      for (const { name, call } of functions) {
        const outcome = await connection.rolledBack(actorOf(world.other.userId), (session) =>
          session.attempt(call),
        );
        // 0A000: trigger functions can only be called by triggers.
        if (outcome !== 'denied' && outcome !== 'error 0A000') callable.add(name);
      }
      expect([...callable].sort()).toEqual([...expected].sort());
    });
  });

  it('names hidden in a temporary schema do not deceive the security definer functions', async () => {
    const { owner, other } = world;
    await connection.rolledBack(signedIn(other.userId), async (session) => {
      await session.query(`create temporary table chat (id uuid, user_id uuid, visibility text)`);
      await session.query(`insert into pg_temp.chat values ($1, $2, 'public')`, [owner.chatId, other.userId]);
      expect(await session.attempt(`select * from switchboard.public_chat($1)`, [owner.chatId])).toBe('none');
      expect(await session.attempt(`select * from "Message_v2" where "chatId" = $1`, [owner.chatId])).toBe(
        'none',
      );
    });
  });
});
