import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

/** Longer than another instance waits before it closes the answers of this one. */
const PAUSE = 15_000;

/** A server is paused. The other one closes its answers, and then it wakes up. */
export const PAUSE_OWNER: Fault = {
  name: 'server paused for 15 s',
  rounds: 2,
  strike: async ({ stage, random }) => {
    const { process: child } = random.pick(stage.servers);
    child.kill('SIGSTOP');
    try {
      await sleep(PAUSE);
    } finally {
      child.kill('SIGCONT');
    }
  },
};
