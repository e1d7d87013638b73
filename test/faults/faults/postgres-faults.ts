import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

/** PostgreSQL is restarted as by an operator. */
export const RESTART_POSTGRES: Fault = {
  name: 'PostgreSQL restarted',
  rounds: 3,
  strike: ({ stage }) => stage.postgres.restart(),
};

/** One backend is killed: PostgreSQL ends all sessions, and recovers from its log. */
export const CRASH_POSTGRES: Fault = {
  name: 'PostgreSQL crashed',
  rounds: 4,
  isShort: true,
  strike: async ({ stage, random }) => {
    await sleep(random.int(500));
    await stage.postgres.crash();
    await sleep(1_000 + random.int(1_000));
    await stage.postgres.crash();
  },
};

/** All processes are killed, and nobody starts them again for a while. */
export const LOSE_POSTGRES: Fault = {
  name: 'PostgreSQL away for 10 s',
  rounds: 2,
  strike: async ({ stage }) => {
    await stage.postgres.kill();
    await sleep(10_000);
    await stage.postgres.start();
  },
};

export const READ_ONLY_POSTGRES: Fault = {
  name: 'PostgreSQL read-only for 8 s',
  rounds: 2,
  strike: async ({ stage }) => {
    await stage.postgres.readOnly(true);
    try {
      await sleep(8_000);
    } finally {
      await stage.postgres.readOnly(false);
    }
  },
};

/** It keeps all connections, and answers nothing. */
export const FREEZE_POSTGRES: Fault = {
  name: 'PostgreSQL frozen for 12 s',
  rounds: 2,
  strike: async ({ stage }) => {
    stage.postgres.freeze();
    try {
      await sleep(12_000);
    } finally {
      stage.postgres.thaw();
    }
  },
};
