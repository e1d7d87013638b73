import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type DataSourceOptions, MigrationExecutor, type QueryRunner } from 'typeorm';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { GuardedClient } from './guarded-client.js';
import { postgresCode } from '../errors/postgres-errors.js';
import { MIGRATION_LOCKS, MigrationClient } from './migration-client.js';
import { requireVisibleUsers } from './visible-users.js';
import { SupabaseFoundation1764000000001 } from '../../migrations/1764000000001-supabase-foundation.js';
import { Tables1764000000002 } from '../../migrations/1764000000002-tables.js';
import { Access1764000000003 } from '../../migrations/1764000000003-access.js';
import { UserRoleGuard1764000000004 } from '../../migrations/1764000000004-user-role-guard.js';
import { UsageAccounting1764000000005 } from '../../migrations/1764000000005-usage-accounting.js';
import { Configuration1764000000006 } from '../../migrations/1764000000006-configuration.js';
import { Files1764000000007 } from '../../migrations/1764000000007-files.js';
import { Search1764000000008 } from '../../migrations/1764000000008-search.js';
import { Compaction1764000000009 } from '../../migrations/1764000000009-compaction.js';
import { Instances1764000000010 } from '../../migrations/1764000000010-instances.js';

/** The migrations table is in a schema that the Data API does not expose. */
const SCHEMA = 'switchboard';

const MIGRATIONS = [
  SupabaseFoundation1764000000001,
  Tables1764000000002,
  Access1764000000003,
  UserRoleGuard1764000000004,
  UsageAccounting1764000000005,
  Configuration1764000000006,
  Files1764000000007,
  Search1764000000008,
  Compaction1764000000009,
  Instances1764000000010,
];

/** Options of a data source for migrations only. */
export function migrationOptions(url: string): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    schema: SCHEMA,
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    logging: false,
    extra: { max: 2, application_name: 'switchboard-migrate', Client: MigrationClient },
  };
}

/**
 * Migrates a database to the latest version. Processes that start at the same time wait for each other. A second run
 * does nothing. Each migration is a transaction of its own. If it cannot have a lock soon, it is rolled back and tried
 * again, so that it does not stop the service.
 *
 * @returns the names of the migrations that ran
 */
export async function runMigrations({ url }: { url: string }): Promise<string[]> {
  return withMigrationLock(url, async (dataSource) => {
    const before = await namesIn(dataSource);
    for (let attempt = 1; ; attempt++) {
      try {
        await dataSource.runMigrations();
        return (await namesIn(dataSource)).filter((name) => !before.includes(name));
      } catch (error) {
        if (postgresCode(error) !== LOCK_NOT_AVAILABLE) throw error;
        if (attempt === MIGRATION_LOCKS.attempts) throw new Error(LOCKED, { cause: error });
        await sleep(MIGRATION_LOCKS.pause);
      }
    }
  });
}

const LOCKED =
  'A transaction of another program holds a lock that a migration needs. End it, and run the migrations again';
const LOCK_NOT_AVAILABLE = '55P03';

async function namesIn(dataSource: DataSource): Promise<string[]> {
  const rows = await dataSource.query<Array<{ name: string }>>(`${READ_NAMES} order by id`);
  return rows.map(({ name }) => name);
}

/** How the migrations of a database differ from those of this version. */
export interface MigrationState {
  /** Names of the migrations that the database lacks. */
  missing: string[];
  /** Names of migrations that this version does not know: a later version has migrated the database. */
  unknown: string[];
}

/** Reads the names of the migrations, and changes nothing. */
export async function readMigrationState(client: {
  query(sql: string): Promise<{ rows: unknown[] }>;
}): Promise<MigrationState> {
  const { rows } = await client.query(`select to_regclass('${SCHEMA}.migrations') is not null as present`);
  const isPresent = (rows[0] as { present: boolean } | undefined)?.present === true;
  const names = isPresent
    ? (await client.query(READ_NAMES)).rows.map((row) => (row as { name: string }).name)
    : [];
  return compareMigrations(names);
}

/** The names of the migrations that a database has. It fails if none has ever run. */
export const READ_NAMES = `select name from ${SCHEMA}.migrations`;

export function compareMigrations(names: readonly string[]): MigrationState {
  const own = MIGRATIONS.map(({ name }) => name);
  return {
    missing: own.filter((name) => !names.includes(name)),
    unknown: names.filter((name) => !own.includes(name)),
  };
}

/** Whether a database lacks a migration of this version. */
export async function hasPendingMigrations({ url }: { url: string }): Promise<boolean> {
  return withMigrationLock(url, (dataSource) => dataSource.showMigrations());
}

/**
 * Brings a database up to date in one transaction, together with what has to happen before and after it in the same one.
 */
export async function runMigrationsBetween(
  { url }: { url: string },
  before: (runner: QueryRunner) => Promise<void>,
  after: (runner: QueryRunner) => Promise<void>,
): Promise<void> {
  await withMigrationLock(url, async (dataSource) => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      await before(runner);
      const executor = new MigrationExecutor(dataSource, runner);
      executor.transaction = 'all';
      await executor.executePendingMigrations();
      await after(runner);
      await runner.commitTransaction();
    } catch (error) {
      if (runner.isTransactionActive) await runner.rollbackTransaction();
      throw error;
    } finally {
      await runner.release();
    }
  });
}

/** Reverts the latest migration. */
export async function revertLastMigration({ url }: { url: string }): Promise<string | undefined> {
  return withMigrationLock(url, async (dataSource) => {
    const [last] = await dataSource.query<Array<{ name: string }>>(
      `select name from ${SCHEMA}.migrations order by id desc limit 1`,
    );
    if (!last) return undefined;
    await dataSource.undoLastMigration();
    return last.name;
  });
}

async function withMigrationLock<T>(url: string, fn: (dataSource: DataSource) => Promise<T>): Promise<T> {
  const lock = new GuardedClient({
    connectionString: url,
    application_name: 'switchboard-migrate-lock',
  });
  await lock.connect();
  try {
    await takeLock(lock);
    await requireVisibleUsers(lock, 'DATABASE_URL');
    const dataSource = await new DataSource(migrationOptions(url)).initialize();
    try {
      await dataSource.query(`create schema if not exists ${SCHEMA}`);
      await dataSource.query(`create table if not exists ${SCHEMA}.migrations
        (id serial primary key, timestamp bigint not null, name varchar not null)`);
      return await fn(dataSource);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await lock.end();
  }
}

/** A lock of a transaction, because behind a pooler a lock of a session would outlive this process. */
async function takeLock(client: GuardedClient): Promise<void> {
  await client.query(
    'begin; set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0',
  );
  await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.migration]);
}
