import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresCluster } from './postgres-cluster.js';
import { freePort } from './postgres-process.js';
import { createSecrets, readSecrets } from './stack-secrets.js';

it('takes another port if another program was faster, and its folder may be moved', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-cluster-'));
  chmodSync(folder, 0o755);
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const taken = (other.address() as AddressInfo).port;
  const choices = [taken, taken];
  try {
    const secrets = createSecrets();
    const cluster = await PostgresCluster.start(
      folder,
      secrets,
      () => undefined,
      async () => choices.pop() ?? freePort(),
    );
    try {
      expect(choices).toEqual([]);
      expect(secrets.port).not.toBe(taken);
    } finally {
      await cluster.stop();
    }

    // The folder is moved, and its database moves with it.
    const moved = join(folder, 'moved');
    mkdirSync(moved);
    chmodSync(moved, 0o755);
    for (const name of ['postgres', 'stack.json']) renameSync(join(folder, name), join(moved, name));
    const lines: string[] = [];
    const again = await PostgresCluster.start(moved, readSecrets(moved)!, (line) => lines.push(line));
    await again.stop();
    expect(lines).toEqual([]);
    expect(existsSync(join(folder, 'postgres'))).toBe(false);
  } finally {
    other.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
