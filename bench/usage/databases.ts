import pg from 'pg';
import type * as Migrate from '../../src/common/database/migrate.js';
import { load } from '../support/build.js';

const { revertLastMigration, runMigrations } = await load<typeof Migrate>('common/database/migrate.js');

/** The migration that adds the rollups. Without it, usage is only counted for budgets. */
const ROLLUPS = 'UsageRollups1764000000009';

/**
 * Adds another migrated database on the same server. With `rollups: false`, the migrations that add rollups are
 * reverted.
 */
export async function addDatabase(
  serverUrl: string,
  name: string,
  { rollups = true }: { rollups?: boolean } = {},
): Promise<string> {
  await run(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await runMigrations({ url: url.href });
  if (!rollups) while ((await revertLastMigration({ url: url.href })) !== ROLLUPS);
  return url.href;
}

/** Runs statements without parameters, one after the other. */
export async function run(url: string, ...statements: string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

export async function withClient<T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await fn(client);
  } finally {
    await client.end();
  }
}
