import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { ANONYMOUS, connect, type Connection, signedIn } from './session.js';
import { insertWorld, type World } from './world.js';

describe('what only the server may know', () => {
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

  const ask = () =>
    database.query(
      `insert into switchboard.tool_approvals
         (message_id, approval_id, chat_id, user_id, tool_call_id, tool_name, call_hash, answer)
       values ($1, gen_random_uuid()::text, $2, $3, 'c', 't', repeat('0', 64), '{}')`,
      [world.owner.messageId, world.owner.chatId, world.owner.userId],
    );
  const count = async () => {
    const [row] = await database.query('select count(*)::int as count from switchboard.tool_approvals');
    return Number(row?.count);
  };

  it.each([
    'select * from switchboard.tool_approvals',
    'select approval_id from switchboard.tool_approvals',
    'delete from switchboard.tool_approvals',
    `update switchboard.tool_approvals set call_hash = ''`,
    `insert into switchboard.tool_approvals (message_id) select id from "Message_v2"`,
    'truncate switchboard.tool_approvals',
    'select * from switchboard.client_id_secret',
    `update switchboard.client_id_secret set secret = ''`,
    'delete from switchboard.client_id_secret',
    'select switchboard.id_namespace(auth.uid())',
  ])('is closed to its user and to everyone else: %s', async (statement) => {
    await ask();
    for (const session of [signedIn(world.owner.userId), signedIn(world.other.userId), ANONYMOUS]) {
      expect(await connection.rolledBack(session, (sql) => sql.attempt(statement))).toBe('denied');
    }
  });

  it('has one secret, and keeps it', async () => {
    await expect(
      database.query(`insert into switchboard.client_id_secret (secret) values ('x')`),
    ).rejects.toThrow('duplicate key');
    const namespaces = await database.query(
      'select distinct switchboard.id_namespace($1) as a, switchboard.id_namespace($2) as b from generate_series(1, 3)',
      [world.owner.userId, world.other.userId],
    );
    expect(namespaces).toHaveLength(1);
    expect(namespaces[0]?.a).not.toBe(namespaces[0]?.b);
  });

  it('is deleted with the message, the chat and the user', async () => {
    await ask();
    expect(await count()).toBeGreaterThan(0);
    await database.query('delete from auth.users where id = $1', [world.owner.userId]);
    expect(await count()).toBe(0);
  });
});

describe('the parts of a copy', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database?.drop());

  const copied = async (parts: string) =>
    (await database.query('select switchboard.copied_parts($1::json) as parts', [parts]))[0]?.parts;

  it.each<[string, unknown]>([
    ['null', []],
    ['7', []],
    ['{"type":"text"}', []],
    ['[null, 1, [], {}, {"type":1}]', []],
    [
      '[{"type":"text","text":"a"},{"type":"text","text":"b"}]',
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    ],
    ['[{"type":"data-draft","data":{}},{"type":"data-agent","data":{}}]', [{ type: 'data-agent', data: {} }]],
    ['[{"type":"steering-message","parts":[]},{"type":"custom"}]', []],
    ['[{"type":"tool-x","state":"approval-requested","approval":{"id":"a"}}]', []],
    ['[{"type":"dynamic-tool","state":"approval-responded","approval":{"id":"a","approved":true}}]', []],
    ['[{"type":"tool-x","state":"input-available"},{"type":"tool-x"}]', []],
    [
      '[{"type":"tool-x","state":"output-available","output":1,"approval":{"id":"a","approved":true}}]',
      [{ type: 'tool-x', state: 'output-available', output: 1 }],
    ],
    [
      '[{"type":"tool-x","state":"output-denied","approval":{"id":"a","approved":false}}]',
      [{ type: 'tool-x', state: 'output-error', errorText: 'The call was denied.' }],
    ],
  ])('of %s', async (parts, expected) => {
    expect(await copied(parts)).toEqual(expected);
  });

  it('are those that can be read, if one cannot', async () => {
    const parts = String.raw`[{"type":"text","text":"a"},{"type":"te\u0000xt"},{"type":"tool-x","state":"output-available","output":"\u0000"}]`;
    expect(await copied(parts)).toEqual([{ type: 'text', text: 'a' }]);
  });
});
