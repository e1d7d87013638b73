import type { UIMessage } from 'ai';
import { apply } from '../../src/upgrade-legacy/upgrade.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import type { TestUser } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { signToken } from '../support/tokens.js';
import { messagesOf } from '../support/turns.js';
import { LegacyRows, PICTURE, type Rows } from './legacy-rows.js';
import { createLegacyTables, VERSIONS } from './legacy-schema.js';
import { OPTIONS, withClient } from './upgrade.js';

/** Old chats work like any others: chats of each version are opened, continued, forked, exported and searched. */
describe.each(VERSIONS)('chats of schema %s', (version) => {
  let database: TestDatabase;
  let app: ChatApp;
  let ids: Rows;
  let ann: TestUser;

  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false });
    await createLegacyTables(database, version);
    ids = await new LegacyRows(database, version).fill();
    await withClient(database.url, (client) => apply(client, database.url, OPTIONS));
    app = await startChatApp({}, { database });
    const token = await signToken(ids.ann!, { email: 'ann@example.com' });
    ann = { id: ids.ann!, email: 'ann@example.com', token, headers: { authorization: `Bearer ${token}` } };
  }, 60_000);

  afterAll(async () => {
    await app?.close();
    await database?.drop();
  });

  const loaded = async (): Promise<UIMessage[]> =>
    (await messagesOf(app, ann, ids.chat!)).map(({ id, role, parts, metadata }) => ({
      id,
      role,
      parts,
      ...(metadata ? { metadata } : {}),
    }));

  it('are listed, and none of them appears to be streaming', async () => {
    const { body } = await app.request('GET', '/api/chats?limit=100', { user: ann });
    expect(body.items.map(({ id }: { id: string }) => id)).toContain(ids.chat);
    expect(body.items.some(({ isStreaming }: { isStreaming: boolean }) => isStreaming)).toBe(false);
    expect((await app.request('GET', `/api/chats/${ids.guestChat}`, { user: ann })).status).toBe(404);
  });

  it('open in useChat and continue, with every provider', async () => {
    for (const model of ['google/gemini-3.8-flash', 'openai/gpt-6.1-terra', 'anthropic/claude-sonnet-5-5']) {
      const before = await loaded();
      const chat = createChatClient(app.url, {
        token: ann.token,
        id: ids.chat,
        messages: before,
        body: { model, agent: 'chat' },
      });
      await chat.sendMessage({ text: `Go on with ${model}` });
      expect([model, chat.error]).toEqual([model, undefined]);
      expect(textOf(chat.lastMessage)).toContain('Go on with');
      const after = await loaded();
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after).toHaveLength(before.length + 2);
    }
    // The model gets the old messages. No URL of an old picture is fetched or sent.
    const sent = JSON.stringify(app.double.requests.map(({ body }) => body));
    expect(sent).not.toContain(PICTURE);
    if (version !== '0002' && version !== '0003' && version !== '0004') return;
    expect(sent).toContain('Cold.');
  });

  it('fork and export', async () => {
    const messages = await loaded();
    const last = messages.at(-1)!;
    const fork = await app.request('POST', `/api/chats/${ids.chat}/fork`, {
      user: ann,
      body: { messageId: last.id },
    });
    expect(fork.status).toBe(201);
    const copied = await messagesOf(app, ann, fork.body.id as string);
    expect(copied.map(({ role }) => role)).toEqual(messages.map(({ role }) => role));
    for (const format of ['json', 'markdown']) {
      const { status, text } = await app.request('GET', `/api/chats/${ids.chat}/export?format=${format}`, {
        user: ann,
      });
      expect(status).toBe(200);
      expect(text).toContain('Ulm');
    }
    const whole = await app.request('GET', '/api/me/export', { user: ann });
    expect(whole.status).toBe(200);
  });

  it('can be searched by their titles and text', async () => {
    const find = async (words: string) => {
      const { status, body } = await app.request(
        'GET',
        `/api/chats?limit=100&q=${encodeURIComponent(words)}`,
        { user: ann },
      );
      expect(status).toBe(200);
      return body.items.map(({ id }: { id: string }) => id) as string[];
    };
    expect(await find('ulm')).toContain(ids.chat);
    if (ids.plainAnswer) expect(await find('needle in the hay')).toContain(ids.chat);
    if (ids.answerRow) expect(await find('umlauten')).toContain(ids.chat);
    expect(await find('no such words anywhere')).toEqual([]);
  });

  it('need no recovery: no answer was interrupted', async () => {
    const rows = await database.query(`select status from "Message_v2" where status <> 'complete'`);
    expect(rows).toEqual([]);
  });

  if (version >= '0001') {
    it('have documents that can be read, changed and commented', async () => {
      const { body } = await app.request('GET', `/api/documents/${ids.document}`, { user: ann });
      expect(body.userId).toBe(ids.ann);
      const suggestions = await app.request(
        'GET',
        `/api/documents/${ids.document}/suggestions?version=2025-04-04T04:04:04.124Z`,
        { user: ann },
      );
      expect(suggestions.body.items.map(({ id }: { id: string }) => id)).toEqual([ids.suggestion]);
      const put = await app.request('PUT', `/api/documents/${ids.document}`, {
        user: ann,
        body: { content: 'today' },
      });
      expect(put.status).toBe(200);
    });
  }
});
