import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Fault } from '../fault.js';
import type { Stage } from '../stage.js';

const LEAVERS = 6;
const ATTEMPTS = 5;

/** Users are deleted while their answers are written. */
export const DELETE_USER: Fault = {
  name: 'users deleted in mid-stream',
  rounds: 2,
  isShort: true,
  strike: async ({ stage, load, random }) => {
    const leavers = await Promise.all(Array.from({ length: LEAVERS }, () => stage.createUser()));
    const turns = leavers.flatMap((user) => [
      load.newTurn(user, undefined, 60),
      load.newTurn(user, undefined, 60),
    ]);
    for (const turn of turns) turn.isDisturbed = true;
    const saying = turns.map((turn) => sleep(random.int(300)).then(() => load.say(turn)));
    for (const { id } of leavers) {
      await sleep(random.int(300));
      await remove(stage, id);
    }
    // Their clients give up at once: nobody answers them any more.
    await Promise.race([Promise.all(saying), sleep(3_000)]);
  },
};

/**
 * PostgreSQL may choose the deletion as the victim of a deadlock with the end of an answer. It has removed nothing then, and
 * is tried again.
 */
async function remove({ database }: Stage, id: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await database.query('delete from auth.users where id = $1', [id]);
      return;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== '40P01' || attempt === ATTEMPTS) throw error;
    }
  }
}
