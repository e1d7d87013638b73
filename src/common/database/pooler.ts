import type pg from 'pg';
import { GuardedClient } from './guarded-client.js';

/**
 * Whether a pooler answers at this URL. PostgreSQL names its own process when a connection opens, and a pooler invents
 * a number, because its connections have no process of their own.
 *
 * @throws Error if the database cannot be reached
 */
export async function isPooler(url: string): Promise<boolean> {
  const client = new GuardedClient({
    connectionString: url,
    application_name: 'switchboard-route',
    connectionTimeoutMillis: 5_000,
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return rows[0]?.pid !== processOf(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The number that the other side sent. The types of the library do not know it. */
function processOf(client: pg.Client): number | null {
  return (client as pg.Client & { processID: number | null }).processID;
}
