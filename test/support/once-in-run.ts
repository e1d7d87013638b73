import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than anything that is prepared takes, on a busy machine too. */
const PATIENCE = 180_000;

/**
 * Does something once for all workers of a run. The first caller does it, and callers in other workers wait for it. If
 * it fails, the next caller tries again.
 *
 * @param name of a file, the same for the same work
 */
export async function onceInRun(name: string, work: () => Promise<void>): Promise<void> {
  const shared = sharedFolder();
  const [lock, ready] = [join(shared, `${name}-lock`), join(shared, `${name}-ready`)];
  for (const deadline = Date.now() + PATIENCE; !existsSync(ready); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`Another worker has not finished: ${name}.`);
    try {
      mkdirSync(lock);
    } catch {
      continue;
    }
    try {
      if (!existsSync(ready)) {
        await work();
        writeFileSync(ready, '');
      }
    } finally {
      rmSync(lock, { recursive: true });
    }
  }
}

/** The folder that the workers of a run share, from the global setup of jest. A script has one of its own. */
export function sharedFolder(): string {
  return (process.env['TEST_SHARED_FOLDER'] ??= ownFolder());
}

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-shared-'));
  // PostgreSQL's account must reach what is below it.
  chmodSync(folder, 0o755);
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
