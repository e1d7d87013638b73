import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

/** A process is killed at a random point of its turns, and started again. */
export const KILL_SERVER: Fault = {
  name: 'server killed',
  rounds: 6,
  isShort: true,
  strike: async ({ stage, random }) => {
    await sleep(random.int(1_000));
    const victim = random.pick(stage.servers);
    await stage.stop(victim, 'SIGKILL');
    await stage.replace(victim);
  },
};
