import { createServer } from 'node:net';
import { checkDatabase, requireMigrated } from './common/database/check-database.js';
import { causeOf } from './common/database/connection-failure.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigurationError } from './config/environment.js';

type Log = (line: string) => void;

const notOwn = (_address: string, _variable: string, host: string) =>
  `HOST ${host} is not an address of this machine. Set HOST to one, or to 0.0.0.0`;

const LISTEN_FAILURES: Readonly<Record<string, (address: string, variable: string, host: string) => string>> =
  {
    EADDRINUSE: (address, variable) =>
      `${address} is in use. Stop the other program, or set ${variable} to another port`,
    EACCES: (address, variable) =>
      `This account may not use ${address}. Set ${variable} to a port above 1023`,
    EADDRNOTAVAIL: notOwn,
    ENOTFOUND: notOwn,
  };

/**
 * Finds out before anything else starts whether the port can be used.
 *
 * @throws ConfigurationError naming the variable
 */
export async function checkPort(
  host: string,
  port: number,
  variable: 'PORT' | 'METRICS_PORT',
): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(port, host, resolve));
  } catch (error) {
    throw describeListenFailure(error, host, port, variable) ?? error;
  }
  await new Promise((resolve) => probe.close(resolve));
}

/** The sentence for a port that cannot be used, or undefined for another error. */
export function describeListenFailure(
  error: unknown,
  host: string,
  port: number,
  variable: 'PORT' | 'METRICS_PORT',
): ConfigurationError | undefined {
  const describe = LISTEN_FAILURES[causeOf(error).code ?? ''];
  return describe && new ConfigurationError(describe(`${variable} ${port} of ${host}`, variable, host));
}

/**
 * Connects to the database, and migrates it if that is wanted.
 *
 * @throws ConfigurationError if the server cannot use the database as it is
 */
export async function prepareDatabase({ database }: AppConfig, log: Log): Promise<void> {
  const state = await checkDatabase(database.url, 'DATABASE_URL', log);
  if (database.directUrl !== undefined) await checkDatabase(database.directUrl, 'DIRECT_URL', log);
  if (state.unknown.length > 0) {
    log(
      `Warning: a later version has migrated the database (${state.unknown.join(', ')}). Update this server as well.`,
    );
  }
  if (!database.migrateOnStart) return requireMigrated(state);
  if (state.missing.length === 0) return;
  const { runMigrations } = await import('./common/database/migrate.js');
  const since = performance.now();
  try {
    const names = await runMigrations({ url: database.directUrl ?? database.url });
    log(`Migrated the database: ${names.length} migrations in ${seconds(since)}.`);
  } catch (error) {
    const cause = causeOf(error);
    throw new ConfigurationError(`The database could not be migrated: ${cause.message}`, { cause });
  }
}

/** The time since a moment of `performance.now()`, for people. */
function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}
