import pg from 'pg';
import { connect } from '../cli/connect.js';
import { TABLES, type ExpectedTable } from './expected-schema.js';

/** What a check looks at: one state of one database, in a transaction that can not change it. */
export interface Catalog {
  /** The expected tables that are there. Nothing more is said about one that is missing. */
  tables: readonly ExpectedTable[];
  tableNames: readonly string[];
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Like {@link query}, of a table or columns that may not be there: then there are no rows. */
  rowsOf<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
}

/** Compares one part of the design with the database by one query. Each difference is a line. */
export type Check = (catalog: Catalog) => Promise<string[]>;

/** A table, or a column. */
const UNDEFINED = new Set(['42P01', '42703']);

/** The name of a row of `pg_class`, as {@link ExpectedTable} has it. */
export const TABLE_NAME = `(case relnamespace when to_regnamespace('public') then '' else relnamespace::regnamespace || '.' end || relname)`;

/** Whether a row of `pg_class` is one of the tables whose names are the first parameter. */
export const IS_EXPECTED = `(relnamespace in (to_regnamespace('public'), to_regnamespace('switchboard')) and ${TABLE_NAME} = any($1))`;

/** Connects, and runs `fn` in a read-only transaction in which PostgreSQL prints every name with its schema. */
export async function withCatalog<T>(url: string, fn: (catalog: Catalog) => Promise<T>): Promise<T> {
  const client = await connect(url, 'switchboard-verify');
  try {
    await client.query('begin isolation level repeatable read, read only');
    await client.query(`set local search_path = ''`);
    return await fn(await catalogOf(client));
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function catalogOf(client: pg.Client): Promise<Catalog> {
  const query: Catalog['query'] = async <Row extends pg.QueryResultRow>(
    sql: string,
    parameters?: unknown[],
  ) => (await client.query<Row>(sql, parameters)).rows;

  const present = await query<{ name: string }>(
    `select ${TABLE_NAME} as name from pg_class where relkind in ('r', 'p') and ${IS_EXPECTED}`,
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
        if (!(error instanceof pg.DatabaseError) || !UNDEFINED.has(error.code ?? '')) throw error;
        await client.query('rollback to savepoint rows');
        return [];
      }
    },
  };
}
