import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';

/** The data of a user that a sign-in needs. */
export interface UserRow {
  id: string;
  aud: string | null;
  role: string | null;
  email: string | null;
  phone: string | null;
  is_anonymous: boolean;
  encrypted_password: string | null;
  is_confirmed: boolean;
  is_banned: boolean;
  raw_app_meta_data: Record<string, unknown> | null;
  raw_user_meta_data: Record<string, unknown> | null;
}

export interface Session {
  id: string;
  refreshToken: string;
  user: UserRow;
}

/** Why a refresh token does not return a session. */
export type RefreshProblem = 'unknown' | 'used' | 'banned';

const USER = `
  select id, aud, role, email, phone, is_anonymous, encrypted_password, confirmed_at is not null as is_confirmed,
         coalesce(banned_until > now(), false) as is_banned, raw_app_meta_data, raw_user_meta_data
  from auth.users`;

/** How long a used refresh token still returns the session: a client may lose a response, or send the request twice. */
const REUSE_INTERVAL = '10 seconds';

/** The sessions of the embedded auth server, and their refresh tokens. */
export class SessionRepository {
  constructor(private readonly database: pg.Pool) {}

  async findUserByEmail(email: string): Promise<UserRow | undefined> {
    const { rows } = await this.database.query<UserRow>(`${USER} where email = $1`, [email.toLowerCase()]);
    return rows[0];
  }

  async findUser(id: string): Promise<UserRow | undefined> {
    const { rows } = await this.database.query<UserRow>(`${USER} where id = $1`, [id]);
    return rows[0];
  }

  /** Creates a session for a user after the password was verified. */
  async create(user: UserRow): Promise<Session> {
    return this.transaction(async (client) => {
      const id = randomUUID();
      await client.query(`insert into auth.sessions (id, user_id, aal) values ($1, $2, 'aal1')`, [
        id,
        user.id,
      ]);
      const refreshToken = await insertToken(client, user.id, id, null);
      await client.query('update auth.users set last_sign_in_at = now(), updated_at = now() where id = $1', [
        user.id,
      ]);
      await audit(client, user, 'login', 'account');
      return { id, refreshToken, user };
    });
  }

  /**
   * Exchanges a refresh token. A used token returns the session's current token for a few more seconds. After that,
   * someone else may have a copy, so every token of the session is revoked.
   */
  async refresh(token: string): Promise<Session | RefreshProblem> {
    return this.transaction(async (client) => {
      // The session's row is locked first, so that concurrent uses run one after the other.
      const { rows: sessions } = await client.query<{ id: string; user_id: string }>(
        `select id, user_id from auth.sessions
         where id = (select session_id from auth.refresh_tokens where token = $1) and (not_after is null or not_after > now())
         for update`,
        [token],
      );
      const [session] = sessions;
      if (!session) return 'unknown';
      const { rows: tokens } = await client.query<{ revoked: boolean; is_recent: boolean }>(
        `select revoked, clock_timestamp() - updated_at <= interval '${REUSE_INTERVAL}' as is_recent
         from auth.refresh_tokens where token = $1 and session_id = $2`,
        [token, session.id],
      );
      const { rows: users } = await client.query<UserRow>(`${USER} where id = $1`, [session.user_id]);
      const [found, user] = [tokens[0], users[0]];
      if (!found || !user) return 'unknown';
      if (user.is_banned) return 'banned';
      const refreshToken = found.revoked
        ? await this.reuse(client, session.id, found.is_recent)
        : await this.exchange(client, session.id, user.id, token);
      if (refreshToken === undefined) return 'used';
      await client.query(
        `update auth.sessions set refreshed_at = now() at time zone 'utc', updated_at = now() where id = $1`,
        [session.id],
      );
      await audit(client, user, 'token_refreshed', 'token');
      return { id: session.id, refreshToken, user };
    });
  }

  /** Ends all of a user's sessions, or all but one. */
  async end(userId: string, exceptSession: string | null = null): Promise<void> {
    await this.database.query(
      'delete from auth.sessions where user_id = $1 and ($2::uuid is null or id <> $2)',
      [userId, exceptSession],
    );
  }

  private async exchange(
    client: pg.PoolClient,
    sessionId: string,
    userId: string,
    token: string,
  ): Promise<string> {
    await client.query(
      `update auth.refresh_tokens set revoked = true, updated_at = clock_timestamp()
       where token = $1 and session_id = $2`,
      [token, sessionId],
    );
    return insertToken(client, userId, sessionId, token);
  }

  private async reuse(
    client: pg.PoolClient,
    sessionId: string,
    isRecent: boolean,
  ): Promise<string | undefined> {
    if (isRecent) {
      const { rows } = await client.query<{ token: string }>(
        `select token from auth.refresh_tokens
         where session_id = $1 and not revoked order by created_at desc limit 1`,
        [sessionId],
      );
      return rows[0]?.token;
    }
    await client.query(
      `update auth.refresh_tokens set revoked = true, updated_at = clock_timestamp()
       where session_id = $1 and not revoked`,
      [sessionId],
    );
    return undefined;
  }

  private async transaction<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.database.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
}

async function insertToken(
  client: pg.PoolClient,
  userId: string,
  sessionId: string,
  parent: string | null,
): Promise<string> {
  const token = randomBytes(24).toString('base64url');
  await client.query(
    `insert into auth.refresh_tokens (id, token, user_id, session_id, parent, created_at, updated_at)
     values ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())`,
    [randomUUID(), token, userId, sessionId, parent],
  );
  return token;
}

async function audit(
  client: pg.PoolClient,
  user: UserRow,
  action: string,
  type: 'account' | 'token',
): Promise<void> {
  const payload = { action, actor_id: user.id, actor_username: user.email ?? '', log_type: type };
  await client.query('insert into auth.audit_log_entries (id, payload) values ($1, $2)', [
    randomUUID(),
    JSON.stringify({ ...payload, actor_via_sso: false, timestamp: new Date().toISOString() }),
  ]);
}
