import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUser } from '../../support/app.js';
import { messagesOf, send, stop } from '../../support/turns.js';
import type { Fault, Scene } from '../fault.js';

const CHATS = 3;
const STEPS = 40;

/** Stop, edit, regenerate, delete and send again in one chat, at random moments and servers. */
export const ONE_CHAT: Fault = {
  name: 'stop, edit, delete at random',
  rounds: 3,
  isShort: true,
  strike: async (scene) => {
    await Promise.all(
      Array.from({ length: CHATS }, async () => {
        const user = await scene.stage.createUser();
        const chatId = randomUUID();
        const answers: Array<Promise<unknown>> = [];
        for (let step = 0; step < STEPS; step++) {
          answers.push(oneStep(scene, user, chatId).catch(() => undefined));
          await sleep(scene.random.int(120));
        }
        await Promise.all(answers);
      }),
    );
  },
};

async function oneStep({ stage, load, random }: Scene, user: TestUser, chatId: string): Promise<void> {
  const server = random.pick(stage.servers);
  const again = async (body: object) =>
    (await send(server, user, { id: chatId, agent: 'chat', ...body })).rest();
  const question = async () => {
    const messages = await messagesOf(server, user, chatId).catch(() => []);
    return messages.filter(({ role }) => role === 'user').at(-1)?.id;
  };
  const turn = load.newTurn(user, chatId, 10);
  turn.isDisturbed = true;
  switch (
    random.pick(['send', 'send', 'stop', 'stop', 'edit', 'regenerate', 'delete message', 'delete chat'])
  ) {
    case 'send':
      return void (await again(load.bodyOf(turn)));
    case 'stop':
      return void (await stop(server, user, chatId));
    case 'edit': {
      const id = await question();
      if (id) await again(load.bodyOf({ ...turn, messageId: id }));
      return;
    }
    case 'regenerate':
      return void (await again({ trigger: 'regenerate-message' }));
    case 'delete message': {
      const id = await question();
      if (id) await remove(server.url, user, `/api/chats/${chatId}/messages?from=${id}`);
      return;
    }
    case 'delete chat':
      if (random.int(4) === 0) await remove(server.url, user, `/api/chats/${chatId}`);
  }
}

async function remove(url: string, user: TestUser, path: string): Promise<void> {
  await (await fetch(`${url}${path}`, { method: 'DELETE', headers: user.headers })).arrayBuffer();
}
