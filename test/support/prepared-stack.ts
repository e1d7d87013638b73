import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { onceInRun, sharedFolder } from './once-in-run.js';
import { startServerProcess } from './server-process.js';

/**
 * Creates the data folder of an embedded stack that is already set up, because each first start would create a database
 * cluster and migrate it. All such stacks have the same secrets.
 */
export async function createPreparedStack(dataDir: string): Promise<void> {
  // It keeps the owner: the cluster belongs to PostgreSQL's account.
  execFileSync('cp', ['-a', await preparedStack(), dataDir]);
  const file = join(dataDir, 'stack.json');
  const secrets = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const moved = { ...secrets, port: undefined, clusterFolder: join(dataDir, 'postgres') };
  writeFileSync(file, JSON.stringify(moved));
}

/** The data folder that is copied. */
async function preparedStack(): Promise<string> {
  const dataDir = join(sharedFolder(), 'stack');
  await onceInRun('stack', async () => {
    // What a failed attempt has left.
    rmSync(dataDir, { recursive: true, force: true });
    const server = await startServerProcess({ DATA_DIR: dataDir, PORT: String(await freePort()) });
    await server.stop('SIGINT');
  });
  return dataDir;
}
