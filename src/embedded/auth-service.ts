import { createHmac } from 'node:crypto';
import type { App } from '@supabase/lite';
import type pg from 'pg';

interface UserRow {
  email: string | null;
  phone: string | null;
  is_anonymous: boolean;
  raw_app_meta_data: Record<string, unknown> | null;
  raw_user_meta_data: Record<string, unknown> | null;
}

type Fields = Record<string, unknown>;

const FIND_USER = `
  select email, phone, is_anonymous, raw_app_meta_data, raw_user_meta_data from auth.users where id = $1`;

/**
 * Makes the answers of the embedded auth server say what Supabase's say. Its access tokens lack the claims about the user,
 * and its answers repeat what a client sent where a trigger has stored something else: both are taken from the row.
 */
export class AuthService {
  constructor(
    private readonly app: App,
    private readonly database: pg.Pool,
    private readonly jwtSecret: string,
    private readonly issuer: string,
  ) {}

  async handle(request: Request): Promise<Response> {
    const response = await this.app.fetch(request);
    if (!response.ok || !(response.headers.get('content-type') ?? '').includes('json')) return response;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (!isFields(body)) return response;
    const mended = await this.mend(body);
    if (mended === undefined) return response;
    const headers = new Headers(response.headers);
    headers.delete('content-length');
    return new Response(JSON.stringify(mended), { status: response.status, headers });
  }

  /** The session, or the user, with what the row says; undefined when it is neither. */
  private async mend(body: Fields): Promise<Fields | undefined> {
    if (isFields(body['session']))
      return { ...body, session: (await this.mend(body['session'])) ?? body['session'] };
    const user = isFields(body['user']) ? body['user'] : 'aud' in body ? body : undefined;
    if (typeof user?.['id'] !== 'string') return undefined;
    const { rows } = await this.database.query<UserRow>(FIND_USER, [user['id']]);
    const [row] = rows;
    if (!row) return undefined;
    const mendedUser = {
      ...user,
      app_metadata: row.raw_app_meta_data ?? {},
      user_metadata: row.raw_user_meta_data ?? {},
    };
    if (user === body) return mendedUser;
    const token = body['access_token'];
    return {
      ...body,
      user: mendedUser,
      ...(typeof token === 'string' ? { access_token: this.withClaims(token, row) } : {}),
    };
  }

  private withClaims(token: string, row: UserRow): string {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Fields;
    return this.sign({
      ...claims,
      iss: this.issuer,
      email: row.email ?? '',
      phone: row.phone ?? '',
      app_metadata: row.raw_app_meta_data ?? {},
      user_metadata: row.raw_user_meta_data ?? {},
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: claims['iat'] }],
      is_anonymous: row.is_anonymous,
    });
  }

  private sign(claims: Fields): string {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${content}.${createHmac('sha256', this.jwtSecret).update(content).digest('base64url')}`;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
