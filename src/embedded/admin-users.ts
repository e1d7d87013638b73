import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { passwordProblem } from './auth-body.js';
import type { Fields } from './json-body.js';
import { authFailure } from './failures.js';
import { hashPassword } from './password-hash.js';

const COLUMNS = `
  id, aud, role, email, phone, email_confirmed_at, last_sign_in_at, created_at, updated_at, banned_until, is_anonymous,
  coalesce(raw_app_meta_data, '{}') as app_metadata, coalesce(raw_user_meta_data, '{}') as user_metadata`;

const MAX_PER_PAGE = 1_000;
const MAX_PAGE = 1_000_000;

/** PostgreSQL's messages for values that a request must not contain. */
const PROBLEMS: Record<string, [status: number, code: string, message: string]> = {
  23505: [422, 'email_exists', 'A user with this email address has already been registered'],
  22007: [400, 'validation_failed', 'invalid format for ban duration'],
  22008: [400, 'validation_failed', 'invalid format for ban duration'],
  '22P05': [400, 'validation_failed', 'the request contains characters that cannot be stored'],
};

/**
 * The user management part of Supabase's Auth admin API: `supabase.auth.admin` with the secret key. Its statements run
 * as the auth server's database role, so the role guard treats them like Supabase's own.
 */
export class AdminUsers {
  constructor(private readonly database: pg.Pool) {}

  /** Handles a request with the secret key. */
  async handle(
    method: string,
    id: string | undefined,
    query: URLSearchParams,
    body: Fields,
  ): Promise<Response> {
    try {
      return passwordProblem(body) ?? (await this.route(method, id, query, body));
    } catch (error) {
      const problem = PROBLEMS[(error as { code?: string }).code ?? ''];
      if (problem) return authFailure(...problem);
      throw error;
    }
  }

  private async route(
    method: string,
    id: string | undefined,
    query: URLSearchParams,
    body: Fields,
  ): Promise<Response> {
    if (id === undefined) return method === 'GET' ? this.list(query) : this.create(body);
    switch (method) {
      case 'GET':
        return this.one(await this.database.query(`select ${COLUMNS} from auth.users where id = $1`, [id]));
      case 'PUT':
        return this.update(id, body);
      default:
        return this.remove(id);
    }
  }

  private async list(query: URLSearchParams): Promise<Response> {
    const page = Math.min(MAX_PAGE, Math.max(1, Math.trunc(Number(query.get('page'))) || 1));
    const perPage = Math.min(MAX_PER_PAGE, Math.max(1, Math.trunc(Number(query.get('per_page'))) || 50));
    const { rows } = await this.database.query<Fields & { total: number }>(
      `select ${COLUMNS}, count(*) over ()::int as total from auth.users order by created_at, id limit $1 offset $2`,
      [perPage, (page - 1) * perPage],
    );
    const total = rows[0]?.total ?? 0;
    const users = rows.map(({ total: _total, ...user }) => user);
    return Response.json({ users, aud: 'authenticated' }, { headers: { 'x-total-count': String(total) } });
  }

  private async create(body: Fields): Promise<Response> {
    const password = typeof body['password'] === 'string' ? await hashPassword(body['password']) : null;
    return this.one(
      await this.database.query(
        `insert into auth.users (id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data,
                                 raw_user_meta_data, created_at, updated_at)
         values ($1, 'authenticated', 'authenticated', lower($2), $3, case when $4 then now() end,
                 '{"provider": "email", "providers": ["email"]}'::jsonb || $5::jsonb, $6::jsonb, now(), now())
         returning ${COLUMNS}`,
        [
          randomUUID(),
          body['email'] ?? null,
          password,
          body['email_confirm'] === true,
          JSON.stringify(body['app_metadata'] ?? {}),
          JSON.stringify(body['user_metadata'] ?? {}),
        ],
      ),
    );
  }

  private async update(id: string, body: Fields): Promise<Response> {
    const password = typeof body['password'] === 'string' ? await hashPassword(body['password']) : null;
    const ban = typeof body['ban_duration'] === 'string' ? body['ban_duration'] : null;
    const updated = this.one(
      await this.database.query<Fields>(
        `update auth.users set
           email = coalesce(lower($2), email), encrypted_password = coalesce($3, encrypted_password),
           raw_app_meta_data = coalesce(raw_app_meta_data, '{}') || $4::jsonb,
           raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || $5::jsonb,
           banned_until = case when $6::text is null then banned_until when $6 = 'none' then null
                               else now() + $6::interval end,
           updated_at = now()
         where id = $1 returning ${COLUMNS}`,
        [
          id,
          body['email'] ?? null,
          password,
          JSON.stringify(body['app_metadata'] ?? {}),
          JSON.stringify(body['user_metadata'] ?? {}),
          ban,
        ],
      ),
    );
    // A new password ends all sessions of the user.
    if (password !== null) await this.database.query('delete from auth.sessions where user_id = $1', [id]);
    return updated;
  }

  private async remove(id: string): Promise<Response> {
    const { rowCount } = await this.database.query('delete from auth.users where id = $1', [id]);
    return rowCount === 0 ? authFailure(404, 'user_not_found', 'User not found') : Response.json({});
  }

  private one({ rows }: { rows: Fields[] }): Response {
    return rows[0] ? Response.json(rows[0]) : authFailure(404, 'user_not_found', 'User not found');
  }
}
