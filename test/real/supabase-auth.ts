import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import type { TestDatabase } from '../support/postgres.js';
import { freePort } from '../support/free-port.js';
import { type ChildProgram, startProgram } from './child-program.js';

/** Supabase Auth as in a project: signs with ES256, behind a gateway that serves it at `/auth/v1`. */
export interface SupabaseAuth {
  /** The value for SUPABASE_URL. */
  url: string;
  /** The value for SUPABASE_SECRET_KEY: a token with the role `service_role`. */
  secretKey: string;
  output: () => string;
  close(): Promise<void>;
}

/** Starts Supabase Auth, which creates or updates the schema `auth` before it answers. */
export async function startSupabaseAuth(database: TestDatabase): Promise<SupabaseAuth> {
  // What Supabase's image does before its auth server starts for the first time.
  await database.query(`
    create schema if not exists auth authorization supabase_auth_admin;
    grant usage on schema auth to anon, authenticated, service_role;
    do $do$ begin
      execute format('grant create on database %I to supabase_auth_admin', current_database());
      execute format('alter role supabase_auth_admin in database %I set search_path = auth', current_database());
    end $do$`);
  const port = await freePort();
  const upstream = `http://127.0.0.1:${port}`;
  const gateway = await startGateway(port);
  const issuer = `${gateway.url}/auth/v1`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', key_ops: ['sign', 'verify'] };
  const login = new URL(database.url);
  login.username = 'supabase_auth_admin';
  let program: ChildProgram;
  try {
    program = await startProgram(
      process.env['SUPABASE_AUTH_PROGRAM'],
      [],
      {
        API_EXTERNAL_URL: issuer,
        GOTRUE_API_HOST: '127.0.0.1',
        PORT: String(port),
        GOTRUE_SITE_URL: 'http://localhost:5173',
        GOTRUE_DB_DRIVER: 'postgres',
        DB_NAMESPACE: 'auth',
        GOTRUE_DB_DATABASE_URL: `${login.href}?sslmode=disable`,
        GOTRUE_JWT_SECRET: randomUUID() + randomUUID(),
        GOTRUE_JWT_KEYS: JSON.stringify([jwk]),
        GOTRUE_JWT_ISSUER: issuer,
        GOTRUE_JWT_AUD: 'authenticated',
        GOTRUE_JWT_DEFAULT_GROUP_NAME: 'authenticated',
        GOTRUE_JWT_ADMIN_ROLES: 'service_role',
        GOTRUE_JWT_EXP: '3600',
        GOTRUE_EXTERNAL_EMAIL_ENABLED: 'true',
        GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED: 'true',
        GOTRUE_MAILER_AUTOCONFIRM: 'true',
        GOTRUE_LOG_LEVEL: 'info',
      },
      `${upstream}/health`,
    );
  } catch (error) {
    await gateway.close();
    throw error;
  }
  const secretKey = await new SignJWT({ role: 'service_role' })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid })
    .setIssuer(issuer)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  return {
    url: gateway.url,
    secretKey,
    output: program.output,
    close: async () => {
      await program.stop();
      await gateway.close();
    },
  };
}

/** Passes requests below `/auth/v1` on, as the gateway of a project does. */
async function startGateway(port: number): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? '';
    if (!path.startsWith('/auth/v1/')) return void response.writeHead(404).end();
    const options = {
      host: '127.0.0.1',
      port,
      method: incoming.method,
      path: path.slice('/auth/v1'.length),
      headers: incoming.headers,
    };
    const outgoing = request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.once('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
