import pg from 'pg';

const CONNECTION_TIMEOUT = 10_000;

/**
 * A connection of an operator's command, without a time limit for statements.
 *
 * @throws Error in one line that says why the database can not be reached
 */
export async function connect(url: string, applicationName: string): Promise<pg.Client> {
  try {
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECTION_TIMEOUT,
      keepAlive: true,
    });
    // Whoever waits for an answer hears of a lost connection; without a listener, the process would end.
    client.on('error', () => undefined);
    await client.connect();
    // Hosted databases end statements after some minutes, unless they are told otherwise.
    await client.query('set statement_timeout = 0');
    return client;
  } catch (error) {
    throw new Error(`The database cannot be reached: ${reasonOf(error)}.`, { cause: error });
  }
}

/** A host with several addresses fails once for each, in an error that has no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
