import { randomUUID } from 'node:crypto';
import { addMessage } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { storedId } from '../support/client-ids.js';
import { expectProblem } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;

beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  owner = await app.createUser();
});
afterAll(() => app?.close());

describe('every route of a chat', () => {
  it.each([
    'my-chat_1',
    'x'.repeat(128),
    'über/../%2F?#&🌱',
    '你好 שלום',
    "'; drop table chat; --",
    '0',
    '🌱'.repeat(64),
  ])('maps the client id %j to the same chat', async (clientId) => {
    const { body: chat } = await app.request('POST', '/api/chats', { user: owner, body: { id: clientId } });
    expect(chat.id).toBe(await storedId(app, owner, clientId));
    const messageId = await addMessage(app, chat.id, { id: await storedId(app, owner, clientId, chat.id) });
    const path = `/api/chats/${encodeURIComponent(clientId)}`;
    const message = encodeURIComponent(clientId);
    const request = (method: string, below: string, body?: unknown) =>
      app.request(method, `${path}${below}`, { user: owner, body });

    expect((await request('GET', '')).body.id).toBe(chat.id);
    expect((await request('PATCH', '', { title: 'again' })).body.id).toBe(chat.id);
    expect((await request('GET', '/messages')).body.items[0]).toMatchObject({
      id: messageId,
      chatId: chat.id,
    });
    expect((await request('GET', '/export')).body.chat.id).toBe(chat.id);
    expect((await request('POST', '/fork', { messageId: clientId })).status).toBe(201);
    expect((await request('PUT', `/messages/${message}/vote`, { isUpvoted: true })).body).toMatchObject({
      chatId: chat.id,
      messageId,
    });
    expect((await request('GET', '/votes')).body.items).toHaveLength(1);
    expect((await request('DELETE', `/messages/${message}/vote`)).status).toBe(204);
    expect((await request('DELETE', `/messages?from=${message}`)).body).toEqual({ deleted: 1 });
    expect((await request('DELETE', '')).status).toBe(204);
  });

  it.each([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['GET', '/messages'],
    ['DELETE', '/messages?from=x'],
    ['POST', '/fork'],
    ['GET', '/export'],
    ['GET', '/votes'],
    ['PUT', '/messages/x/vote'],
    ['DELETE', '/messages/x/vote'],
  ])('%s /api/chats/:id%s refuses an invalid id, and requests without a token', async (method, below) => {
    const bodies: Record<string, unknown> = {
      PATCH: { title: 'x' },
      POST: { messageId: 'x' },
      PUT: { isUpvoted: true },
    };
    const body = bodies[method];
    const response = await app.request(method, `/api/chats/${'x'.repeat(129)}${below}`, {
      user: owner,
      body,
    });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe('id');
    const nul = await app.request(method, `/api/chats/a%00b${below}`, { user: owner, body });
    expectProblem(nul, 400, 'validation_failed');
    expect(nul.body.errors[0].path).toBe('params.id');
    expectProblem(
      await app.request(method, `/api/chats/${randomUUID()}${below}`, { body }),
      401,
      'unauthenticated',
    );
  });

  it.each([
    ['GET', '/api/chats'],
    ['POST', '/api/chats'],
    ['DELETE', '/api/chats'],
  ])('%s %s requires a token', async (method, path) => {
    expectProblem(await app.request(method, path), 401, 'unauthenticated');
  });
});
