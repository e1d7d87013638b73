import { randomUUID } from 'node:crypto';
import { addChat, addMessage } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;
let chatId: string;
let messageId: string;

beforeAll(async () => {
  app = await startTestApp();
  stranger = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
beforeEach(async () => {
  owner = await app.createUser();
  chatId = await addChat(app, owner, { visibility: 'public' });
  messageId = await addMessage(app, chatId, { role: 'assistant' });
});
afterAll(() => app?.close());

const votes = (user = owner, query = '') =>
  app.request('GET', `/api/chats/${chatId}/votes${query}`, { user });
const put = (body: unknown, user = owner, message = messageId, chat = chatId) =>
  app.request('PUT', `/api/chats/${chat}/messages/${message}/vote`, { user, body });
const remove = (user = owner, message = messageId) =>
  app.request('DELETE', `/api/chats/${chatId}/messages/${message}/vote`, { user });

describe('votes', () => {
  it('are one per message: another vote replaces it', async () => {
    expect((await votes()).body).toEqual({ items: [], nextCursor: null });
    for (const isUpvoted of [true, true, false]) {
      const { status, body } = await put({ isUpvoted });
      expect([status, body]).toEqual([200, { chatId, messageId, isUpvoted }]);
      expect((await votes()).body.items).toEqual([{ chatId, messageId, isUpvoted }]);
    }
  });

  it('can be removed, more than once', async () => {
    await put({ isUpvoted: true });
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 204]);
    expect((await votes()).body.items).toEqual([]);
  });

  it('work with several concurrent requests', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, (_, n) => put({ isUpvoted: n % 2 === 0 })));
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect((await votes()).body.items).toHaveLength(1);
  });

  it('are listed in the order of their messages, page by page', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const id = await addMessage(app, chatId, { createdAt: `2026-01-01T00:00:0${Math.floor(n / 3)}.000Z` });
      ids.push(id);
      await put({ isUpvoted: n === 0 }, owner, id);
    }
    const expected = [...ids.slice(0, 3).sort(), ...ids.slice(3).sort()];
    const pages = await readAllPages(app, owner, `/api/chats/${chatId}/votes?limit=2`);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat().map((vote) => vote.messageId)).toEqual(expected);
  });

  it('are only for the owner, even in a public chat', async () => {
    await put({ isUpvoted: true });
    for (const user of [stranger, admin]) {
      expectProblem(await votes(user), 404, 'not_found');
      expectProblem(await put({ isUpvoted: false }, user), 404, 'not_found');
      expectProblem(await remove(user), 404, 'not_found');
    }
    expect((await votes()).body.items).toEqual([{ chatId, messageId, isUpvoted: true }]);
  });

  it('require a message of that chat', async () => {
    const elsewhere = await addMessage(app, await addChat(app, owner), {});
    for (const message of [elsewhere, randomUUID()]) {
      expectProblem(await put({ isUpvoted: true }, owner, message), 404, 'not_found');
      expectProblem(await remove(owner, message), 404, 'not_found');
    }
    expectProblem(await put({ isUpvoted: true }, owner, messageId, randomUUID()), 404, 'not_found');
  });

  it.each<[unknown, string]>([
    [{}, 'isUpvoted'],
    [{ isUpvoted: null }, 'isUpvoted'],
    [{ isUpvoted: 'true' }, 'isUpvoted'],
    [{ isUpvoted: 1 }, 'isUpvoted'],
    [{ isUpvoted: true, userId: 'x' }, 'userId'],
  ])('refuse %j', async (body, path) => {
    const response = await put(body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });

  it('refuse an invalid message id', async () => {
    const response = await put({ isUpvoted: true }, owner, 'x'.repeat(129));
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe('messageId');
  });
});
