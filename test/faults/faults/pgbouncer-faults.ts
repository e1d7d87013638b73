import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { KILL_SERVER } from './kill-server.js';

export const RESTART_PGBOUNCER: Fault = {
  name: 'PgBouncer restarted',
  needs: ['pgbouncer'],
  rounds: 3,
  strike: async ({ stage, random }) => {
    for (let restart = 0; restart < 3; restart++) {
      await stage.bouncer!.kill();
      await sleep(random.int(1_500));
      await stage.bouncer!.startAgain();
      await sleep(random.int(1_000));
    }
  },
};

/** The pooler keeps the sessions of a process that has died. */
export const KILL_SERVER_BEHIND_PGBOUNCER: Fault = {
  ...KILL_SERVER,
  name: 'server killed behind PgBouncer',
  needs: ['pgbouncer'],
  rounds: 3,
  isShort: false,
};
