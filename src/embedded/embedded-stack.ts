import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { AdminUsers } from './admin-users.js';
import { AuthService } from './auth-service.js';
import { EmbeddedStackError } from './embedded-stack-error.js';
import { PostgresCluster } from './postgres-cluster.js';
import { createSecrets, readSecrets, type StackSecrets } from './stack-secrets.js';
import { StorageService } from './storage-service.js';
import { createSupabase, prepareSchemas } from './supabase.js';

/** The stack of a fresh machine: real PostgreSQL, and auth and storage that speak Supabase's protocols. */
export interface EmbeddedStack {
  /** What the environment would have said. */
  environment: {
    DATABASE_URL: string;
    SUPABASE_URL: string;
    SUPABASE_SECRET_KEY: string;
    SUPABASE_JWT_SECRET: string;
  };
  /** The key that clients may know. */
  publishableKey: string;
  /** Answers `/auth/v1/*` and `/storage/v1/*`. */
  handle(request: Request): Promise<Response>;
  /** Stops everything cleanly; may be called more than once. */
  stop(): Promise<void>;
}

export interface EmbeddedStackOptions {
  /** Everything is kept below this folder. */
  dataDir: string;
  /** Where clients reach the server. */
  publicUrl: string;
  nodeEnv: string;
  log: (line: string) => void;
}

/** @throws EmbeddedStackError when it can't, or must not, start */
export async function startEmbeddedStack(options: EmbeddedStackOptions): Promise<EmbeddedStack> {
  if (options.nodeEnv === 'production') {
    throw new EmbeddedStackError(
      'The embedded stack is not for production: set DATABASE_URL and the SUPABASE_ variables',
    );
  }
  const dataDir = resolve(options.dataDir);
  const secrets = openDataDir(dataDir);
  const cluster = await PostgresCluster.start(dataDir, secrets, options.log);
  try {
    return await startServices(cluster, dataDir, secrets, options.publicUrl);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function openDataDir(dataDir: string): StackSecrets {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o755 });
    return readSecrets(dataDir) ?? createSecrets();
  } catch (error) {
    throw new EmbeddedStackError(`DATA_DIR ${dataDir} can not be used: ${(error as Error).message}`);
  }
}

async function startServices(
  cluster: PostgresCluster,
  dataDir: string,
  secrets: StackSecrets,
  publicUrl: string,
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
  const auth = new AuthService(app, database, secrets.jwtSecret, `${publicUrl}/auth/v1`);
  const storage = new StorageService(app);
  const admin = new AdminUsers(database, secrets.secretKey);
  let stopped: Promise<void> | undefined;
  return {
    environment: {
      DATABASE_URL: cluster.url,
      SUPABASE_URL: publicUrl,
      SUPABASE_SECRET_KEY: secrets.secretKey,
      SUPABASE_JWT_SECRET: secrets.jwtSecret,
    },
    publishableKey: secrets.publishableKey,
    handle: (request) => {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith('/auth/v1/admin/')) return admin.handle(request);
      return pathname.startsWith('/auth/v1/') ? auth.handle(request) : storage.handle(request);
    },
    stop: () => {
      stopped ??= database
        .end()
        .then(() => app.connection.close())
        .catch(() => undefined)
        .then(() => cluster.stop());
      return stopped;
    },
  };
}
