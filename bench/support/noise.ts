import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** The share of all processors that is used while the harness itself is idle: the work of other programs. */
export async function busyShare(): Promise<number> {
  const before = readTimes();
  await sleep(500);
  const after = readTimes();
  return (after.busy - before.busy) / Math.max(1, after.all - before.all);
}

function readTimes(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.irq + times.idle;
    busy += sum - times.idle;
    all += sum;
  }
  return { busy, all };
}
