import { ConfigurationError } from '../../config/environment.js';
import { describeConnectionFailure, mayPass } from './connection-failure.js';
import { GuardedClient } from './guarded-client.js';
import { type MigrationState, readMigrationState } from './migrate.js';
import { requireUsableSettings } from './session-settings.js';
import { untilStarted } from './start-retries.js';
import { requireVisibleUsers } from './visible-users.js';

const CONNECTION_TIMEOUT = 5_000;
const OLDEST_VERSION = 15;

/**
 * Connects once, to tell before anything else starts whether the server can use this database. It waits a few seconds
 * for a database that is starting.
 *
 * @param variable the name of the variable that has the URL
 * @param log gets a line if there is something to wait for
 * @throws ConfigurationError naming the variable and the cure
 */
export async function checkDatabase(
  url: string,
  variable: string,
  log: (line: string) => void,
): Promise<MigrationState> {
  const mayRetry = (error: unknown, attempt: number) => {
    if (!mayPass(error)) return false;
    if (attempt === 1) log('Waiting for the database…');
    return true;
  };
  try {
    return await untilStarted(() => inspect(url, variable), mayRetry);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const failure = describeConnectionFailure(error, variable);
    throw failure === undefined ? error : new ConfigurationError(failure);
  }
}

async function inspect(url: string, variable: string): Promise<MigrationState> {
  const client = new GuardedClient({
    connectionString: url,
    application_name: 'switchboard-start',
    connectionTimeoutMillis: CONNECTION_TIMEOUT,
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    const version = rows[0]?.server_version ?? '';
    if (Number.parseInt(version, 10) < OLDEST_VERSION) {
      throw new ConfigurationError(
        `${variable} leads to PostgreSQL ${version}. PostgreSQL ${OLDEST_VERSION} or later is required`,
      );
    }
    await requireUsableSettings(client, variable);
    await requireVisibleUsers(client, variable);
    return await readMigrationState(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @throws ConfigurationError if migrations are missing */
export function requireMigrated({ missing }: MigrationState): void {
  if (missing.length === 0) return;
  const count = missing.length === 1 ? 'a migration' : `${missing.length} migrations`;
  throw new ConfigurationError(
    `The database of DATABASE_URL lacks ${count} of this version. Run npm run db:migrate, or set MIGRATE_ON_START=true`,
  );
}
