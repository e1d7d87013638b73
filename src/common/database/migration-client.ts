import { GuardedClient } from './guarded-client.js';

/**
 * How long a statement of a migration waits for a lock, in milliseconds. While it waits, other requests that need the
 * table wait behind it, even those that only read.
 */
export const MIGRATION_LOCKS = { timeout: 3_000, attempts: 20, pause: 2_000 };

/** A client for migrations: each transaction gives up soon when it cannot have a lock. */
export class MigrationClient extends GuardedClient {
  // The overloads of `query` are many; only TypeORM's beginning of a transaction is changed.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  override query(...args: any[]): any {
    const query = super.query.bind(this) as (...parameters: unknown[]) => unknown;
    const [text, ...rest] = args as unknown[];
    return text === 'START TRANSACTION'
      ? query(`${text}; SET LOCAL lock_timeout = ${MIGRATION_LOCKS.timeout}`, ...rest)
      : query(...(args as unknown[]));
  }
}
