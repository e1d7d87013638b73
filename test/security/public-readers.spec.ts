import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';

const USAGE = { inputTokens: 7_771, outputTokens: 7_772, totalTokens: 15_543 };
const METADATA = {
  agentType: 'chat',
  model: 'google/gemini-2.5-flash',
  usage: USAGE,
  cost: 0.7773,
  finishReason: 'stop',
  unknown: { cost: 0.7773 },
};

/** A token count or a cost of these rows, and no part of an id. */
const FIGURES = /(?<![\w-])(?:0\.)?777\d(?![\w-])/;

/** Only the owner may see what an answer has cost. */
describe('the reader of a public chat', () => {
  let app: ChatApp;
  let owner: TestUser;
  let reader: TestUser;
  let admin: TestUser;
  let chatId: string;
  let messageId: string;

  beforeAll(async () => {
    app = await startChatApp();
    [owner, reader, admin] = await Promise.all([
      app.createUser(),
      app.createUser(),
      app.createUser({ role: 'admin' }),
    ]);
    chatId = await addChat(app, owner, {
      visibility: 'public',
      totalInputTokens: 7_774,
      totalOutputTokens: 7_775,
      totalCost: '0.777600',
      lastContext: { ...USAGE, cost: 0.7777 },
    });
    await addMessage(app, chatId, { role: 'user', createdAt: '2026-01-01T00:00:00Z' });
    messageId = await addMessage(app, chatId, {
      parts: [text('Sow in March.')],
      inputTokens: 7_771,
      outputTokens: 7_772,
      cost: '0.777300',
      modelUsed: 'gemini-2.5-flash',
      metadata: METADATA,
      createdAt: '2026-01-01T00:00:01Z',
    });
  });

  afterAll(() => app.close());

  const get = (path: string, user: TestUser) => app.request('GET', path, { user });
  const readers = () => [reader, admin];

  it('gets no tokens and no costs of its messages', async () => {
    for (const user of readers()) {
      const { body } = await get(`/api/chats/${chatId}/messages`, user);
      expect(body.items).toHaveLength(2);
      for (const item of body.items)
        expect(item).toMatchObject({ inputTokens: null, outputTokens: null, cost: null });
      expect(body.items[1]).toMatchObject({
        parts: [text('Sow in March.')],
        modelUsed: 'gemini-2.5-flash',
        metadata: { agentType: 'chat', model: 'google/gemini-2.5-flash', finishReason: 'stop' },
      });
      expect(body.items[1].metadata).not.toHaveProperty('usage');
    }
  });

  it('gets no totals and no last context', async () => {
    for (const user of readers()) {
      expect((await get(`/api/chats/${chatId}`, user)).body).toMatchObject({
        isOwner: false,
        totalInputTokens: null,
        totalOutputTokens: null,
        totalCost: null,
        lastContext: null,
      });
    }
  });

  it.each(['json', 'markdown'])('finds no figures in an export as %s', async (format) => {
    const said = await get(`/api/chats/${chatId}/export?format=${format}`, reader);
    expect(said.status).toBe(200);
    expect(said.text).not.toMatch(FIGURES);
    expect(said.text).toContain('Sow in March.');
    if (format === 'json') expect(said.body.votes).toEqual([]);
  });

  it('gets no votes, and cannot vote', async () => {
    expect((await get(`/api/chats/${chatId}/votes`, reader)).status).toBe(404);
  });

  it('gets a copy that does not show what the original has cost', async () => {
    for (const user of [reader, owner]) {
      const fork = await app.request('POST', `/api/chats/${chatId}/fork`, { user, body: { messageId } });
      expect(fork.body).toMatchObject({
        totalInputTokens: 0,
        totalCost: 0,
        lastContext: null,
        isOwner: true,
      });
      const { body, text: said } = await get(`/api/chats/${fork.body.id}/messages`, user);
      expect(body.items[1]).toMatchObject({ inputTokens: 0, outputTokens: 0, cost: 0 });
      expect(body.items[1].metadata).toEqual({
        agentType: 'chat',
        model: 'google/gemini-2.5-flash',
        finishReason: 'stop',
        status: 'complete',
        createdAt: body.items[1].createdAt,
      });
      expect(said).not.toMatch(FIGURES);
    }
  });

  it('gets no figures from the database either', async () => {
    const rows = await app.database.query(
      `select row_to_json(chat)::text as said from switchboard.public_chat($1) chat
       union all select row_to_json(message)::text from switchboard.public_chat_messages($1) message`,
      [chatId],
    );
    expect(rows).toHaveLength(3);
    for (const { said } of rows) expect(said).not.toMatch(FIGURES);
  });

  it('does not affect the owner, who sees them all', async () => {
    const { body } = await get(`/api/chats/${chatId}/messages`, owner);
    expect(body.items[1]).toMatchObject({
      inputTokens: 7_771,
      outputTokens: 7_772,
      cost: 0.7773,
      metadata: METADATA,
    });
    expect((await get(`/api/chats/${chatId}`, owner)).body).toMatchObject({
      totalInputTokens: 7_774,
      totalCost: 0.7776,
      lastContext: USAGE,
    });
  });
});
