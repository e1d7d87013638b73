import { setTimeout as sleep } from 'node:timers/promises';
import { Figure } from '../support/figures.js';
import { residentBytes } from '../support/processes.js';
import { eachRound, productsOf, type Stage, startProduct } from '../support/stage.js';

/** Time from the start of the process until it is ready, and its memory while idle. */
export async function measureColdStart(stage: Stage): Promise<Figure[]> {
  const ready = new Figure('cold start until ready', 'ms');
  const memory = new Figure('memory of an idle process', 'MB');
  await eachRound(stage, productsOf(stage), async (product) => {
    const server = await startProduct(stage, product);
    try {
      ready.note(product, server.readyAfterMs);
      await sleep(2000);
      const bytes = residentBytes(server.pid);
      memory.note(product, bytes === undefined ? undefined : bytes / 1024 ** 2);
    } finally {
      await server.stop();
    }
  });
  return [ready, memory];
}
