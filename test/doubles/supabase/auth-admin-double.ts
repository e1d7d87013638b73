import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

/**
 * The admin API of Supabase's auth server (GoTrue), on the wire and in the database. Its responses and errors have the
 * same format, and it writes `auth.users` with its own database role, in its own transactions.
 */
export interface AuthAdminDouble {
  /** The value for SUPABASE_URL. */
  url: string;
  /** The received requests, such as `PUT /auth/v1/admin/users/…`, and their bodies. */
  requests: Array<{
    line: string;
    apikey: string | undefined;
    authorization: string | undefined;
    body: unknown;
  }>;
  /** The database of the project. */
  connect(databaseUrl: string): void;
  /** The response or fault of the next request with this method. */
  fail(method: string, fault: Fault): void;
  /** Releases held requests. */
  release(): void;
  close(): Promise<void>;
}

export type Fault =
  /** A response with this status and body. */
  | { status: number; body: string; headers?: Record<string, string> }
  /** No response. With `afterwards`, everything is done first. */
  | { hang: true; afterwards?: boolean }
  /** Waits until `release()`, then continues normally. */
  | { hold: true }
  /** The connection is closed. With `afterwards`, everything is done first. */
  | { reset: true; afterwards?: boolean };

interface UserRow {
  id: string;
  email: string | null;
  raw_app_meta_data: Record<string, unknown> | null;
  raw_user_meta_data: Record<string, unknown> | null;
  created_at: Date;
  updated_at: Date;
}

const API_VERSION = 'x-supabase-api-version';
const PATH = /^\/auth\/v1\/admin\/users\/([^/]+)$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

class GoTrueError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function startAuthAdminDouble(secretKey: string): Promise<AuthAdminDouble> {
  const requests: AuthAdminDouble['requests'] = [];
  const faults = new Map<string, Fault>();
  const held = new Set<() => void>();
  let database: pg.Pool | undefined;

  const pool = (): pg.Pool => {
    if (!database) throw new Error('connect() comes first');
    return database;
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => sendError(request, response, error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const text = (await request.setEncoding('utf8').toArray()).join('');
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const apikey = request.headers['apikey'] as string | undefined;
    requests.push({ line: `${method} ${url}`, apikey, authorization: request.headers.authorization, body });
    let fault = faults.get(method);
    faults.delete(method);
    if (fault && 'hold' in fault) {
      await new Promise<void>((resolve) => held.add(resolve));
      fault = undefined;
    }
    if (fault && 'status' in fault) {
      response
        .writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        .end(fault.body);
      return;
    }
    if (fault && !fault.afterwards) {
      if ('reset' in fault) request.socket.destroy();
      return;
    }
    if (apikey !== secretKey) throw new GoTrueError(401, 'no_authorization', 'Invalid API key');
    const result = await act(method, url, body);
    if (!fault) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    else if ('reset' in fault) request.socket.destroy();
  }

  async function act(method: string, url: string, body: unknown): Promise<object> {
    const id = PATH.exec(url)?.[1];
    if (id === undefined) throw new GoTrueError(404, 'not_found', 'Not found');
    if (!UUID.test(id)) throw new GoTrueError(404, 'validation_failed', 'user_id must be an UUID');
    const { rows } = await pool().query<UserRow>('select * from auth.users where id = $1', [id]);
    const [user] = rows;
    if (!user) throw new GoTrueError(404, 'user_not_found', 'User not found');
    if (method === 'GET') return toUser(user);
    if (method === 'PUT') return update(user, body);
    if (method !== 'DELETE') throw new GoTrueError(405, 'method_not_allowed', 'Method not allowed');
    if ((body as { should_soft_delete?: boolean } | undefined)?.should_soft_delete)
      throw new Error('The double deletes for good only.');
    await pool().query('delete from auth.users where id = $1', [id]);
    return {};
  }

  /** Like GoTrue, it merges with the row it read before, and returns what it assumes to have written. */
  async function update(user: UserRow, body: unknown): Promise<object> {
    const {
      app_metadata: changes,
      ban_duration: ban,
      ...others
    } = body as { app_metadata?: Record<string, unknown>; ban_duration?: string };
    if (Object.keys(others).length > 0) throw new Error('The double changes app_metadata and bans only.');
    if (ban !== undefined) await setBan(user.id, ban);
    const merged = { ...user.raw_app_meta_data, ...changes };
    await pool().query('update auth.users set raw_app_meta_data = $2, updated_at = now() where id = $1', [
      user.id,
      merged,
    ]);
    return toUser({ ...user, raw_app_meta_data: merged });
  }

  /** A Go duration (the double supports hours), or `none`. */
  async function setBan(id: string, duration: string): Promise<void> {
    if (duration !== 'none' && !/^\d+h$/.test(duration))
      throw new GoTrueError(400, 'validation_failed', 'invalid format for ban duration');
    await pool().query(`update auth.users set banned_until = now() + $2::interval where id = $1`, [
      id,
      duration === 'none' ? null : duration.replace('h', ' hours'),
    ]);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connect: (connectionString) => {
      database = new pg.Pool({ connectionString, options: '-c role=supabase_auth_admin' });
      database.on('error', () => undefined);
    },
    fail: (method, fault) => void faults.set(method, fault),
    release: () => {
      for (const resolve of held) resolve();
      held.clear();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await database?.end();
    },
  };
}

/** The user format of GoTrue. */
function toUser(user: UserRow): object {
  return {
    id: user.id,
    aud: 'authenticated',
    role: 'authenticated',
    email: user.email ?? '',
    phone: '',
    app_metadata: user.raw_app_meta_data,
    user_metadata: user.raw_user_meta_data,
    identities: [],
    created_at: user.created_at,
    updated_at: user.updated_at,
    is_anonymous: false,
  };
}

/** Errors have one format since the API version of 2024, which clients request, and another before. */
function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const { status, code, message } =
    error instanceof GoTrueError
      ? error
      : new GoTrueError(500, 'unexpected_failure', 'Database error updating user');
  const version = request.headers[API_VERSION];
  const isNew = typeof version === 'string' && version >= '2024-01-01';
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'x-sb-error-code': code,
      ...(isNew ? { [API_VERSION]: '2024-01-01' } : {}),
    })
    .end(JSON.stringify(isNew ? { code, message } : { code: status, error_code: code, msg: message }));
}
