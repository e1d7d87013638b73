import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

/** The clocks of the servers jump ten minutes ahead, ten minutes behind, and back. See `clock.js`. */
export const CLOCK_JUMPS: Fault = {
  name: 'clocks jump by 10 min',
  rounds: 2,
  isShort: true,
  strike: async ({ stage, random }) => {
    for (let jump = 0; jump < 3; jump++) {
      for (const server of stage.servers) {
        server.process.kill('SIGUSR2');
        await sleep(random.int(400));
      }
      await sleep(500);
    }
  },
};

/** A server is killed while its clock is ahead, so that its calls lie in the future. */
export const KILL_SERVER_AHEAD: Fault = {
  name: 'server killed, clock ahead',
  rounds: 2,
  strike: async ({ stage, random }) => {
    const victim = random.pick(stage.servers);
    victim.process.kill('SIGUSR2');
    await sleep(2_000);
    await stage.stop(victim, 'SIGKILL');
    await stage.replace(victim);
  },
};
