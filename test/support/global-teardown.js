import { once } from 'node:events';
import { rmSync } from 'node:fs';

/** Stops the PostgreSQL of the run and removes its folder. */
export default async function globalTeardown() {
  const server = globalThis.switchboardTestCluster;
  if (server) {
    const exited = once(server, 'exit');
    server.kill('SIGINT');
    await exited;
  }
  rmSync(globalThis.switchboardTestFolder, { recursive: true, force: true });
}
