import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, Figure } from '../support/figures.js';
import { contendersOf, type Stage, start } from '../support/stage.js';
import { percentile } from '../support/statistics.js';
import { LiveStreams } from './live-streams.js';
import { warmUp } from './streams.js';

const CONTENDERS: Contender[] = ['pass-through', 'Switchboard'];
const STEP = 100;
/** New streams per second. */
const RAMP = 100;
const LONGEST_LAG_MS = 100;
const MOST_STREAMS = 3_000;
/** More than any search needs. */
const TOKENS = 20 * 300;

/**
 * The number of streams that one process can serve. Adds a hundred at a time until the p99 of the lag exceeds 100 ms.
 */
export async function measureStreamLimit(stage: Stage): Promise<Figure[]> {
  const limit = new Figure(`live streams until lag p99 passes ${LONGEST_LAG_MS} ms`, '');
  for (const contender of contendersOf(stage, CONTENDERS))
    limit.note(contender, await search(stage, contender));
  return [limit];
}

async function search(stage: Stage, contender: Contender): Promise<number> {
  const server = await start(stage, contender);
  const streams = new LiveStreams(server.url, stage.seed.users);
  try {
    await warmUp(server.url, stage);
    let held = 0;
    while (held < MOST_STREAMS) {
      await streams.ramp(STEP, STEP / RAMP, () => TOKENS);
      // One slow moment is not the limit.
      if (!(await holds(streams)) && !(await holds(streams))) break;
      held += STEP;
    }
    return held;
  } finally {
    streams.close();
    await server.stop();
  }
}

async function holds(streams: LiveStreams): Promise<boolean> {
  await sleep(500);
  streams.lags = [];
  await sleep(1500);
  return streams.failures.length === 0 && percentile(streams.lags, 0.99) <= LONGEST_LAG_MS;
}
