import { insertChat, insertMessage } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { ANONYMOUS, connect, type Connection, type Session, signedIn } from './session.js';
import { insertWorld, type World } from './world.js';

describe('public chats', () => {
  let database: TestDatabase;
  let connection: Connection;
  let world: World;
  let chatId: string;
  let messageId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    connection = await connect(database);
    world = await insertWorld(database);
    chatId = await insertChat(database, world.owner.userId, { visibility: 'public', title: 'Shared' });
    messageId = await insertMessage(database, chatId);
  });

  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  const asOther = <T>(fn: (session: Session) => Promise<T>): Promise<T> =>
    connection.rolledBack(signedIn(world.other.userId), fn);

  it('are read by id', async () => {
    await asOther(async (session) => {
      expect(await session.query(`select id, title from switchboard.public_chat($1)`, [chatId])).toEqual([
        { id: chatId, title: 'Shared' },
      ]);
      expect(await session.query(`select id from switchboard.public_chat_messages($1)`, [chatId])).toEqual([
        { id: messageId },
      ]);
    });
  });

  it('are in no list, and neither are their messages', async () => {
    await asOther(async (session) => {
      expect(await session.query(`select id from chat`)).toEqual([{ id: world.other.chatId }]);
      expect(await session.attempt(`select * from chat where visibility = 'public'`)).toBe('none');
      expect(await session.attempt(`select * from "Message_v2" where "chatId" = $1`, [chatId])).toBe('none');
    });
  });

  it.each([
    ['null', null],
    ['an id of nothing', '00000000-0000-4000-8000-000000000000'],
  ])('are not visible to %s', async (_name, id) => {
    await asOther(async (session) => {
      expect(await session.attempt(`select * from switchboard.public_chat($1)`, [id])).toBe('none');
      expect(await session.attempt(`select * from switchboard.public_chat_messages($1)`, [id])).toBe('none');
    });
  });

  it('are never listed by joining the functions to readable rows', async () => {
    await asOther(async (session) => {
      expect(
        await session.query(
          `select found.id from chat cross join lateral switchboard.public_chat(chat.id) found`,
        ),
      ).toEqual([]);
    });
  });

  it('do not include private ones, for any user', async () => {
    for (const actor of [
      signedIn(world.other.userId),
      signedIn(world.owner.userId),
      signedIn(world.admin.userId, 'admin'),
    ]) {
      await connection.rolledBack(actor, async (session) => {
        const id = [world.owner.chatId];
        expect(await session.attempt(`select * from switchboard.public_chat($1)`, id)).toBe('none');
        expect(await session.attempt(`select * from switchboard.public_chat_messages($1)`, id)).toBe('none');
      });
    }
  });

  it('are hidden as soon as they are private', async () => {
    await connection.rolledBack(signedIn(world.owner.userId), async (session) => {
      await session.query(`update chat set visibility = 'private' where id = $1`, [chatId]);
      await session.become(signedIn(world.other.userId));
      expect(await session.attempt(`select * from switchboard.public_chat($1)`, [chatId])).toBe('none');
      expect(await session.attempt(`select * from switchboard.public_chat_messages($1)`, [chatId])).toBe(
        'none',
      );
    });
  });

  it('require a signed-in user', async () => {
    await connection.rolledBack(ANONYMOUS, async (session) => {
      expect(await session.attempt(`select * from switchboard.public_chat($1)`, [chatId])).toBe('denied');
      expect(await session.attempt(`select * from switchboard.public_chat_messages($1)`, [chatId])).toBe(
        'denied',
      );
    });
  });

  it.each([
    [`update chat set title = 'Taken' where id = $1`, 'none'],
    [`update chat set visibility = 'private' where id = $1`, 'none'],
    [`delete from chat where id = $1`, 'none'],
    [`update "Message_v2" set parts = '[]' where "chatId" = $1`, 'none'],
    [`delete from "Message_v2" where "chatId" = $1`, 'none'],
    [`insert into "Message_v2" ("chatId", role, parts) values ($1, 'user', '[]')`, 'denied'],
    [`insert into "Stream" ("chatId") values ($1)`, 'denied'],
    [
      `insert into "Vote_v2" ("chatId", "messageId", "isUpvoted")
       select $1, id, true from switchboard.public_chat_messages($1)`,
      'denied',
    ],
    [
      `insert into "Stream" ("chatId", "messageId")
       select chat.id, message.id from chat, switchboard.public_chat_messages($1) message`,
      'denied',
    ],
  ])('are read only: %s → %s', async (sql, outcome) => {
    expect(await asOther((session) => session.attempt(sql, [chatId]))).toBe(outcome);
  });
});
