import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

export const LOSE_REDIS: Fault = {
  name: 'Redis away for 5 s',
  needs: ['redis'],
  rounds: 2,
  strike: async ({ stage }) => {
    await stage.redis!.stop();
    await sleep(5_000);
    await stage.redis!.start();
  },
};

export const FREEZE_REDIS: Fault = {
  name: 'Redis frozen for 5 s',
  needs: ['redis'],
  rounds: 2,
  strike: async ({ stage }) => {
    stage.redis!.freeze();
    try {
      await sleep(5_000);
    } finally {
      stage.redis!.thaw();
    }
  },
};

/** It forgets everything each time. */
export const RESTART_REDIS: Fault = {
  name: 'Redis restarted',
  needs: ['redis'],
  rounds: 2,
  isShort: true,
  strike: async ({ stage, random }) => {
    for (let restart = 0; restart < 3; restart++) {
      await stage.redis!.stop();
      await stage.redis!.start();
      await sleep(random.int(500));
    }
  },
};
