import {
  insertDocument,
  insertMessage,
  insertStream,
  insertSuggestion,
  insertVote,
} from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { referenceTo, TARGETS } from './matrix.js';
import { type Actor, connect, type Connection, type Session, signedIn } from './session.js';
import { insertWorld, type UserRows, type World } from './world.js';

const ALL = Object.keys(TARGETS);

/** Tables that keep the id of a deleted user. */
const MEMORY = ['admin_config', 'switchboard.config_history', 'switchboard.audit_log'];

describe('cascades', () => {
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

  /** The tables that have a row of the user. */
  async function tablesOf(session: Session, rows: UserRows): Promise<string[]> {
    const found: string[] = [];
    for (const table of ALL) {
      const key = TARGETS[table]!.key(rows);
      const condition = Object.keys(key).map((name, index) => `"${name}" = $${index + 1}`);
      const sql = `select 1 from ${referenceTo(table)} where ${condition.join(' and ')}`;
      if ((await session.attempt(sql, Object.values(key))) === 'rows') found.push(table);
    }
    return found;
  }

  const without = (...gone: string[]) => ALL.filter((table) => !gone.includes(table));

  /** Runs `sql` as `actor`, then reads as the operator. */
  const after = <T>(
    actor: Actor | undefined,
    sql: string,
    values: unknown[],
    look: (session: Session) => Promise<T>,
  ): Promise<T> =>
    connection.rolledBack(actor, async (session) => {
      expect(await session.attempt(sql, values)).toBe('rows');
      await session.becomeOperator();
      return look(session);
    });

  it.each<[string, Actor | undefined]>([
    ['an operator', undefined],
    ['the auth server', { role: 'supabase_auth_admin' }],
  ])('a user that %s deletes takes everything along except the configuration', async (_name, actor) => {
    const { owner, other } = world;
    await after(actor, `delete from auth.users where id = $1`, [owner.userId], async (session) => {
      // The rollups are updated a moment later.
      await session.query('select switchboard.fold_usage(1000)');
      expect(await tablesOf(session, owner)).toEqual(MEMORY);
      expect(await tablesOf(session, other)).toEqual(without('switchboard.usage_pending'));
      const [config] = await session.query(
        `select updated_by, config_data, version from admin_config where id = $1`,
        [owner.configId],
      );
      expect(config).toEqual({ updated_by: null, config_data: {}, version: 1 });
    });
  });

  it('a chat takes messages, votes and streams along, and keeps its usage', async () => {
    const { owner, other } = world;
    const look = async (session: Session) => {
      expect(await tablesOf(session, owner)).toEqual(
        without(
          ...['chat', 'Message_v2', 'Vote_v2', 'Stream'],
          ...['switchboard.chat_summaries', 'switchboard.search_pending'],
        ),
      );
      expect(await tablesOf(session, other)).toEqual(ALL);
      const [log] = await session.query(`select user_id, chat_id from usage_logs where id = $1`, [
        owner.usageLogId,
      ]);
      expect(log).toEqual({ user_id: owner.userId, chat_id: null });
    };
    await after(undefined, `delete from chat where id = $1`, [owner.chatId], look);
    // Users cannot write usage_logs, but can delete their chats.
    await after(signedIn(owner.userId), `delete from chat where id = $1`, [owner.chatId], look);
  });

  it('a message takes its votes, its streams and the summary of its chat along, and no others', async () => {
    const { owner } = world;
    await connection.rolledBack(undefined, async (session) => {
      await insertVote(session, owner.chatId, owner.answerId);
      const streamId = await insertStream(session, owner.chatId, { messageId: owner.answerId });
      const unboundId = await insertStream(session, owner.chatId);
      await session.become(signedIn(owner.userId));
      await session.query(`delete from "Message_v2" where id = $1`, [owner.messageId]);
      await session.becomeOperator();
      expect(await tablesOf(session, owner)).toEqual(
        without('Message_v2', 'Vote_v2', 'Stream', 'switchboard.chat_summaries'),
      );
      expect(
        await session.query(`select "messageId" from "Vote_v2" where "chatId" = $1`, [owner.chatId]),
      ).toEqual([{ messageId: owner.answerId }]);
      const streams = await session.query(`select id from "Stream" where "chatId" = $1`, [owner.chatId]);
      expect(streams.map(({ id }) => id).sort()).toEqual([streamId, unboundId].sort());
    });
  });

  it('a version of a document takes its suggestions along, and not those of other versions', async () => {
    const { owner } = world;
    const laterAt = new Date(owner.documentCreatedAt.getTime() + 1);
    await connection.rolledBack(undefined, async (session) => {
      await insertDocument(session, owner.userId, { id: owner.documentId, createdAt: laterAt });
      const laterId = await insertSuggestion(session, owner.userId, owner.documentId, {
        documentCreatedAt: laterAt,
      });
      await session.become(signedIn(owner.userId));
      await session.query(`delete from "Document" where id = $1 and "createdAt" = $2`, [
        owner.documentId,
        owner.documentCreatedAt,
      ]);
      await session.becomeOperator();
      expect(
        await session.query(`select id from "Suggestion" where "documentId" = $1`, [owner.documentId]),
      ).toEqual([{ id: laterId }]);
      expect(
        await session.query(`select "createdAt" from "Document" where id = $1`, [owner.documentId]),
      ).toEqual([{ createdAt: laterAt }]);
    });
  });

  it('nothing is left that refers to deleted rows', async () => {
    await connection.rolledBack(undefined, async (session) => {
      await insertMessage(session, world.owner.chatId);
      await session.query(`delete from auth.users`);
      await session.query('select switchboard.fold_usage(1000)');
      for (const table of ALL) {
        const [row] = await session.query(`select count(*)::int as count from ${referenceTo(table)}`);
        // The configuration stays, without the user's id.
        if (!MEMORY.includes(table)) expect({ table, ...row }).toEqual({ table, count: 0 });
      }
      expect(await session.attempt(`select 1 from admin_config where updated_by is not null`)).toBe('none');
      expect(await session.attempt(`select 1 from admin_config`)).toBe('rows');
    });
  });

  it.each([
    [`insert into chat (user_id) values (gen_random_uuid())`],
    [`insert into "Message_v2" ("chatId", role, parts) values (gen_random_uuid(), 'user', '[]')`],
    [`insert into "Stream" ("chatId") values (gen_random_uuid())`],
    [`insert into "Document" (user_id, title) values (gen_random_uuid(), 't')`],
    [
      `insert into usage_logs (user_id, agent_type, model_used, provider) values (gen_random_uuid(), 'chat', 'm', 'p')`,
    ],
    [`update admin_config set updated_by = gen_random_uuid()`],
  ])('rows that do not exist cannot be referred to: %s', async (sql) => {
    expect(await connection.rolledBack(undefined, (session) => session.attempt(sql))).toBe('error 23503');
  });
});
