import { setTimeout as sleep } from 'node:timers/promises';
import { Figure } from '../support/figures.js';
import { residentBytes } from '../support/processes.js';
import { type Stage, startProduct } from '../support/stage.js';

/** From the start of the process to ready, and what it keeps in memory while nobody asks for anything. */
export async function measureColdStart(stage: Stage): Promise<Figure[]> {
  const ready = new Figure('cold start to ready', 'ms');
  const memory = new Figure('memory of an idle process', 'MB');
  for (let round = 0; round < stage.rounds; round++) {
    const server = await startProduct(stage);
    try {
      ready.note('Switchboard', server.readyAfterMs);
      await sleep(2000);
      const bytes = residentBytes(server.pid);
      memory.note('Switchboard', bytes === undefined ? undefined : bytes / 1024 ** 2);
    } finally {
      await server.stop();
    }
  }
  return [ready, memory];
}
