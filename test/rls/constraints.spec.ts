import {
  insertChat,
  insertConfig,
  insertDocument,
  insertMessage,
  insertRateLimit,
  insertRepository,
  insertUsageLog,
  type Columns,
} from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { connect, type Connection, type Session } from './session.js';
import { insertWorld, type World } from './world.js';

const CHECK_VIOLATION = '23514';
const UNIQUE_VIOLATION = '23505';

const AGENT_TYPES = ['routing', 'chat', 'artifact', 'git_mcp'];

/** How to insert a row of a table. `columns` override the defaults. */
type Insert = (session: Session, world: World, columns: Columns) => Promise<string>;

const chat: Insert = (session, { owner }, columns) => insertChat(session, owner.userId, columns);
const message: Insert = (session, { owner }, columns) => insertMessage(session, owner.chatId, columns);
const document: Insert = (session, { owner }, columns) => insertDocument(session, owner.userId, columns);
const usageLog: Insert = (session, { owner }, columns) => insertUsageLog(session, owner.userId, columns);
const rateLimit: Insert = (session, { owner }, columns) =>
  insertRateLimit(session, owner.userId, { period_start: '2026-05-01T00:00:00Z', ...columns });

const ENUMS: Array<{ name: string; insert: Insert; column: string; values: string[] }> = [
  { name: 'chat', insert: chat, column: 'visibility', values: ['public', 'private'] },
  {
    name: 'Message_v2',
    insert: message,
    column: 'role',
    values: ['user', 'assistant', 'system', 'tool'],
  },
  { name: 'Document', insert: document, column: 'kind', values: ['text', 'code', 'image', 'sheet'] },
  { name: 'usage_logs', insert: usageLog, column: 'agent_type', values: AGENT_TYPES },
  { name: 'rate_limit_tracking', insert: rateLimit, column: 'agent_type', values: AGENT_TYPES },
  { name: 'rate_limit_tracking', insert: rateLimit, column: 'limit_type', values: ['hourly', 'daily'] },
];

/** Counts and amounts are never negative. */
const AMOUNTS: Array<{ name: string; insert: Insert; columns: string[] }> = [
  { name: 'chat', insert: chat, columns: ['total_input_tokens', 'total_output_tokens', 'total_cost'] },
  { name: 'Message_v2', insert: message, columns: ['input_tokens', 'output_tokens', 'cost'] },
  {
    name: 'usage_logs',
    insert: usageLog,
    columns: ['input_tokens', 'output_tokens', 'total_tokens', 'input_cost', 'output_cost', 'total_cost'],
  },
  { name: 'rate_limit_tracking', insert: rateLimit, columns: ['request_count', 'limit_value'] },
];

describe('constraints', () => {
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

  const inserting = (insert: Insert, columns: Columns): Promise<string> =>
    connection.rolledBack(undefined, (session) => insert(session, world, columns));

  describe.each(ENUMS)('$column of $name', ({ insert, column, values }) => {
    it.each(values)('accepts %s', async (value) => {
      await expect(inserting(insert, { [column]: value })).resolves.toEqual(expect.any(String));
    });

    it.each(['unknown', '', values[0]!.toUpperCase(), ` ${values[0]}`])('refuses "%s"', async (value) => {
      await expect(inserting(insert, { [column]: value })).rejects.toMatchObject({ code: CHECK_VIOLATION });
    });

    it('refuses null', async () => {
      await expect(inserting(insert, { [column]: null })).rejects.toMatchObject({ code: '23502' });
    });
  });

  it('allows new providers', async () => {
    await expect(inserting(usageLog, { provider: 'a-new-one' })).resolves.toEqual(expect.any(String));
  });

  it.each(AMOUNTS.flatMap(({ columns, ...amount }) => columns.map((column) => ({ ...amount, column }))))(
    '$column of $name is never negative',
    async ({ insert, column }) => {
      await expect(inserting(insert, { [column]: 0 })).resolves.toEqual(expect.any(String));
      await expect(inserting(insert, { [column]: -1 })).rejects.toMatchObject({ code: CHECK_VIOLATION });
    },
  );

  it('keeps costs to the sixth decimal', async () => {
    await connection.rolledBack(undefined, async (session) => {
      const id = await chat(session, world, { total_cost: '1234.567891' });
      const [row] = await session.query(`select total_cost from chat where id = $1`, [id]);
      expect(row.total_cost).toBe('1234.567891');
    });
  });

  it('keeps times to the millisecond', async () => {
    await connection.rolledBack(undefined, async (session) => {
      const id = await insertDocument(session, world.owner.userId);
      const [row] = await session.query(`select "createdAt" from "Document" where id = $1`, [id]);
      expect(
        await session.query(`select id from "Document" where id = $1 and "createdAt" = $2`, [
          id,
          row.createdAt,
        ]),
      ).toEqual([{ id }]);
    });
  });

  it.each<[string, Insert]>([
    [
      'a configuration key',
      (session, _world, columns) => insertConfig(session, { config_key: 'k', ...columns }),
    ],
    ['a period of a limit', rateLimit],
    [
      'a repository of a user',
      (session, { owner }, columns) =>
        insertRepository(session, owner.userId, { repo_name: 'same', ...columns }),
    ],
  ])('has %s once', async (_name, insert) => {
    await connection.rolledBack(undefined, async (session) => {
      await insert(session, world, {});
      await expect(insert(session, world, {})).rejects.toMatchObject({ code: UNIQUE_VIOLATION });
    });
  });

  it('distinguishes repositories as GitHub does, case-insensitively', async () => {
    await connection.rolledBack(undefined, async (session) => {
      await insertRepository(session, world.owner.userId, { repo_owner: 'Octocat', repo_name: 'Hello' });
      await insertRepository(session, world.other.userId, { repo_owner: 'octocat', repo_name: 'hello' });
      await expect(
        insertRepository(session, world.owner.userId, { repo_owner: 'octocat', repo_name: 'hello' }),
      ).rejects.toMatchObject({ code: UNIQUE_VIOLATION });
    });
  });

  it('allows periods of several agents and limits with the same start', async () => {
    await connection.rolledBack(undefined, async (session) => {
      for (const agent_type of AGENT_TYPES)
        for (const limit_type of ['hourly', 'daily'])
          await rateLimit(session, world, { agent_type, limit_type });
    });
  });

  it('increments the version of the configuration only if its data changes', async () => {
    await connection.rolledBack(undefined, async (session) => {
      const id = await insertConfig(session, { config_data: { a: 1 } });
      const update = async (set: string) =>
        (await session.query(`update admin_config set ${set} where id = $1 returning version`, [id]))[0]
          .version;
      expect(await update(`config_data = '{"a": 1}'`)).toBe(1);
      expect(await update(`config_data = '{"a": 2}'`)).toBe(2);
      expect(await update(`updated_by = null`)).toBe(2);
    });
  });

  it.each(['chat', 'admin_config'])('records when a row of %s was changed', async (table) => {
    await connection.rolledBack(undefined, async (session) => {
      const id = table === 'chat' ? world.owner.chatId : world.owner.configId;
      const [row] = await session.query(
        `update ${table} set updated_at = '2020-01-01' where id = $1
         returning updated_at >= date_trunc('milliseconds', now()) as noted`,
        [id],
      );
      expect(row.noted).toBe(true);
    });
  });
});
