import { PassThrough } from 'node:stream';
import { randomUUID } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../../src/bootstrap.js';
import { loadConfig } from '../../src/config/app-config.js';
import { VENDORS } from '../../src/modules/models/vendors/vendors.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';
import { signToken, TEST_JWT_SECRET } from './tokens.js';

export interface TestUser {
  id: string;
  email: string;
  token: string;
  /** `{authorization: 'Bearer …'}` */
  headers: Record<string, string>;
}

export interface TestApp {
  app: NestFastifyApplication;
  url: string;
  database: TestDatabase;
  /** Everything logged so far. */
  log: () => string;
  createUser(options?: {
    role?: 'user' | 'admin';
    isActive?: boolean;
    settings?: Record<string, unknown>;
  }): Promise<TestUser>;
  /** Calls fetch against the app. `body` is sent as JSON, and `user` authenticates the request. */
  request(method: string, path: string, options?: RequestOptions): Promise<TestResponse>;
  close(): Promise<void>;
}

export interface RequestOptions {
  user?: TestUser;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface TestResponse {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body, or undefined when it is not JSON. Untyped on purpose: tests assert its shape. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface TestAppOptions {
  /** With the models that this version seeds. Otherwise with pinned ones. */
  seeded?: boolean;
  /** A database that exists, and that remains when the application is closed. By default a new one. */
  database?: TestDatabase;
}

/** All applications of a process write to the log of the last one. */
let lastLogs: readonly string[] = [];

/** Few tests expect a 500. For all others, its cause is worth more than its status. */
function printCause({ body }: TestResponse): void {
  const { requestId } = (body ?? {}) as { requestId?: string };
  const lines = lastLogs.filter((line) => requestId !== undefined && line.includes(requestId));
  process.stderr.write(`A response with 500:\n${lines.join('')}\n`);
}

/**
 * Boots the real application on a database and a free port. `environment` overrides variables.
 *
 * Passport keeps its strategies for the whole process, so the last application authenticates the users of all. Close it last.
 */
export async function startTestApp(
  environment: Record<string, string> = {},
  { seeded, database: existing }: TestAppOptions = {},
): Promise<TestApp> {
  const database = existing ?? (await createTestDatabase({ seeded }));
  const logs: string[] = [];
  lastLogs = logs;
  const logDestination = new PassThrough();
  logDestination.on('data', (chunk: Buffer) => logs.push(chunk.toString('utf8')));
  const config = loadConfig(
    {
      NODE_ENV: 'test',
      LOG_LEVEL: 'debug',
      PORT: '0',
      THROTTLE_LIMIT: '0',
      DATABASE_POOL_SIZE: '8',
      DATABASE_URL: database.url,
      SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
      ...environment,
    },
    VENDORS,
  );
  const app = await createApp(config, { logDestination });
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  return {
    app,
    url,
    database,
    log: () => logs.join(''),
    createUser: async ({ role = 'user', isActive = true, settings } = {}) => {
      const id = randomUUID();
      const email = `${id.slice(0, 8)}@example.com`;
      await database.query(
        `insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
         values ($1, 'authenticated', 'authenticated', $2, '{}', $3, now(), now())`,
        [id, email, JSON.stringify({ role, isActive, settings })],
      );
      const token = await signToken(id, { email });
      return { id, email, token, headers: { authorization: `Bearer ${token}` } };
    },
    request: async (method, path, options = {}) => {
      const response = await send(url, method, path, options);
      if (response.status === 500) printCause(response);
      return response;
    },
    close: async () => {
      await app.close();
      if (!existing) await database.drop();
    },
  };
}

async function send(
  url: string,
  method: string,
  path: string,
  options: RequestOptions,
): Promise<TestResponse> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.user?.headers,
      ...options.headers,
    },
    body:
      options.body === undefined
        ? undefined
        : typeof options.body === 'string'
          ? options.body
          : JSON.stringify(options.body),
    signal: options.signal,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
