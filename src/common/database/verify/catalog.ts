import pg from 'pg';
import { connect } from '../cli/connect.js';

/** One database state, read in a read-only transaction. */
export interface Catalog {
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Like {@link query}, for tables or columns that may not exist. Returns no rows in that case. */
  rowsOf<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
}

/** A table or a column. */
const UNDEFINED = new Set(['42P01', '42703']);

/** The schema of the helpers. The Data API does not expose it. */
export const HELPER_SCHEMA = 'switchboard';

/** The roles of the API, and the role that the server uses to act for a user. */
export const ROLES = ['anon', 'authenticated', 'switchboard_user'] as const;

/** The name of a row of `pg_class`, with its schema unless that is `public`. */
export const TABLE_NAME = `(case relnamespace when to_regnamespace('public') then '' else relnamespace::regnamespace || '.' end || relname)`;

/**
 * Whether a row of `pg_class` is one of our tables or in the same schema. The migration runner creates its own table.
 */
export const IS_TABLE = `(relkind in ('r', 'p') and relnamespace in (to_regnamespace('public'), to_regnamespace('switchboard'))
  and ${TABLE_NAME} <> 'switchboard.migrations')`;

/** Connects and runs `fn` in a read-only transaction in which PostgreSQL prints every name with its schema. */
export async function withCatalog<T>(url: string, fn: (catalog: Catalog) => Promise<T>): Promise<T> {
  const client = await connect(url, 'switchboard-verify');
  try {
    await client.query('begin isolation level repeatable read, read only');
    return await fn(await catalogOf(client));
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The database as a transaction of this client sees it. */
export async function catalogOf(client: pg.Client): Promise<Catalog> {
  await client.query(`set local search_path = ''`);
  const query: Catalog['query'] = async <Row extends pg.QueryResultRow>(
    sql: string,
    parameters?: unknown[],
  ) => (await client.query<Row>(sql, parameters)).rows;

  return {
    query,
    rowsOf: async (sql, parameters) => {
      await client.query('savepoint rows');
      try {
        return await query(sql, parameters);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || !UNDEFINED.has(error.code ?? '')) throw error;
        await client.query('rollback to savepoint rows');
        return [];
      }
    },
  };
}
