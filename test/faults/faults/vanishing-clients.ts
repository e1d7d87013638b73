import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUser } from '../../support/app.js';
import type { Fault, Scene } from '../fault.js';

const CLIENTS = 300;

/** Hundreds of clients send a message and are gone. */
export const VANISHING_CLIENTS: Fault = {
  name: '300 clients vanish',
  rounds: 2,
  strike: async (scene) => {
    const users = await Promise.all(Array.from({ length: 10 }, () => scene.stage.createUser()));
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, index) => {
        await sleep(index * 8);
        await vanish(scene, users[index % users.length]!);
      }),
    );
  },
};

async function vanish({ stage, load, random }: Scene, user: TestUser): Promise<void> {
  const turn = load.newTurn(user, undefined, 5);
  const call = request(`${random.pick(stage.servers).url}/api/chat`, {
    method: 'POST',
    // A connection of its own.
    agent: false,
    headers: { 'content-type': 'application/json', ...user.headers },
  });
  call.on('error', () => undefined);
  call.end(JSON.stringify(load.bodyOf(turn)));
  await sleep(random.int(600));
  call.destroy();
}
