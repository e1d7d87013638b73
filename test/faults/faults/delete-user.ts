import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';

const LEAVERS = 6;

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
      await stage.database.query('delete from auth.users where id = $1', [id]);
    }
    // Their clients give up at once: nobody answers them any more.
    await Promise.race([Promise.all(saying), sleep(3_000)]);
  },
};
