import { join, resolve } from 'node:path';
import type { App } from '@supabase/lite';
import pg from 'pg';
import { within } from '../common/periodic/within.js';
import { AccessTokens } from './access-token.js';
import { AdminUsers } from './admin-users.js';
import { AuthService } from './auth-service.js';
import { Callers } from './caller.js';
import { EmbeddedStackError, ofDataFolder } from './embedded-stack-error.js';
import { FolderLock } from './folder-lock.js';
import { Gateway } from './gateway.js';
import { LoginThrottle } from './login-throttle.js';
import { type BodyLimitsByKind, bodyLimitsOf } from './request-body.js';
import { comparePassword } from './password-hash.js';
import { CLOSE_TIMEOUT, PostgresCluster } from './postgres-cluster.js';
import { openPrivateFolder, PRIVATE_UMASK } from './private-folder.js';
import { SessionRepository } from './session.repository.js';
import { SignIn } from './sign-in.js';
import { createSecrets, readSecrets, type StackSecrets } from './stack-secrets.js';
import { StorageService } from './storage-service.js';
import { StorageRepository } from './storage.repository.js';
import { createSupabase, prepareSchemas } from './supabase.js';
import { postgresUser } from './system-user.js';

/** The stack for a fresh machine: real PostgreSQL, and auth and storage that speak Supabase's protocols. */
export interface EmbeddedStack {
  /** The environment variables that the stack supplies. */
  environment: {
    DATABASE_URL: string;
    SUPABASE_URL: string;
    SUPABASE_SECRET_KEY: string;
    SUPABASE_PUBLISHABLE_KEY: string;
    SUPABASE_JWT_SECRET: string;
  };
  /** The key that clients may have. */
  publishableKey: string;
  /** Answers `/auth/v1/*` and `/storage/v1/*`. */
  gateway: Gateway;
  /** Whether a user has this address, and this password. */
  findUser(user: { email: string; password: string }): Promise<'absent' | 'same' | 'other password'>;
  /** Rejects if PostgreSQL has ended and cannot be started again. */
  lost: Promise<never>;
  /** The error for the operator, if the data folder is its cause. Any other error is returned unchanged. */
  explain(error: unknown): unknown;
  /** Stops everything gracefully. It can be called more than once. */
  stop(): Promise<void>;
}

export interface EmbeddedStackOptions {
  /** Everything is stored in this folder. */
  dataDir: string;
  /** The URL where clients reach the server. */
  publicUrl: string;
  nodeEnv: string;
  log: (line: string) => void;
  /**
   * Failed sign-ins per address within five minutes. The limits of other actions are derived from it. 0 disables all
   * limits.
   */
  authRateLimit: number;
  /** Milliseconds in which a request must arrive. Uploads may take longer, but no pause may be longer. */
  requestTimeout: number;
}

/** @throws EmbeddedStackError if it cannot or must not start */
export async function startEmbeddedStack(options: EmbeddedStackOptions): Promise<EmbeddedStack> {
  if (options.nodeEnv === 'production') {
    throw new EmbeddedStackError(
      'The embedded stack is not for production. Set DATABASE_URL and the SUPABASE_ variables',
    );
  }
  process.umask(PRIVATE_UMASK);
  const dataDir = resolve(options.dataDir);
  let lock: FolderLock | undefined;
  let cluster: PostgresCluster | undefined;
  try {
    openPrivateFolder(dataDir, postgresUser());
    lock = FolderLock.take(dataDir);
    const secrets = readSecrets(dataDir) ?? createSecrets();
    cluster = await PostgresCluster.start(dataDir, secrets, options.log);
    return await startServices(cluster, dataDir, secrets, lock, options);
  } catch (error) {
    await cluster?.stop();
    lock?.release();
    throw ofDataFolder(error, dataDir);
  }
}

async function startServices(
  cluster: PostgresCluster,
  dataDir: string,
  secrets: StackSecrets,
  lock: FolderLock,
  { publicUrl, authRateLimit, requestTimeout, log }: EmbeddedStackOptions,
): Promise<EmbeddedStack> {
  await prepareSchemas(cluster.url, secrets.authPassword);
  const authUrl = new URL(cluster.url);
  authUrl.username = 'supabase_auth_admin';
  authUrl.password = secrets.authPassword;
  const database = new pg.Pool({ connectionString: authUrl.href, max: 4 });
  database.on('error', () => undefined);
  const app = await createSupabase({
    url: authUrl.href,
    secrets,
    publicUrl,
    storageFolder: join(dataDir, 'storage'),
  });
  const limits = bodyLimitsOf(requestTimeout);
  const gateway = await createGateway({ app, database, secrets, publicUrl, authRateLimit, limits, log });
  let stopped: Promise<void> | undefined;
  return {
    environment: {
      DATABASE_URL: cluster.url,
      SUPABASE_URL: publicUrl,
      SUPABASE_SECRET_KEY: secrets.secretKey,
      SUPABASE_PUBLISHABLE_KEY: secrets.publishableKey,
      SUPABASE_JWT_SECRET: secrets.jwtSecret,
    },
    publishableKey: secrets.publishableKey,
    gateway,
    findUser: async ({ email, password }) => {
      const user = await new SessionRepository(database).findUserByEmail(email);
      if (!user) return 'absent';
      const isSame = await comparePassword(password, user.encrypted_password ?? '').catch(() => false);
      return isSame ? 'same' : 'other password';
    },
    lost: cluster.lost,
    explain: (error) => ofDataFolder(error, dataDir),
    stop: () => {
      stopped ??= within(CLOSE_TIMEOUT, closed(database, app), () => undefined)
        .then(() => cluster.stop())
        .finally(() => lock.release());
      return stopped;
    },
  };
}

/** Never rejects. */
async function closed(database: pg.Pool, app: App): Promise<void> {
  await Promise.allSettled([database.end(), app.connection.close()]);
}

/** The layer between requests and the library. Both services use one fixed origin, regardless of the Host header. */
async function createGateway(options: {
  app: App;
  database: pg.Pool;
  secrets: StackSecrets;
  publicUrl: string;
  authRateLimit: number;
  limits: BodyLimitsByKind;
  log: (line: string) => void;
}): Promise<Gateway> {
  const { app, database, secrets, publicUrl, authRateLimit, limits, log } = options;
  const { origin } = new URL(publicUrl);
  const library = async (request: Request) => app.fetch(request);
  const callers = new Callers(secrets);
  const sessions = new SessionRepository(database);
  const tokens = new AccessTokens(secrets.jwtSecret, `${publicUrl}/auth/v1`);
  const signIn = await SignIn.create(sessions, tokens, async (accessToken) => {
    const headers = { apikey: secrets.publishableKey, authorization: `Bearer ${accessToken}` };
    return (await library(new Request(`${origin}/auth/v1/user`, { headers }))).json();
  });
  return new Gateway(
    callers,
    new AuthService(
      library,
      origin,
      sessions,
      signIn,
      tokens,
      new AdminUsers(database),
      new LoginThrottle(authRateLimit),
    ),
    new StorageService(
      library,
      origin,
      (token) => callers.verify(token),
      secrets.jwtSecret,
      new StorageRepository(database),
      limits,
    ),
    limits,
    log,
  );
}
