import pg from 'pg';
import { causeOf } from '../connection-failure.js';

const CONNECTION_TIMEOUT = 10_000;

/**
 * Connects for an operator's command, without a time limit for statements.
 *
 * @throws Error with a one-line message that says why the database cannot be reached
 */
export async function connect(url: string, applicationName: string): Promise<pg.Client> {
  try {
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECTION_TIMEOUT,
      keepAlive: true,
    });
    // The running query rejects when the connection is lost. Without a listener, the process would end.
    client.on('error', () => undefined);
    await client.connect();
    // Hosted databases end statements after some minutes by default.
    await client.query('set statement_timeout = 0');
    return client;
  } catch (error) {
    throw new Error(`The database cannot be reached: ${causeOf(error).message}.`, { cause: error });
  }
}
