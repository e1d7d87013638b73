import pg from 'pg';
import { TABLES, type ExpectedTable } from './expected-schema.js';

/** What a check looks at: one state of one database, in a transaction that can not change it. */
export interface Catalog {
  /** The expected tables that are there. Nothing more is said about one that is missing. */
  tables: readonly ExpectedTable[];
  tableNames: readonly string[];
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Like {@link query}, of a table that may not be there: then it has no rows. */
  rowsOf<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
}

/** Compares one part of the design with the database by one query. Each difference is a line. */
export type Check = (catalog: Catalog) => Promise<string[]>;

const CONNECTION_TIMEOUT = 10_000;
const UNDEFINED_TABLE = '42P01';

/** Connects, and runs `fn` in a read-only transaction in which PostgreSQL prints every name with its schema. */
export async function withCatalog<T>(url: string, fn: (catalog: Catalog) => Promise<T>): Promise<T> {
  const client = await connect(url);
  try {
    await client.query('begin isolation level repeatable read, read only');
    await client.query(`set local search_path = ''`);
    return await fn(await catalogOf(client));
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function connect(url: string): Promise<pg.Client> {
  try {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'switchboard-verify',
      connectionTimeoutMillis: CONNECTION_TIMEOUT,
    });
    // Whoever waits for an answer hears of a lost connection; without a listener, the process would end.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  } catch (error) {
    throw new Error(`The database can not be reached: ${reasonOf(error)}.`, { cause: error });
  }
}

/** A host with several addresses fails once for each, in an error that has no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

async function catalogOf(client: pg.Client): Promise<Catalog> {
  const query: Catalog['query'] = async <Row extends pg.QueryResultRow>(
    sql: string,
    parameters?: unknown[],
  ) => (await client.query<Row>(sql, parameters)).rows;

  const present = await query<{ name: string }>(
    `select relname::text as name from pg_class
      where relnamespace = to_regnamespace('public') and relkind in ('r', 'p') and relname = any($1)`,
    [TABLES.map(({ name }) => name)],
  );
  const names = new Set(present.map(({ name }) => name));

  return {
    tables: TABLES.filter(({ name }) => names.has(name)),
    tableNames: [...names],
    query,
    rowsOf: async (sql, parameters) => {
      await client.query('savepoint rows');
      try {
        return await query(sql, parameters);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || error.code !== UNDEFINED_TABLE) throw error;
        await client.query('rollback to savepoint rows');
        return [];
      }
    },
  };
}
