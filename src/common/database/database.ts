import { Injectable } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { Identity } from '../auth/identity.js';
import { isDatabaseAway, mayRunAgain, postgresCode } from '../errors/postgres-errors.js';
import { ConnectionShares } from './connection-shares.js';
import { type Claims, claimsOf, parametersOf } from './user-claims.js';
import { beginByKey, beginWithin, DATABASE_LIMITS, type TimeLimits, withLoad } from './time-limits.js';

const BEGIN_AS_USER = `
  select set_config('role', 'switchboard_user', true), set_config('request.jwt.claims', $1, true),
         set_config('request.jwt.claim.sub', $2, true)`;

/**
 * The commit of such a transaction does not wait for the disk. Everybody sees it, and it survives the end of this process. It
 * may be lost only if PostgreSQL itself crashes within about half a second.
 */
const BEGIN_AS_USER_ASYNC_COMMIT = `${BEGIN_AS_USER}, set_config('synchronous_commit', 'off', true)`;

/** The part of a connection that read statements of a repository need. */
export interface SqlRunner {
  query<T>(text: string, parameters?: unknown[]): Promise<T>;
}

/** A statement that has not been sent yet. */
export interface Statement {
  text: string;
  parameters: unknown[];
}

/** Collects statements whose results are not needed. They are sent together with the end of the transaction. */
export type Last = (...statements: Statement[]) => void;

/**
 * One unit of work of the service: several parts of the server add statements to it, and all of them are stored together, in
 * one round trip, or none.
 */
export class Batch {
  private readonly statements: Statement[] = [];

  constructor(private readonly execute: (statements: Statement[]) => Promise<unknown[][]>) {}

  add(...statements: Statement[]): this {
    this.statements.push(...statements);
    return this;
  }

  /** @returns the rows of each statement */
  async commit(): Promise<unknown[][]> {
    return this.statements.length === 0 ? [] : this.execute(this.statements);
  }
}

/** The only two doors to PostgreSQL. */
@Injectable()
export class Database {
  /** Time limits for work here. A test that waits for a limit sets a shorter one before the first request. */
  readonly limits = { ...DATABASE_LIMITS };
  private sharesByPool?: ConnectionShares;

  constructor(readonly dataSource: DataSource) {}

  /**
   * Runs statements as a user, in one transaction. The role `switchboard_user` and the user's claims are set first, so
   * row level security decides what the statements see and may change. The claims come from the user's row, not from
   * the token.
   *
   * `fn` must not call TypeORM's `save`, `remove` or `transaction`, and must wait only for the database.
   */
  async asUser<T>(identity: Identity, fn: (manager: EntityManager, last: Last) => Promise<T>): Promise<T> {
    return this.shares.within(identity.id, () =>
      this.inTransaction(fn, { claims: claimsOf(identity), limits: this.limits.user }),
    );
  }

  /**
   * Like {@link asUser}, but the first statements of `fn` are sent together with the role and the claims, not after
   * them. Their results are discarded if setting the role fails, but they have already run: they must be harmless if
   * that happens.
   *
   * Use it to begin work that ends with a durable write: what this transaction stores reaches the disk a moment later.
   *
   * @param before run as the service, before anything of the user; `fn` is handed the rows of each
   */
  async asUserAtOnce<T>(
    identity: Identity,
    fn: (manager: EntityManager, last: Last, before: Promise<unknown[][]>) => Promise<T>,
    before: Statement[] = [],
  ): Promise<T> {
    const opening = { claims: claimsOf(identity), atOnce: true, before, limits: this.limits.user };
    return this.shares.within(identity.id, () => this.inTransaction(fn, opening));
  }

  /**
   * Runs one statement, or several independent ones, as the service, without row level security. Each commits
   * separately and can wait for a lock as long as for anything else. Use {@link executeAsService} for statements that
   * may wait, or set `lock_timeout`.
   *
   * @param userId the user that the rows belong to, if there is exactly one; the connection then counts toward that
   * user's share
   */
  async asService<T>(fn: (manager: EntityManager) => Promise<T>, userId?: string): Promise<T> {
    const run = () => fn(this.dataSource.manager);
    return userId === undefined ? run() : this.shares.within(userId, run);
  }

  /**
   * A unit of work that is yet to be filled.
   *
   * @param userId as in {@link asService}
   */
  batch(userId?: string): Batch {
    return new Batch((statements) => this.executeAsService(statements, userId));
  }

  /**
   * The same for data that is written again soon. The commit does not wait for the disk, so rows of many users are not locked
   * while it is busy. What is committed survives the end of this process. It may be lost only if PostgreSQL itself
   * crashes within about half a second.
   */
  provisionalBatch(): Batch {
    const more = '; SET LOCAL synchronous_commit = off';
    return new Batch((statements) => retryTransaction(() => this.executeTogether(statements, more)));
  }

  /**
   * Runs statements as the service, all or none of them, in one round trip.
   *
   * @param userId as in {@link asService}
   * @returns the rows of each statement
   */
  async executeAsService(statements: Statement[], userId?: string): Promise<unknown[][]> {
    const run = () => retryTransaction(() => this.executeTogether(statements));
    return userId === undefined ? run() : this.shares.within(userId, run);
  }

  /** True while no connection is available. */
  isSaturated(): boolean {
    const { idleCount, totalCount, options } = this.pool();
    return idleCount === 0 && totalCount >= options.max;
  }

  private async executeTogether(statements: Statement[], more = ''): Promise<unknown[][]> {
    const client = await this.pool().connect();
    let failure: unknown;
    try {
      const results = statements.map(() => Promise.resolve<unknown[]>([]));
      await settled([
        client.query(`${beginByKey(this.underLoad(this.limits.service))}${more}`),
        ...statements.map(({ text, parameters }, index) => {
          const rows = client.query<never>(text, parameters).then((result) => result.rows);
          return (results[index] = rows);
        }),
        client.query('COMMIT'),
      ]);
      return await Promise.all(results);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      client.release(brokenBy(failure));
    }
  }

  /** Like {@link asService}, with all statements in one transaction. */
  async asServiceInTransaction<T>(fn: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.inTransaction(fn, { limits: this.limits.service });
  }

  /**
   * Reads as a user with exactly one statement. The transaction, the claims, the statement and the commit are sent
   * together, in one round trip. The transaction is read-only. The result is returned only if all of them succeed.
   *
   * @param fn sends its statement before it waits for anything
   * @param isReport true for a statement that PostgreSQL should plan for its own parameters, and that is not kept
   * prepared
   */
  async readAsUser<T>(
    identity: Identity,
    fn: (statements: SqlRunner) => Promise<T>,
    { isReport = false } = {},
  ): Promise<T> {
    return this.shares.within(identity.id, () => this.readOnce(identity, fn, isReport));
  }

  private async readOnce<T>(
    identity: Identity,
    fn: (statements: SqlRunner) => Promise<T>,
    isReport: boolean,
  ): Promise<T> {
    const client = await this.pool().connect();
    const sent: Array<Promise<unknown>> = [];
    const send = <R>(result: Promise<R>): Promise<R> => {
      // The failure is reported below. Until then this rejection may have no handler.
      result.catch(() => undefined);
      sent.push(result);
      return result;
    };
    void send(
      client.query(
        beginWithin(this.underLoad(isReport ? this.limits.report : this.limits.user), 'READ ONLY'),
      ),
    );
    void send(client.query(BEGIN_AS_USER, parametersOf(claimsOf(identity))));
    const statements: SqlRunner = {
      query: (text, parameters) => {
        if (sent.length > 2) throw new Error('readAsUser sends one statement.');
        const result = isReport ? client.query({ text, values: parameters }) : client.query(text, parameters);
        const rows = send(result.then((answer) => answer.rows as never));
        void send(client.query('COMMIT'));
        return rows;
      },
    };
    let failure: unknown;
    try {
      const result = await fn(statements);
      await settled(sent);
      return result;
    } catch (error) {
      // The statement also fails if the one before it has failed, and that is the cause.
      failure = await settled(sent).then(
        () => error,
        (first: unknown) => first,
      );
      throw failure;
    } finally {
      if (sent.length === 2) void send(client.query('COMMIT'));
      await Promise.allSettled(sent);
      client.release(brokenBy(failure));
    }
  }

  private pool(): Pool {
    return (this.dataSource.driver as PostgresDriver).master as Pool;
  }

  /** Called with a connection at hand. */
  private underLoad(limits: TimeLimits): TimeLimits {
    const { idleCount, totalCount, options } = this.pool();
    return withLoad(limits, totalCount - idleCount, options.max);
  }

  private get shares(): ConnectionShares {
    return (this.sharesByPool ??= ConnectionShares.ofPool(this.pool().options.max, this.limits.patience));
  }

  private async inTransaction<T>(
    fn: (manager: EntityManager, last: Last, before: Promise<unknown[][]>) => Promise<T>,
    opening: Opening,
  ): Promise<T> {
    return retryTransaction(() => this.runOnce(fn, opening));
  }

  private async runOnce<T>(
    fn: (manager: EntityManager, last: Last, before: Promise<unknown[][]>) => Promise<T>,
    { claims, atOnce, before = [], limits }: Opening,
  ): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    const client = (await runner.connect()) as PoolClient;
    let lost: Error | undefined;
    const onLost = (error: Error) => (lost ??= error);
    client.on('error', onLost);
    let broken: unknown;
    let begun: Promise<void> = Promise.resolve();
    try {
      // Both are sent at once, because the connection is pipelined. Both must have succeeded before `fn` runs, or
      // before its results count: a statement outside of the transaction would run with the rights of the service.
      const begin = runner.query((atOnce ? beginByKey : beginWithin)(this.underLoad(limits)));
      const rows = before.map(({ text, parameters }) => runner.query(text, parameters) as Promise<unknown[]>);
      begun = settled([
        begin,
        ...rows,
        ...(claims === undefined
          ? []
          : [runner.query(atOnce ? BEGIN_AS_USER_ASYNC_COMMIT : BEGIN_AS_USER, parametersOf(claims))]),
      ]);
      // It is reported below or by `fn`. Until then this rejection may have no handler.
      begun.catch(() => undefined);
      if (!atOnce) await begun;
      const last: Statement[] = [];
      const ofBefore = Promise.all(rows);
      ofBefore.catch(() => undefined);
      const result = await fn(runner.manager, (...statements) => void last.push(...statements), ofBefore);
      await begun;
      // After a failed statement, COMMIT is a ROLLBACK.
      await settled([
        ...last.map(({ text, parameters }) => runner.query(text, parameters)),
        runner.query('COMMIT'),
      ]);
      return result;
    } catch (error) {
      const cause = await begun.then(
        () => error,
        (first: unknown) => first,
      );
      await runner.query('ROLLBACK').catch((rollbackError: unknown) => (broken = rollbackError));
      // TypeORM has released a lost connection without an error of its own.
      throw lost && postgresCode(cause) === undefined ? lost : cause;
    } finally {
      client.off('error', onLost);
      await (broken === undefined ? runner.release() : discard(runner));
    }
  }
}

async function retryTransaction<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === 3 || !mayRunAgain(error)) throw error;
    }
  }
}

/** If PostgreSQL did not report the failure, the connection itself failed and must not be reused. */
function brokenBy(failure: unknown): Error | undefined {
  const isBroken = postgresCode(failure) === undefined || isDatabaseAway(failure);
  return failure instanceof Error && isBroken ? failure : undefined;
}

/** Waits for all promises, so that no rejection is unhandled, then throws the first failure. */
async function settled(promises: Array<Promise<unknown>>): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** A connection with a failed ROLLBACK may still be inside the transaction, so it must not be reused. */
async function discard(runner: ReturnType<DataSource['createQueryRunner']>): Promise<void> {
  const client = (await runner.connect()) as { end?: () => Promise<void> } | undefined;
  await client?.end?.().catch(() => undefined);
  await runner.release().catch(() => undefined);
}

interface Opening {
  limits: TimeLimits;
  claims?: Claims;
  atOnce?: boolean;
  before?: Statement[];
}
