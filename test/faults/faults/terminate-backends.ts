import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Scene } from '../fault.js';

const WAVES = 10;

/** Sessions are ended in waves: all, some, or those that listen. */
export const TERMINATE_BACKENDS: Fault = {
  name: 'sessions terminated',
  rounds: 4,
  isShort: true,
  strike: async (scene) => {
    for (let wave = 0; wave < WAVES; wave++) {
      await terminate(
        scene,
        scene.random.pick(['true', 'random() < 0.3', `application_name like '%listener%'`]),
      );
      await sleep(scene.random.int(500));
    }
  },
};

async function terminate({ stage }: Scene, which: string): Promise<void> {
  await stage.database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where pid <> pg_backend_pid() and backend_type = 'client backend' and ${which}`,
  );
}
