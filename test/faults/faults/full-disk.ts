import { rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

const BLOCK = Buffer.alloc(1024 ** 2);

/** PostgreSQL's disk is full for a while. If PostgreSQL ends because of that, it is started again, as by its supervisor. */
export const FILL_DISK: Fault = {
  name: 'disk full for 6 s',
  needs: ['small disk'],
  rounds: 2,
  strike: async ({ stage }) => {
    const ballast = join(stage.disk!, 'ballast');
    const until = Date.now() + 6_000;
    try {
      // What PostgreSQL sets free meanwhile is filled, too.
      for (; Date.now() < until; await sleep(100)) await fill(ballast);
    } finally {
      rmSync(ballast, { force: true });
    }
    await stage.postgres.revive();
  },
};

async function fill(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    for (const size of [BLOCK.length, 1024]) while (await tryWrite(file, size));
  } finally {
    await file.close();
  }
}

async function tryWrite(file: FileHandle, size: number): Promise<boolean> {
  return file.write(BLOCK, 0, size).then(
    ({ bytesWritten }) => bytesWritten === size,
    () => false,
  );
}
