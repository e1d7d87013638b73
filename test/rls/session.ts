import pg from 'pg';
import type { SqlRunner } from '../fixtures/rows.js';
import type { TestDatabase } from '../support/postgres.js';

export interface Actor {
  role: 'anon' | 'authenticated' | 'switchboard_user' | 'service_role' | 'supabase_auth_admin';
  /** The content of `request.jwt.claims`. A string is used unchanged. If omitted, the setting is never set. */
  claims?: unknown;
}

/** The outcome of a statement. Anything except missing privileges is `error` with its SQLSTATE. */
export type Outcome = 'rows' | 'none' | 'denied' | `error ${string}`;

/** A transaction that is rolled back at the end, and that can change its role. */
export interface Session extends SqlRunner {
  become(actor: Actor): Promise<void>;
  /** Switches back to the login of the connection. */
  becomeOperator(): Promise<void>;
  /** Runs one statement. If it fails, the transaction continues as if it had not run. */
  attempt(sql: string, values?: unknown[]): Promise<Outcome>;
}

export interface Connection {
  client: pg.Client;
  /** Runs `fn` in a transaction that is rolled back, as `actor` or as the operator. */
  rolledBack<T>(actor: Actor | undefined, fn: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const INSUFFICIENT_PRIVILEGE = '42501';

export async function connect(database: TestDatabase): Promise<Connection> {
  const client = new pg.Client(database.url);
  await client.connect();
  const session = sessionOn(client);
  return {
    client,
    rolledBack: async (actor, fn) => {
      await client.query('begin');
      try {
        if (actor) await session.become(actor);
        return await fn(session);
      } finally {
        await client.query('rollback');
      }
    },
    close: () => client.end(),
  };
}

function sessionOn(client: pg.Client): Session {
  return {
    query: async (sql, values) => {
      const result = await client.query<Record<string, unknown>>(sql, values);
      return result.rows;
    },
    become: async ({ role, claims }) => {
      await client.query('reset role');
      if (claims !== undefined) {
        const text = typeof claims === 'string' ? claims : JSON.stringify(claims);
        await client.query(`select set_config('request.jwt.claims', $1, true)`, [text]);
      }
      await client.query(`set local role ${role}`);
    },
    becomeOperator: async () => {
      await client.query('reset role');
    },
    attempt: async (sql, values) => {
      await client.query('savepoint attempt');
      try {
        const { rowCount } = await client.query(sql, values);
        return rowCount ? 'rows' : 'none';
      } catch (error) {
        await client.query('rollback to savepoint attempt');
        const { code } = error as { code?: string };
        if (code === undefined) throw error;
        return code === INSUFFICIENT_PRIVILEGE ? 'denied' : `error ${code}`;
      }
    },
  };
}

function claimsOf(userId: string, userRole: 'user' | 'admin') {
  return { sub: userId, role: 'authenticated', user_metadata: { role: userRole, isActive: true } };
}

/** The server acting for a signed-in user, with claims from the user's row. */
export function signedIn(userId: string, userRole: 'user' | 'admin' = 'user'): Actor {
  return { role: 'switchboard_user', claims: claimsOf(userId, userRole) };
}

/** A signed-in user of Supabase's Data API, with the claims of their token. */
export function throughDataApi(userId: string, userRole: 'user' | 'admin' = 'user'): Actor {
  return { role: 'authenticated', claims: claimsOf(userId, userRole) };
}

export const ANONYMOUS: Actor = { role: 'anon', claims: { role: 'anon' } };

export const SERVICE: Actor = { role: 'service_role', claims: { role: 'service_role' } };
