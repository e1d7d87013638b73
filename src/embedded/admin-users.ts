import { randomUUID, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import type pg from 'pg';

type Fields = Record<string, unknown>;

const COLUMNS = `
  id, aud, role, email, phone, email_confirmed_at, last_sign_in_at, created_at, updated_at, banned_until, is_anonymous,
  coalesce(raw_app_meta_data, '{}') as app_metadata, coalesce(raw_user_meta_data, '{}') as user_metadata`;

const MAX_PER_PAGE = 1_000;

/**
 * The part of Supabase's Auth admin API that manages users: `supabase.auth.admin` with the secret key. Its statements run
 * as the auth server's database role, so the guard on roles treats them as Supabase's own.
 */
export class AdminUsers {
  constructor(
    private readonly database: pg.Pool,
    private readonly secretKey: string,
  ) {}

  async handle(request: Request): Promise<Response> {
    if (!this.isAuthorised(request))
      return failure(401, 'no_authorization', 'This endpoint requires the secret key');
    const url = new URL(request.url);
    const id = /^\/auth\/v1\/admin\/users\/([0-9a-f-]{36})$/i.exec(url.pathname)?.[1];
    if (id === undefined && url.pathname !== '/auth/v1/admin/users')
      return failure(404, 'not_found', 'Not found');
    try {
      return await this.route(request, url, id);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === '23505')
        return failure(422, 'email_exists', 'A user with this email address has already been registered');
      throw error;
    }
  }

  private async route(request: Request, url: URL, id: string | undefined): Promise<Response> {
    const method = `${request.method} ${id === undefined ? 'all' : 'one'}`;
    if (method === 'GET all') return this.list(url);
    if (method === 'POST all') return this.create((await request.json()) as Fields);
    if (id === undefined) return failure(405, 'method_not_allowed', 'Method not allowed');
    if (method === 'GET one')
      return this.one(await this.database.query(`select ${COLUMNS} from auth.users where id = $1`, [id]));
    if (method === 'PUT one') return this.update(id, (await request.json()) as Fields);
    if (method === 'DELETE one') return this.remove(id);
    return failure(405, 'method_not_allowed', 'Method not allowed');
  }

  private async list(url: URL): Promise<Response> {
    const page = Math.max(1, Number(url.searchParams.get('page')) || 1);
    const perPage = Math.min(MAX_PER_PAGE, Math.max(1, Number(url.searchParams.get('per_page')) || 50));
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
    return this.one(
      await this.database.query(
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
  }

  private async remove(id: string): Promise<Response> {
    const { rowCount } = await this.database.query('delete from auth.users where id = $1', [id]);
    return rowCount === 0 ? failure(404, 'user_not_found', 'User not found') : Response.json({});
  }

  private one({ rows }: { rows: Fields[] }): Response {
    return rows[0] ? Response.json(rows[0]) : failure(404, 'user_not_found', 'User not found');
  }

  private isAuthorised(request: Request): boolean {
    const bearer = request.headers.get('authorization')?.replace(/^Bearer\s+/i, '');
    return [request.headers.get('apikey'), bearer].some((key) => key && sameText(key, this.secretKey));
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function failure(status: number, errorCode: string, message: string): Response {
  return Response.json({ code: status, error_code: errorCode, msg: message }, { status });
}

/** With the hash that the auth server itself uses, so that it can verify the password. */
async function hashPassword(password: string): Promise<string> {
  const require = createRequire(import.meta.resolve('@supabase/lite'));
  const { hash } = (await import(require.resolve('bcryptjs'))) as {
    hash: (text: string, rounds: number) => Promise<string>;
  };
  return hash(password, 10);
}
