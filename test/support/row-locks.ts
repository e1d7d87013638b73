import pg from 'pg';
import type { TestDatabase } from './postgres.js';

/** A transaction that stays open, like another user's slow statement. */
export interface HeldTransaction {
  query(sql: string, parameters?: unknown[]): Promise<number>;
  /** Rolls it back, and closes its connection. */
  release(): Promise<void>;
}

/** Opens a transaction as the operator, or as a user of the Data API, and leaves it open. */
export async function hold(database: TestDatabase, userId?: string): Promise<HeldTransaction> {
  const client = new pg.Client({ connectionString: database.url, application_name: 'test-holder' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  if (userId !== undefined) {
    const claims = {
      sub: userId,
      role: 'authenticated',
      user_metadata: { role: 'user', isActive: true },
    };
    await client.query(
      `select set_config('request.jwt.claims', $1, true), set_config('request.jwt.claim.sub', $2, true)`,
      [JSON.stringify(claims), userId],
    );
    await client.query('set local role authenticated');
  }
  let isOver = false;
  return {
    query: async (sql, parameters) => (await client.query(sql, parameters)).rowCount ?? 0,
    release: async () => {
      if (isOver) return;
      isOver = true;
      await client.end();
    },
  };
}

/**
 * The number of the application's connections that wait for a lock. `pg_stat_activity` reads one backend after the
 * other, so a slot that changes hands meanwhile is counted twice. The smallest of three readings is used.
 *
 * @param statement a pattern for LIKE: only such statements are counted
 */
export async function waitingForLocks(database: TestDatabase, statement = '%'): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < 3; reading++) {
    const [row] = await database.query(
      `select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and application_name = 'switchboard' and wait_event_type = 'Lock'
          and query like $1`,
      [statement],
    );
    fewest = Math.min(fewest, row.waiting as number);
  }
  return fewest;
}
