import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import { answerCalls, messagesOf, resume, saying, send, stop } from '../support/turns.js';

/** The owner of a chat is checked before a turn in it is claimed. */
describe('another user in a public chat', () => {
  let app: ChatApp;
  let alice: TestUser;
  let mallory: TestUser;
  let chatId: string;

  beforeAll(async () => {
    app = await startChatApp();
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    app.double.reset();
    [alice, mallory] = await Promise.all([app.createUser(), app.createUser()]);
    chatId = crypto.randomUUID();
    const { status } = await app.request('POST', '/api/chats', {
      user: alice,
      body: { id: chatId, visibility: 'public' },
    });
    expect(status).toBe(201);
  });

  it('does not lock the owner out', async () => {
    let isOver = false;
    const knocking = Array.from({ length: 4 }, async () => {
      const statuses: number[] = [];
      while (!isOver) statuses.push((await app.say(mallory, chatId, 'Let me in.')).status);
      return statuses;
    });
    const statuses: number[] = [];
    for (let n = 0; n < 10; n++) statuses.push((await app.say(alice, chatId, `Message ${n}`)).status);
    isOver = true;
    expect(statuses).toEqual(Array(10).fill(200));
    // 409: the other user's own requests are running.
    const refused = (await Promise.all(knocking)).flat();
    expect(refused).toContain(404);
    expect(refused.filter((status) => status !== 404 && status !== 409)).toEqual([]);
    expect(await messagesOf(app, alice, chatId)).toHaveLength(20);
  });

  it('neither sees, stops nor replaces a running answer, and does not run one', async () => {
    app.double.enqueue({ text: ['One. ', 'Two.'], pauseAfter: 1 });
    const answer = await send(app, alice, { id: chatId, message: userMessage('Count.') });
    await answer.until(saying('One. '));
    expect((await app.say(mallory, chatId, 'Count.')).status).toBe(404);
    expect((await resume(app, mallory, chatId)).response.status).toBe(204);
    expect(await stop(app, mallory, chatId)).toEqual({ stopped: false });
    expect((await app.request('DELETE', `/api/chats/${chatId}`, { user: mallory })).status).toBe(404);
    expect((await app.say(alice, chatId, 'Another.')).status).toBe(409);
    const followed = await resume(app, alice, chatId);
    expect(followed.response.status).toBe(200);
    app.double.resume();
    expect((await answer.rest()).text).toBe('One. Two.');
    expect((await followed.rest()).text).toBe('One. Two.');
    expect(answerCalls(app, 'Count.')).toHaveLength(1);
  });

  it('leaves nothing behind that the server must keep', async () => {
    const crashed = await app.database.query(
      `insert into "Message_v2" (id, "chatId", role, parts, status) values (gen_random_uuid(), $1, 'assistant', '[]', 'streaming') returning id`,
      [chatId],
    );
    expect((await app.say(mallory, chatId, 'Let me in.')).status).toBe(404);
    const [row] = await app.database.query('select status from "Message_v2" where id = $1', [crashed[0].id]);
    expect(row.status).toBe('streaming');
    expect((await app.say(alice, chatId, 'Mine.')).status).toBe(200);
  });
});
