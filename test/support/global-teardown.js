import { once } from 'node:events';
import { rmSync } from 'node:fs';

/** Stops the PostgreSQL of the run and removes its folder. */
export default async function globalTeardown() {
  const cluster = globalThis.switchboardTestCluster;
  if (!cluster) return;
  const exited = once(cluster.server, 'exit');
  cluster.server.kill('SIGINT');
  await exited;
  rmSync(cluster.folder, { recursive: true, force: true });
}
