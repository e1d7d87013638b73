import pg from 'pg';
import type { EntityManager } from 'typeorm';
import type { Database, Statement } from '../../src/common/database/database.js';
import type * as AdvisoryLocks from '../../src/common/database/advisory-locks.js';
import type { InstanceLock } from '../../src/common/database/instance-lock.js';
import type * as PreparedClients from '../../src/common/database/prepared-client.js';
import { load } from '../support/build.js';

const { PreparedClient } = await load<typeof PreparedClients>('common/database/prepared-client.js');
const { ADVISORY_LOCKS } = await load<typeof AdvisoryLocks>('common/database/advisory-locks.js');

/** The same transaction as in `src/common/database/database.ts`: role and claims, then the statements. */
const BEGIN_AS_USER = `
  select set_config('role', 'switchboard_user', true), set_config('request.jwt.claims', $1, true),
         set_config('request.jwt.claim.sub', $2, true)`;

/** Uses the connections of the product's own pool instead of plain ones. They prepare and pipeline statements. */
const TUNED = process.env['TUNED'] === 'true';

/** The same number of connections as the product. */
const CONNECTIONS = 20;

/** All that the product's repositories need: rows for a statement. */
type Query = Pick<EntityManager, 'query'>;

/** Plain `pg` with the product's transactions. */
export class BareDatabase {
  private readonly url: string;
  private readonly pool: pg.Pool;
  private readonly service: Query;

  constructor(url: string) {
    this.url = url;
    const tuning = { Client: PreparedClient, pipeline: true };
    this.pool = new pg.Pool({ connectionString: url, max: CONNECTIONS, ...(TUNED ? tuning : {}) });
    this.service = queryOf((sql, parameters) => this.pool.query<object>(sql, parameters));
  }

  /** @param before statements that run with the rights of the service, before the user's statements */
  async asUser<T>(
    userId: string,
    fn: (manager: EntityManager) => Promise<T>,
    before?: Statement,
  ): Promise<T> {
    const client = await this.pool.connect();
    try {
      const claims = { sub: userId, role: 'authenticated', user_metadata: { role: 'user', isActive: true } };
      const run = runnerOf(client);
      const opening = [
        run('BEGIN'),
        ...(before ? [run(before.text, before.parameters)] : []),
        run(BEGIN_AS_USER, [JSON.stringify(claims), userId]),
      ];
      const query = queryOf(run);
      const [result] = await Promise.all([fn(query as EntityManager), ...opening]);
      await run('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  async executeAsService(statements: Statement[]): Promise<void> {
    const [only] = statements;
    if (only && statements.length === 1) return void (await this.pool.query(only.text, only.parameters));
    const client = await this.pool.connect();
    try {
      const run = runnerOf(client);
      const begun = run('BEGIN');
      await Promise.all([begun, ...statements.map(({ text, parameters }) => run(text, parameters))]);
      await run('COMMIT');
    } finally {
      client.release();
    }
  }

  /** Replaces the product's `Database` for its repositories. */
  asDatabase(): Database {
    const database: Pick<Database, 'asService' | 'executeAsService'> = {
      asService: (fn) => fn(this.service as EntityManager),
      executeAsService: (statements) => this.executeAsService(statements).then(() => []),
    };
    return database as Database;
  }

  /** Marks this instance as alive, so that the other servers on this database leave its rows alone. */
  async register(instanceId: number): Promise<InstanceLock> {
    const client = new pg.Client(this.url);
    await client.connect();
    await client.query('select pg_advisory_lock($1, $2)', [ADVISORY_LOCKS.instance, instanceId]);
    const lock: Pick<InstanceLock, 'instanceId'> = { instanceId };
    return lock as InstanceLock;
  }
}

type Run = (sql: string, parameters?: unknown[]) => Promise<pg.QueryResult<object>>;

function queryOf(run: Run): Query {
  const query: Query['query'] = async <T>(sql: string, parameters?: unknown[]) =>
    (await run(sql, parameters)).rows as T;
  return { query };
}

function runnerOf(client: pg.PoolClient): Run {
  return TUNED ? (sql, parameters) => client.query<object>(sql, parameters) : oneByOne(client);
}

/** A plain connection sends the next statement after the answer to the previous one. */
function oneByOne(client: pg.PoolClient): Run {
  let last: Promise<unknown> = Promise.resolve();
  return (sql, parameters) => {
    const result = last.then(() => client.query<object>(sql, parameters));
    last = result;
    return result;
  };
}
