import { randomUUID } from 'node:crypto';
import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { hold } from '../support/row-locks.js';

/** Someone's transaction in the database stays open, and holds the chats of many users. */
describe('many locked chats', () => {
  let app: ChatApp;

  beforeAll(async () => {
    app = await startChatApp({ DATABASE_POOL_SIZE: '8' });
  });

  afterAll(() => app.close());

  it('do not keep users of other chats from writing', async () => {
    const stuck = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const user = await app.createUser();
        const chatId = randomUUID();
        expect((await app.say(user, chatId, 'before', { messageId: randomUUID() })).done).toBe(true);
        return { user, chatId };
      }),
    );
    const others: TestUser[] = await Promise.all(Array.from({ length: 31 }, () => app.createUser()));
    const holder = await hold(app.database);
    try {
      const rows = await holder.query('select from chat for update');
      expect(rows).toBe(20);
      const waiting = stuck.map(({ user, chatId }) =>
        app.post(user, { id: chatId, message: userMessage('stuck', randomUUID()) }),
      );
      const answers = await Promise.all(
        others.map((user) => app.say(user, randomUUID(), 'free', { messageId: randomUUID() })),
      );
      expect(answers.map(({ status }) => status)).toEqual(others.map(() => 200));
      expect(answers.every(({ done }) => done)).toBe(true);
      // They are told that the chat is locked, and may try again.
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(stuck.map(() => 503));
    } finally {
      await holder.release();
    }
    const [first] = stuck;
    const again = await app.say(first!.user, first!.chatId, 'after', { messageId: randomUUID() });
    expect(again.done).toBe(true);
  });
});
