import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** With the models of `fixtures/pinned-models.json`, whatever this version seeds. */
const TEMPLATE = 'switchboard_template';
/** The database of a new installation. */
const SEEDED_TEMPLATE = 'switchboard_seeded_template';

export interface TestDatabase {
  url: string;
  /** Runs a statement as the operator. Rows are untyped on purpose: tests assert their shape. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  query(sql: string, parameters?: unknown[]): Promise<any[]>;
  drop(): Promise<void>;
}

/**
 * A database of its own for a test: a clone of a migrated template, or an empty one.
 *
 * @param seeded with the models that this version seeds; otherwise with pinned ones, so that no test depends on a
 *   catalog that changes with what vendors offer
 */
export async function createTestDatabase({
  migrated = true,
  seeded = false,
}: { migrated?: boolean; seeded?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = seeded ? SEEDED_TEMPLATE : TEMPLATE;
  await asAdmin(`create database ${name} ${migrated ? `template ${template} strategy file_copy` : ''}`);
  const url = new URL(adminUrl());
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  pool.on('error', () => undefined);
  return {
    url: url.href,
    query: async (sql, parameters) => {
      const result = await pool.query<Record<string, unknown>>(sql, parameters);
      return result.rows;
    },
    drop: async () => {
      await pool.end();
      await asAdmin(`drop database if exists ${name} with (force)`);
    },
  };
}

function adminUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (!url)
    throw new Error(
      'TEST_DATABASE_URL is not set: tests are run by jest, whose global setup starts PostgreSQL.',
    );
  return url;
}

async function asAdmin(sql: string): Promise<void> {
  const client = new pg.Client(adminUrl());
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
