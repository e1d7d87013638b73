import { insertStatement } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { type Action, type Cell, CELLS, type Persona, referenceTo, type Target, TARGETS } from './matrix.js';
import {
  type Actor,
  ANONYMOUS,
  connect,
  type Connection,
  type Outcome,
  SERVICE,
  type Session,
  signedIn,
  throughDataApi,
} from './session.js';
import { createMigratedSupabaseDatabase } from './supabase-database.js';
import { insertWorld, type World } from './world.js';

const ACTORS: Record<Persona, (world: World) => Actor> = {
  owner: ({ owner }) => signedIn(owner.userId),
  other: ({ other }) => signedIn(other.userId),
  admin: ({ admin }) => signedIn(admin.userId, 'admin'),
  api_owner: ({ owner }) => throughDataApi(owner.userId),
  api_other: ({ other }) => throughDataApi(other.userId),
  api_admin: ({ admin }) => throughDataApi(admin.userId, 'admin'),
  anonymous: () => ANONYMOUS,
  service: () => SERVICE,
};

// Supabase's default grants on new tables must make no difference.
describe.each([
  ['plain PostgreSQL', () => createTestDatabase()],
  ['hosted Supabase', () => createMigratedSupabaseDatabase()],
])('row level security on %s', (_name, createDatabase) => {
  let database: TestDatabase;
  let connection: Connection;
  let world: World;

  beforeAll(async () => {
    database = await createDatabase();
    connection = await connect(database);
    world = await insertWorld(database);
  });

  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  it('has cells for every table that users can reach, each action and persona once', async () => {
    const tables = await database.query(
      `select case relnamespace when 'public'::regnamespace then '' else 'switchboard.' end || relname as name
         from pg_class
        where relkind in ('r', 'p', 'v', 'm', 'f')
          and (relnamespace = 'public'::regnamespace
               or relnamespace = 'switchboard'::regnamespace
                  and has_table_privilege('switchboard_user', pg_class.oid, 'select, insert, update, delete'))`,
    );
    const expected = tables.flatMap(({ name }) =>
      (['select', 'insert', 'update', 'delete'] satisfies Action[]).flatMap((action) =>
        Object.keys(ACTORS).map((persona) => `${name} ${action} ${persona}`),
      ),
    );
    expect(CELLS.map(({ table, action, persona }) => `${table} ${action} ${persona}`).sort()).toEqual(
      expected.sort(),
    );
  });

  it.each(CELLS)('$table: $action by $persona → $outcome', async (cell) => {
    const outcome = await connection.rolledBack(ACTORS[cell.persona](world), (session) =>
      ATTEMPTS[cell.action](session, cell, TARGETS[cell.table]!, world),
    );
    expect(outcome).toBe(cell.outcome);
  });
});

type Attempt = (session: Session, cell: Cell, target: Target, world: World) => Promise<Outcome>;

/**
 * Updates and deletions apply to the whole table, without a condition: a condition would read columns, and the policy
 * for reading would then hide rows that the policy for writing allows. The owner's row afterwards is what counts.
 */
const ATTEMPTS: Record<Action, Attempt> = {
  select: async (session, { table }, { key }, { owner }) => {
    const { condition, values } = whereOf(key(owner));
    return session.attempt(`select * from ${referenceTo(table)} where ${condition}`, values);
  },
  insert: async (session, { table }, { newRow }, { owner }) => {
    const { sql, values } = insertStatement(referenceTo(table), newRow(owner));
    return session.attempt(sql, values);
  },
  update: async (session, { table }, { key, change }, { owner }) => {
    const outcome = await session.attempt(`update ${referenceTo(table)} set ${change}`);
    const { condition, values } = whereOf(key(owner));
    return ifTrue(
      outcome,
      session,
      `exists (select from ${referenceTo(table)} where ${condition} and ${change})`,
      values,
    );
  },
  delete: async (session, { table }, { key }, { owner }) => {
    const outcome = await session.attempt(`delete from ${referenceTo(table)}`);
    const { condition, values } = whereOf(key(owner));
    return ifTrue(
      outcome,
      session,
      `not exists (select from ${referenceTo(table)} where ${condition})`,
      values,
    );
  },
};

/** The reported row count is not enough, because the rows may not be the owner's. */
async function ifTrue(
  outcome: Outcome,
  session: Session,
  condition: string,
  values: unknown[],
): Promise<Outcome> {
  await session.becomeOperator();
  const [row] = await session.query(`select ${condition} as happened`, values);
  if (row.happened) return 'rows';
  return outcome === 'rows' ? 'none' : outcome;
}

function whereOf(columns: Record<string, unknown>): { condition: string; values: unknown[] } {
  return {
    condition: Object.keys(columns)
      .map((name, index) => `"${name}" = $${index + 1}`)
      .join(' and '),
    values: Object.values(columns),
  };
}
