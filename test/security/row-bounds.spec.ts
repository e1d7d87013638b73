import {
  type Columns,
  insertChat,
  insertDocument,
  insertMessage,
  insertRepository,
  insertUsageLog,
} from '../fixtures/rows.js';
import { connect, type Connection, type Session, signedIn } from '../rls/session.js';
import { insertWorld, type World } from '../rls/world.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

type Insert = (session: Session, world: World, columns: Columns) => Promise<unknown>;

const INSERTS: Record<string, Insert> = {
  chat: (session, { owner }, columns) => insertChat(session, owner.userId, columns),
  message: (session, { owner }, columns) => insertMessage(session, owner.chatId, columns),
  document: (session, { owner }, columns) => insertDocument(session, owner.userId, columns),
  usage: (session, { owner }, columns) => insertUsageLog(session, owner.userId, columns),
  repository: (session, { owner }, columns) =>
    insertRepository(session, owner.userId, { repo_name: 'another', ...columns }),
};

const TABLES: Record<string, string> = { chat: 'chat', message: '"Message_v2"', usage: 'usage_logs' };

/** JSON as text, because JavaScript cannot serialize values of thousands of levels. */
class Json {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
const nest = (levels: number) => '['.repeat(levels) + '1' + ']'.repeat(levels);
const deep = (levels: number) => new Json(nest(levels));
const MEGABYTE = 1024 ** 2;

/** Each of these made a list, a report, recovery or an administrator's page fail for others. */
const REFUSED: Array<[row: string, what: string, columns: Columns]> = [
  ...['infinity', '-infinity', '0044-03-15 BC', '20000-01-01', '1969-12-31'].flatMap(
    (time): Array<[string, string, Columns]> => [
      ['chat', `created at ${time}`, { createdAt: time }],
      ['message', `created at ${time}`, { createdAt: time }],
      ['document', `created at ${time}`, { createdAt: time }],
      ['usage', `requested at ${time}`, { request_timestamp: time }],
      ['usage', `answered at ${time}`, { response_timestamp: time }],
      ['repository', `last accessed at ${time}`, { last_accessed: time }],
    ],
  ),
  ['message', 'with parts 129 levels deep', { parts: deep(129) }],
  ['message', 'with parts 14,555 levels deep', { parts: deep(14_555) }],
  [
    'message',
    'with deep parts that hide behind an unreadable character',
    { parts: new Json(String.raw`["\u0000",${nest(200)}]`) },
  ],
  ['message', 'with deep attachments', { attachments: deep(200) }],
  ['message', 'with deep metadata', { metadata: deep(200) }],
  ['message', 'with metadata of 2 MB', { metadata: 'x'.repeat(2 * MEGABYTE) }],
  ['message', 'with parts of 65 MB', { parts: ['x'.repeat(65 * MEGABYTE)] }],
  ['chat', 'with a deep context', { lastContext: deep(200) }],
  ['chat', 'with a title of 2,001 characters', { title: 'x'.repeat(2_001) }],
  ['chat', 'with a cost that is no number', { total_cost: 'NaN' }],
  ['message', 'with a cost that is no number', { cost: 'NaN' }],
  ['usage', 'with a cost that is no number', { total_cost: 'NaN' }],
  ['usage', 'with deep metadata', { metadata: deep(200) }],
  ['document', 'of 33 MB', { content: 'x'.repeat(33 * MEGABYTE) }],
  ['repository', 'with an address of 2,001 characters', { repo_url: 'x'.repeat(2_001) }],
];

const ACCEPTED: Array<[row: string, what: string, columns: Columns]> = [
  ['message', 'with parts 128 levels deep', { parts: deep(128) }],
  ['message', 'with parts of 10 MB', { parts: ['x'.repeat(10 * MEGABYTE)] }],
  ['message', 'with brackets in its text', { parts: [{ type: 'text', text: nest(500) }] }],
  [
    'message',
    'with half of a surrogate pair',
    { parts: new Json(String.raw`[{"type":"text","text":"\ud83d"}]`) },
  ],
  ['chat', 'of the year 1970', { createdAt: '1970-01-01T00:00:00Z' }],
  ['chat', 'of the year 9998', { createdAt: '9998-12-31T00:00:00Z' }],
  ['usage', 'at the largest cost', { total_cost: '9999.999999' }],
];

describe('limits of rows', () => {
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

  /** Stores a row, and then sets the JSON columns as text. */
  const outcomeOf = (row: string, columns: Columns): Promise<string> =>
    connection.rolledBack(undefined, async (session) => {
      const [texts, others] = [true, false].map((isJson) =>
        Object.fromEntries(Object.entries(columns).filter(([, value]) => value instanceof Json === isJson)),
      ) as [Record<string, Json>, Columns];
      try {
        const id = await INSERTS[row]!(session, world, others);
        for (const [column, { text }] of Object.entries(texts)) {
          await session.query(`update ${TABLES[row]} set "${column}" = $1 where id = $2`, [text, id]);
        }
        return 'stored';
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    });

  it.each(REFUSED)('refuse a %s %s, even from an operator', async (row, _what, columns) => {
    expect(await outcomeOf(row, columns)).toMatch(/^(23514|22007|22008|54001)$/);
  });

  it.each(ACCEPTED)('accept a %s %s', async (row, _what, columns) => {
    expect(await outcomeOf(row, columns)).toBe('stored');
  });

  it('cost little: a message of ordinary size is checked in well under a millisecond', async () => {
    const parts = JSON.stringify([{ type: 'text', text: 'word '.repeat(400) }]);
    await connection.rolledBack(signedIn(world.owner.userId), async (session) => {
      const [{ ms }] = (await session.query(
        `with started as materialized (select clock_timestamp() as at),
              measured as materialized (
                select count(*) filter (where switchboard.is_storable($1::text::json, 1000000 + n)) as stored
                  from generate_series(1, 1000) n, started)
         select extract(epoch from clock_timestamp() - at) * 1000 / stored as ms from started, measured`,
        [parts],
      )) as [{ ms: string }];
      expect(Number(ms)).toBeLessThan(0.5);
    });
  });
});
