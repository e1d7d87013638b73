import { randomUUID } from 'node:crypto';
import { addChat, addMessage, addStream, text } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  stranger = await app.createUser();
});
beforeEach(async () => {
  owner = await app.createUser();
});
afterAll(() => app?.close());

const fork = (chatId: string, body: unknown, user = owner) =>
  app.request('POST', `/api/chats/${chatId}/fork`, { user, body });

async function messagesOf(chatId: string, user = owner) {
  const { body } = await app.request('GET', `/api/chats/${chatId}/messages?limit=100`, { user });
  return body.items as Array<Record<string, unknown> & { id: string }>;
}

/** The fields that a copy shares with its original: all except its ids and the original's cost. */
const content = ({
  id: _id,
  chatId: _chatId,
  inputTokens: _input,
  outputTokens: _output,
  cost: _cost,
  metadata: _metadata,
  ...rest
}: Record<string, unknown>) => rest;

describe('POST /api/chats/:id/fork', () => {
  it('copies the history up to and including the message into a new private chat', async () => {
    const chatId = await addChat(app, owner, {
      title: 'Gärten 🌱',
      visibility: 'public',
      totalInputTokens: 10,
      totalCost: '1.5',
      lastContext: { a: 1 },
    });
    const question = await addMessage(app, chatId, { role: 'user', createdAt: '2026-01-01T00:00:00.000Z' });
    const answer = await addMessage(app, chatId, {
      role: 'assistant',
      createdAt: '2026-01-01T00:00:01.000Z',
      parts: [{ type: 'step-start' }, text('Hi "there"\n🌱'), { type: 'reasoning', text: 'b', z: 1, a: 2 }],
      attachments: [{ name: 'x' }],
      modelUsed: 'gpt-4o-mini',
      inputTokens: 7,
      outputTokens: 3,
      cost: '0.000123',
      status: 'stopped',
      metadata: { agentType: 'chat' },
    });
    await addMessage(app, chatId, { role: 'user', createdAt: '2026-01-01T00:00:02.000Z' });
    await app.request('PUT', `/api/chats/${chatId}/messages/${answer}/vote`, {
      user: owner,
      body: { isUpvoted: true },
    });

    const { status, body } = await fork(chatId, { messageId: answer });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      userId: owner.id,
      title: 'Gärten 🌱',
      visibility: 'private',
      lastContext: null,
      totalInputTokens: 0,
      totalOutputTokens: 0,
      totalCost: 0,
      isOwner: true,
      isStreaming: false,
    });
    expect(body.id).not.toBe(chatId);
    const original = await messagesOf(chatId);
    const copies = await messagesOf(body.id);
    expect(copies.map(content)).toEqual(original.slice(0, 2).map(content));
    const ids = copies.map(({ id }) => id);
    expect(ids).not.toContain(question);
    expect(ids).not.toContain(answer);
    expect(original).toHaveLength(3);
    expect((await app.request('GET', `/api/chats/${body.id}/votes`, { user: owner })).body.items).toEqual([]);
  });

  it('keeps the order of messages of one millisecond', async () => {
    const chatId = await addChat(app, owner);
    for (let n = 0; n < 20; n++) {
      await addMessage(app, chatId, { createdAt: '2026-01-01T00:00:00.000Z', parts: [text(`message ${n}`)] });
    }
    const original = await messagesOf(chatId);
    const { body } = await fork(chatId, { messageId: original[14]!.id });
    expect((await messagesOf(body.id)).map(content)).toEqual(original.slice(0, 15).map(content));
  });

  it("copies another user's public chat without changing it", async () => {
    const chatId = await addChat(app, owner, { visibility: 'public', title: 'open' });
    await addMessage(app, chatId, { role: 'user', createdAt: '2026-01-01T00:00:00.000Z' });
    const answer = await addMessage(app, chatId, {
      role: 'assistant',
      createdAt: '2026-01-01T00:00:01.000Z',
    });
    const { status, body } = await fork(chatId, { messageId: answer }, stranger);
    expect(status).toBe(201);
    expect(body).toMatchObject({ userId: stranger.id, title: 'open', visibility: 'private', isOwner: true });
    expect((await messagesOf(body.id, stranger)).map(content)).toEqual(
      (await messagesOf(chatId)).map(content),
    );
    expectProblem(await app.request('GET', `/api/chats/${body.id}`, { user: owner }), 404, 'not_found');
    expect(await messagesOf(chatId)).toHaveLength(2);
  });

  it('does not copy a running answer', async () => {
    const chatId = await addChat(app, owner);
    const question = await addMessage(app, chatId, { role: 'user', createdAt: '2026-01-01T00:00:00.000Z' });
    const answer = await addMessage(app, chatId, {
      role: 'assistant',
      createdAt: '2026-01-01T00:00:01.000Z',
      status: 'streaming',
    });
    await addStream(app, chatId, answer);
    expectProblem(await fork(chatId, { messageId: answer }), 409, 'stream_in_progress');
    const { body } = await fork(chatId, { messageId: question });
    expect(body.isStreaming).toBe(false);
    expect(await messagesOf(body.id)).toHaveLength(1);
    expect((await app.request('GET', '/api/chats', { user: owner })).body.items).toHaveLength(2);
  });

  it('reveals nothing of a private chat, and creates nothing', async () => {
    const chatId = await addChat(app, owner);
    const messageId = await addMessage(app, chatId, {});
    for (const role of ['user', 'admin'] as const) {
      const user = await app.createUser({ role });
      expectProblem(await fork(chatId, { messageId }, user), 404, 'not_found');
      expect((await app.request('GET', '/api/chats', { user })).body.items).toEqual([]);
    }
  });

  it('requires a message of that chat', async () => {
    const chatId = await addChat(app, owner);
    const elsewhere = await addMessage(app, await addChat(app, owner), {});
    expectProblem(await fork(chatId, { messageId: elsewhere }), 404, 'not_found');
    expectProblem(await fork(chatId, { messageId: randomUUID() }), 404, 'not_found');
    expect((await app.request('GET', '/api/chats', { user: owner })).body.items).toHaveLength(2);
  });

  it.each<[unknown, string]>([
    [{}, 'messageId'],
    [{ messageId: 5 }, 'messageId'],
    [{ messageId: '' }, 'messageId'],
    [{ messageId: 'x'.repeat(129) }, 'messageId'],
    [{ messageId: 'a\u0000' }, 'messageId'],
    [{ messageId: 'a', title: 'x' }, 'title'],
  ])('refuses %j', async (body, path) => {
    const response = await fork(await addChat(app, owner), body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });
});
