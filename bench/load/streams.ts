import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, atMostTimes, type Contender, Figure } from '../support/figures.js';
import { cpuSeconds, residentBytes } from '../support/processes.js';
import { contendersOf, eachRound, type Stage, start } from '../support/stage.js';
import { percentile } from '../support/statistics.js';
import { readToEnd, stampedTokens } from './answer.js';
import { closedLoop } from './closed-loop.js';
import { HttpClient } from './http-client.js';
import { LiveStreams, TOKEN_INTERVAL_MS } from './live-streams.js';

const CONTENDERS: Contender[] = ['pass-through', 'Switchboard'];
const STREAMS = 500;
const RAMP_SECONDS = 10;
/** Measured while all streams are open. */
const STEADY_SECONDS = 4;
/** The streams end one after the other, in the order in which they started. */
const ENDING_SECONDS = 3;

interface Run {
  completed: number;
  lagP99: number;
  cpuPerToken?: number;
  bytesPerStream?: number;
}

/** 500 concurrent streams of 20 tokens per second, in a new process after a warm-up. */
export async function measureStreams(stage: Stage): Promise<Figure[]> {
  const title = `${STREAMS} live streams`;
  const allComplete = { text: 'all', holds: (figure: Figure) => figure.least('Switchboard') === STREAMS };
  const completed = new Figure(`${title}, complete`, '', [allComplete]);
  const lag = new Figure(`${title}, lag p99`, 'ms');
  const cpu = new Figure(`${title}, processor time per token`, 'µs', [atMostTimes(4, 'pass-through')]);
  const memory = new Figure(`${title}, memory per stream`, 'KB', [atMost(100, 'KB')]);
  await eachRound(stage, contendersOf(stage, CONTENDERS), async (contender) => {
    const run = await runOnce(stage, contender);
    completed.note(contender, run.completed);
    lag.note(contender, run.lagP99);
    cpu.note(contender, run.cpuPerToken);
    memory.note(contender, run.bytesPerStream === undefined ? undefined : run.bytesPerStream / 1024);
  });
  return [completed, lag, cpu, memory];
}

async function runOnce(stage: Stage, contender: Contender): Promise<Run> {
  const server = await start(stage, contender);
  const ramp = stage.quick ? RAMP_SECONDS / 2 : RAMP_SECONDS;
  const ending = stage.quick ? 1 : ENDING_SECONDS;
  try {
    await warmUp(server.url, stage);
    const memoryBefore = residentBytes(server.pid);
    const streams = new LiveStreams(server.url, stage.seed.users);
    const end = ramp + 0.5 + STEADY_SECONDS;
    await streams.ramp(STREAMS, ramp, (index) => {
      const opens = (index * ramp) / STREAMS;
      const ends = end + (index * ending) / STREAMS;
      return Math.round(((ends - opens) * 1000) / TOKEN_INTERVAL_MS);
    });
    await sleep(500);

    const cpuBefore = cpuSeconds(server.pid);
    const readBefore = streams.lags.length;
    let memory = 0;
    for (let second = 1; second < STEADY_SECONDS; second++) {
      await sleep(1000);
      memory = Math.max(memory, residentBytes(server.pid) ?? 0);
    }
    const cpuAfter = cpuSeconds(server.pid);
    const tokens = streams.lags.length - readBefore;
    await streams.ended();
    for (const failure of new Set(streams.failures)) stage.log(`${contender}: ${failure}`);
    return {
      completed: streams.completed,
      lagP99: percentile(streams.lags, 0.99),
      cpuPerToken:
        cpuBefore === undefined || cpuAfter === undefined
          ? undefined
          : ((cpuAfter - cpuBefore) * 1e6) / tokens,
      bytesPerStream: memoryBefore === undefined ? undefined : (memory - memoryBefore) / STREAMS,
    };
  } finally {
    await server.stop();
  }
}

/**
 * Runs short chats until the code is compiled and the heap has its size, so that neither counts as the cost of streams.
 */
export async function warmUp(url: string, { seed, quick }: Stage): Promise<void> {
  const client = new HttpClient(url, 20);
  await closedLoop(20, quick ? 1.5 : 2, async (connection) => {
    await readToEnd(await client.send(seed.users[connection]!, stampedTokens(20)));
    return 0;
  });
  client.close();
}
