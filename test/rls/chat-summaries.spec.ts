import { insertChat, insertMessage } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { connect, type Connection, type Session, signedIn } from './session.js';
import { insertWorld, type World } from './world.js';

/** Summaries of chats: dropped with what they are about, and copied only where their messages can be read. */
describe('summaries of chats', () => {
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

  const at = (second: number) => `2026-01-02T03:04:0${second}.000Z`;

  /** A chat of six messages, with a summary of the first four and a compaction up to the same message. */
  async function summarizedChat(
    session: Session,
    { visibility = 'private' }: { visibility?: string } = {},
  ): Promise<{ chatId: string; ids: string[] }> {
    await session.becomeOperator();
    const chatId = await insertChat(session, world.owner.userId, { visibility });
    const ids: string[] = [];
    for (let index = 0; index < 6; index++) {
      const role = index % 2 === 0 ? 'user' : 'assistant';
      ids.push(await insertMessage(session, chatId, { role, createdAt: at(index) }));
    }
    await session.query(
      `insert into switchboard.chat_summaries (chat_id, through_at, through_id, content, tokens, context_tokens, model)
       values ($1, $2, $3, 'They said hello.', 4, 100, 'm')`,
      [chatId, at(3), ids[3]],
    );
    await session.query(
      `insert into switchboard.compactions (chat_id, token, instance_id, started_at, through_at, through_id)
       values ($1, gen_random_uuid(), 1, now(), $2, $3)`,
      [chatId, at(3), ids[3]],
    );
    return { chatId, ids };
  }

  const stateOf = async (session: Session, chatId: string) => {
    await session.becomeOperator();
    const [state] = await session.query(
      `select (select count(*)::int from switchboard.chat_summaries where chat_id = $1) as summaries,
              (select count(*)::int from switchboard.compactions where chat_id = $1 and token is not null) as running`,
      [chatId],
    );
    return state;
  };
  const DROPPED = { summaries: 0, running: 0 };
  const KEPT = { summaries: 1, running: 1 };

  it.each<[string, number, string, object]>([
    ['the first one is changed', 0, `update "Message_v2" set parts = '[]' where id = $1`, DROPPED],
    ['the last one is changed', 3, `update "Message_v2" set parts = '[]' where id = $1`, DROPPED],
    ['the last one is deleted', 3, 'delete from "Message_v2" where id = $1', DROPPED],
    ['one of them changes its role', 1, `update "Message_v2" set role = 'user' where id = $1`, DROPPED],
    ['one of them moves behind it', 1, `update "Message_v2" set "createdAt" = now() where id = $1`, DROPPED],
    [
      'a later one moves into it',
      5,
      `update "Message_v2" set "createdAt" = '${at(1)}' where id = $1`,
      DROPPED,
    ],
    ['the next one is changed', 4, `update "Message_v2" set parts = '[]' where id = $1`, KEPT],
    ['the next one is deleted', 4, 'delete from "Message_v2" where id = $1', KEPT],
    ['only figures of a message change', 1, 'update "Message_v2" set input_tokens = 5 where id = $1', KEPT],
  ])('are dropped or kept when %s', async (_name, index, sql, expected) => {
    await connection.rolledBack(undefined, async (session) => {
      const { chatId, ids } = await summarizedChat(session);
      await session.become(signedIn(world.owner.userId));
      expect(await session.attempt(sql, [ids[index]])).toBe('rows');
      expect(await stateOf(session, chatId)).toEqual(expected);
    });
  });

  it('are dropped in both chats when a message moves to another chat', async () => {
    await connection.rolledBack(undefined, async (session) => {
      const one = await summarizedChat(session);
      const two = await summarizedChat(session);
      await session.query('update "Message_v2" set "chatId" = $2 where id = $1', [one.ids[1], two.chatId]);
      expect([await stateOf(session, one.chatId), await stateOf(session, two.chatId)]).toEqual([
        DROPPED,
        DROPPED,
      ]);
    });
  });

  it('are dropped in each chat when a statement deletes messages of many', async () => {
    await connection.rolledBack(undefined, async (session) => {
      const chats: Array<Awaited<ReturnType<typeof summarizedChat>>> = [];
      for (let chat = 0; chat < 100; chat++) chats.push(await summarizedChat(session));
      await session.query('delete from "Message_v2" where id = any($1)', [
        chats.map(({ ids }, index) => ids[index % 2 === 0 ? 0 : 5]),
      ]);
      for (const [index, { chatId }] of chats.entries())
        expect(await stateOf(session, chatId)).toEqual(index % 2 === 0 ? DROPPED : KEPT);
    });
  });

  it('go with a user who has thousands of chats, without a lock for each', async () => {
    await connection.rolledBack(undefined, async (session) => {
      await session.query(
        `insert into chat (id, user_id) select gen_random_uuid(), $1 from generate_series(1, 12000)`,
        [world.other.userId],
      );
      await session.query(
        `insert into "Message_v2" ("chatId", role, parts) select id, 'user', '[]' from chat where user_id = $1`,
        [world.other.userId],
      );
      expect(await session.attempt('delete from auth.users where id = $1', [world.other.userId])).toBe(
        'rows',
      );
      const [locks] = await session.query(
        `select count(*)::int as count from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'`,
      );
      expect(locks.count).toBeLessThanOrEqual(64);
    });
  });

  describe('of another chat', () => {
    const copy = 'select switchboard.copy_summary($1, $2)';

    async function copied(
      session: Session,
      from: { visibility: string },
      { toOwn }: { toOwn: boolean },
    ): Promise<number> {
      const { chatId } = await summarizedChat(session, from);
      const target = await insertChat(session, toOwn ? world.other.userId : world.admin.userId);
      for (let index = 0; index < 4; index++)
        await insertMessage(session, target, {
          role: index % 2 === 0 ? 'user' : 'assistant',
          createdAt: at(index),
        });
      await session.become(signedIn(world.other.userId));
      await session.query(copy, [chatId, target]);
      return ((await stateOf(session, target)) as { summaries: number }).summaries;
    }

    it.each([
      ['a public chat into an own one', 'public', true, 1],
      ['a private chat into an own one', 'private', true, 0],
      ["a public chat into somebody else's", 'public', false, 0],
    ])('are copied from %s or not', async (_name, visibility, toOwn, count) => {
      await connection.rolledBack(undefined, async (session) => {
        expect(await copied(session, { visibility }, { toOwn })).toBe(count);
      });
    });
  });
});
