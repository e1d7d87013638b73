import pg from 'pg';
import type { Options, Result } from '../../src/upgrade-legacy/upgrade.js';

export const OPTIONS: Options = { schema: 'public', tell: () => undefined, isInterrupted: () => false };

/** A separate connection for a command, as the command line creates it. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The decisions, one line each. */
export function linesOf({ decisions }: Result): string[] {
  return decisions.map(({ table, decision, reason, rows }) => `${table} ${decision}: ${reason} (${rows})`);
}
