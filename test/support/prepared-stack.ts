import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { startServerProcess } from './server-process.js';

/** Longer than the start of a server. */
const PATIENCE = 90_000;

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

/** The data folder that is copied. The first caller of the run sets it up, and callers in other workers wait for it. */
async function preparedStack(): Promise<string> {
  const shared = process.env['TEST_SHARED_FOLDER'];
  if (!shared)
    throw new Error('TEST_SHARED_FOLDER is not set: jest runs the tests, and its global setup sets it.');
  const [dataDir, lock, ready] = ['stack', 'stack-lock', 'stack-ready'].map((name) => join(shared, name)) as [
    string,
    string,
    string,
  ];
  for (const deadline = Date.now() + PATIENCE; !existsSync(ready); await sleep(50)) {
    if (Date.now() > deadline) throw new Error('Another worker has not set up the stack.');
    try {
      mkdirSync(lock);
    } catch {
      continue;
    }
    try {
      if (!existsSync(ready)) {
        const server = await startServerProcess({ DATA_DIR: dataDir, PORT: String(await freePort()) });
        await server.stop('SIGINT');
        writeFileSync(ready, '');
      }
    } finally {
      rmSync(lock, { recursive: true });
    }
  }
  return dataDir;
}
