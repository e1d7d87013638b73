import { resolve } from 'node:path';
import pg from 'pg';
import { EmbeddedStackError, ofDataFolder } from './embedded-stack-error.js';
import { FolderLock } from './folder-lock.js';
import { PostgresCluster } from './postgres-cluster.js';
import { databaseUrl, readSecrets } from './stack-secrets.js';

/**
 * Opens the database of a data folder for a command: the running PostgreSQL, or one that is started for the command.
 */
export async function openEmbeddedDatabase(
  dataDir: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const folder = resolve(dataDir);
  const secrets = readSecrets(folder);
  if (!secrets) {
    throw new EmbeddedStackError(
      `DATABASE_URL is not set, and ${folder} has no database yet. Set DATABASE_URL, or run npm start first`,
    );
  }
  if (secrets.port !== undefined && (await answers(databaseUrl(secrets)))) {
    return { url: databaseUrl(secrets), close: () => Promise.resolve() };
  }
  const lock = FolderLock.take(folder);
  try {
    const cluster = await PostgresCluster.start(folder, secrets, () => undefined);
    return { url: cluster.url, close: () => cluster.stop().finally(() => lock.release()) };
  } catch (error) {
    lock.release();
    throw ofDataFolder(error, folder);
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
