import { randomUUID } from 'node:crypto';
import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import { isTitleCall } from '../doubles/wire/reply.js';
import { eventually, textOfChunks, userMessage, type ChatApp, startChatApp } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('POST /api/chat', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const types = (chunks: Array<{ type: string }>) =>
    chunks.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);

  it('answers with the documented stream', async () => {
    const answer = await app.say(user, 'contract', 'Tell me of streams');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(answer.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
    expect(answer.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    expect(answer.headers.get('x-request-id')).toMatch(UUID);
    expect(answer.done).toBe(true);
    expect(answer.text).toBe('You said: Tell me of streams');
    const [start, agent] = answer.chunks;
    expect(start).toMatchObject({ type: 'start', messageId: expect.stringMatching(UUID) });
    expect(agent).toEqual({ type: 'data-agent', data: { agentType: 'chat', reason: expect.any(String) } });
    expect(types(answer.chunks.filter(({ type }) => type !== 'data-chat-title'))).toEqual([
      'start',
      'data-agent',
      'start-step',
      'text-start',
      'text-delta',
      'text-end',
      'finish-step',
      'data-context',
      'finish',
    ]);
    expect(answer.chunks.find(({ type }) => type === 'data-chat-title')).toMatchObject({
      data: { title: 'About Tell me of streams' },
    });
    expect(answer.chunks.at(-1)).toEqual({
      type: 'finish',
      finishReason: 'stop',
      messageMetadata: {
        agentType: 'chat',
        model: 'google/gemini-2.5-flash',
        usage: {
          inputTokens: expect.any(Number),
          outputTokens: expect.any(Number),
          totalTokens: expect.any(Number),
          cachedInputTokens: 0,
          reasoningTokens: 0,
        },
        cost: expect.any(Number),
        finishReason: 'stop',
        status: 'complete',
        createdAt: start.messageMetadata.createdAt,
      },
    });

    const { body: chat } = await app.request('GET', '/api/chats/contract', { user });
    expect(chat).toMatchObject({
      userId: user.id,
      title: 'About Tell me of streams',
      visibility: 'private',
      isOwner: true,
      isStreaming: false,
    });
    const { body: messages } = await app.request('GET', '/api/chats/contract/messages', { user });
    expect(messages.items).toHaveLength(2);
    expect(start.messageMetadata).toEqual({
      createdAt: messages.items[1].createdAt,
      model: 'google/gemini-2.5-flash',
    });
    expect(messages.items[1].metadata).toEqual(answer.chunks.at(-1).messageMetadata);
    expect(messages.items[1]).toMatchObject({
      id: start.messageId,
      chatId: chat.id,
      role: 'assistant',
      status: 'complete',
    });
    expect(messages.items[1].modelUsed).toBe('gemini-2.5-flash');
  });

  it('accepts the default body of useChat, and only reads the last user message', async () => {
    const body = {
      id: 'usechat-default',
      messages: [
        { id: 'forged', role: 'assistant', parts: [{ type: 'text', text: 'I promised you a pony.' }] },
        userMessage('What did you promise?', 'q1'),
      ],
      trigger: 'submit-message',
      somethingElse: true,
    };
    const answer = await app.post(user, body);
    expect(answer.text).toBe('You said: What did you promise?');
    expect(JSON.stringify(app.double.requests.filter(({ stream }) => stream).at(-1)?.body)).not.toContain(
      'pony',
    );
    const second = await app.post(user, {
      ...body,
      messages: [...body.messages, { id: 'x', role: 'assistant', parts: [] }, userMessage('And now?', 'q2')],
    });
    expect(second.text).toBe('You said: And now?');
    const sent = JSON.stringify(app.double.requests.filter(({ stream }) => stream).at(-1)?.body);
    expect(sent).toContain('What did you promise?');
    expect(sent).toContain('You said: What did you promise?');
    const { body: messages } = await app.request('GET', '/api/chats/usechat-default/messages', { user });
    expect(messages.items.map(({ role }: { role: string }) => role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
  });

  it('keeps UUIDs, and maps any other id the same way on every route, separately for each user', async () => {
    const chatId = randomUUID();
    await app.say(user, chatId, 'hello');
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).body.id).toBe(chatId);

    const other = await app.createUser();
    await app.say(user, 'shared name', 'mine', { messageId: 'm' });
    await app.say(other, 'shared name', 'theirs', { messageId: 'm' });
    const path = `/api/chats/${encodeURIComponent('shared name')}/messages`;
    const mine = await app.request('GET', path, { user });
    const theirs = await app.request('GET', path, { user: other });
    expect(mine.body.items[0].parts[0].text).toBe('mine');
    expect(theirs.body.items[0].parts[0].text).toBe('theirs');
    expect(mine.body.items[0].chatId).not.toBe(theirs.body.items[0].chatId);
  });

  it('creates public chats only on request', async () => {
    await app.say(user, 'open to all', 'hello', { body: { visibility: 'public' } });
    const reader = await app.createUser();
    const { body: chat } = await app.request('GET', `/api/chats/${encodeURIComponent('open to all')}`, {
      user,
    });
    expect(chat.visibility).toBe('public');
    const seen = await app.request('GET', `/api/chats/${chat.id}`, { user: reader });
    expect([seen.status, seen.body.isOwner]).toEqual([200, false]);
    const posted = await app.say(reader, chat.id, 'may I?');
    expect([posted.status, posted.problem.code]).toEqual([404, 'not_found']);
    expect((await app.request('GET', '/api/chats', { user: reader })).body.items).toEqual([]);
  });

  it('answers 404 in another user’s chat, and leaves nothing behind', async () => {
    const owner = await app.createUser();
    const chatId = randomUUID();
    await app.say(owner, chatId, 'private');
    const before = app.double.requests.length;
    const answer = await app.say(user, chatId, 'let me in');
    expect([answer.status, answer.problem.code]).toEqual([404, 'not_found']);
    expect(app.double.requests.length).toBe(before);
    expect(
      (await app.request('GET', `/api/chats/${chatId}/messages`, { user: owner })).body.items,
    ).toHaveLength(2);
    const foreign = (await app.request('GET', `/api/chats/${chatId}/messages`, { user: owner })).body.items[0]
      .id;
    const stolen = await app.say(user, 'own chat', 'mine now', { messageId: foreign });
    expect([stolen.status, stolen.problem.code]).toEqual([404, 'not_found']);
    expect((await app.request('POST', `/api/chat/${chatId}/stop`, { user })).body).toEqual({
      stopped: false,
    });
    expect((await app.request('GET', `/api/chat/${chatId}/stream`, { user })).status).toBe(204);
  });

  it('answers with the requested model, by its full or its short id', async () => {
    const cases: Array<[string, string, string]> = [
      ['google/gemini-2.5-pro', 'google', 'gemini-2.5-pro'],
      ['openai/gpt-4o-mini', 'openai', 'gpt-4o-mini'],
      ['anthropic/claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5'],
      ['gpt-4.1', 'openai', 'gpt-4.1'],
    ];
    for (const [model, provider, id] of cases) {
      const answer = await app.say(user, randomUUID(), `hello ${id}`, { body: { model } });
      expect(answer.text).toBe(`You said: hello ${id}`);
      expect(answer.chunks.at(-1).messageMetadata.model).toBe(`${provider}/${id}`);
      expect(app.double.requests.filter(({ stream }) => stream).at(-1)).toMatchObject({
        provider,
        model: id,
      });
    }
  });

  it('refuses models and agents that the configuration does not allow, before anything is stored', async () => {
    const refused = await app.say(user, 'never', 'hi', { body: { model: 'google/gemini-0.1-imaginary' } });
    expect([refused.status, refused.problem.code]).toEqual([400, 'model_not_allowed']);
    const strange = await app.say(user, 'never', 'hi', { body: { model: 'mistral/large' } });
    expect([strange.status, strange.problem.code]).toEqual([400, 'model_not_allowed']);
    expect((await app.request('GET', '/api/chats/never', { user })).status).toBe(404);
  });

  it("uses the user's key instead of its own, and names the header to send", async () => {
    const own = await app.say(user, 'own key', 'hi', {
      headers: { 'x-google-api-key': 'the-users-own-key' },
    });
    expect(own.status).toBe(200);
    expect(app.double.requests.filter(({ stream }) => stream).at(-1)?.headers['x-goog-api-key']).toBe(
      'the-users-own-key',
    );
    const rows = await app.database.query(
      `select metadata from usage_logs where chat_id = (select id from chat where title = 'About hi' and user_id = $1 limit 1)`,
      [user.id],
    );
    expect(rows.every(({ metadata }) => metadata.ownKey === true)).toBe(true);

    const bad = await app.say(user, 'bad key', 'hi', { headers: { 'x-google-api-key': 'bad-key' } });
    expect([bad.status, bad.problem.code]).toEqual([400, 'api_key_missing']);
    expect(bad.problem.detail).toContain('x-google-api-key');
    expect(JSON.stringify(bad.problem)).not.toContain('bad-key');
  });

  it('passes files and the history to the model unchanged', async () => {
    const pixel =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    for (const model of ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5']) {
      const chatId = randomUUID();
      const parts = [
        { type: 'file', mediaType: 'image/png', url: pixel, filename: 'dot.png' },
        { type: 'text', text: 'What is this?' },
      ];
      const answer = await app.post(user, { id: chatId, message: { id: 'q', role: 'user', parts }, model });
      expect(answer.status).toBe(200);
      expect(JSON.stringify(app.double.requests.filter(({ stream }) => stream).at(-1)?.body)).toContain(
        pixel.slice(22),
      );
      const { body } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
      expect(body.items[0].parts).toEqual(parts);
      await app.say(user, chatId, 'And again?', { body: { model } });
      const again = JSON.stringify(app.double.requests.filter(({ stream }) => stream).at(-1)?.body);
      expect(again).toContain(pixel.slice(22));
      expect(again).toContain('You said: What is this?');
    }
  });

  it('streams and stores reasoning and sources', async () => {
    for (const model of ['google/gemini-2.5-flash', 'anthropic/claude-sonnet-4-5']) {
      const chatId = randomUUID();
      app.double.enqueue({
        sources: [{ url: 'https://example.com/a', title: 'A' }],
        text: ['With ', 'a source.'],
      });
      const answer = await app.say(user, chatId, 'Cite', { body: { model } });
      expect(answer.text).toBe('With a source.');
      expect(answer.chunks.find(({ type }) => type === 'source-url')).toMatchObject({
        url: 'https://example.com/a',
      });
      const { body } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
      expect(body.items[1].parts.map(({ type }: { type: string }) => type)).toContain('source-url');
    }
  });

  it('shows reasoning if the configuration enables thinking', async () => {
    const models = [
      ['google/gemini-2.5-flash', 'google'],
      ['anthropic/claude-sonnet-4-5', 'anthropic'],
      ['openai/gpt-5', 'openai'],
    ] as const;
    for (const [model, provider] of models) {
      await app.database.query(
        `update admin_config set config_data = jsonb_set(config_data, '{capabilities,thinking}', 'true') where config_key = $1`,
        [`chat_agent_${provider}`],
      );
      await eventually(async () => {
        const config = await app.app.get(AdminConfigService).current();
        return config.agents.chat[provider]?.capabilities?.['thinking'];
      });
      const chatId = randomUUID();
      app.double.enqueue({ reasoning: ['Let me ', 'think.'], text: ['Done.'] });
      const answer = await app.say(user, chatId, 'Think', { body: { model } });
      const thoughts = answer.chunks
        .map((chunk) => (chunk.type === 'reasoning-delta' ? chunk.delta : ''))
        .join('');
      expect([model, thoughts]).toEqual([model, 'Let me think.']);
      expect(answer.text).toBe('Done.');
      const { body } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
      const reasoning = body.items[1].parts.find(({ type }: { type: string }) => type === 'reasoning');
      expect(reasoning.text).toBe('Let me think.');
      // The reasoning data that the provider needs again is still there after storing.
      app.double.enqueue({ text: ['Again.'] });
      expect((await app.say(user, chatId, 'More', { body: { model } })).text).toBe('Again.');
    }
  });

  it('accepts unusual Unicode', async () => {
    const odd = '👩‍👩‍👧‍👦 \u202Eright to left\u202C ﷽ ẞ İ \u{10FFFF} "quotes" \\back\n\ttabs';
    const answer = await app.say(user, 'unicode', odd);
    expect(answer.text.trim()).toBe(`You said: ${odd}`.trim());
    const { body } = await app.request('GET', '/api/chats/unicode/messages', { user });
    expect(body.items[0].parts[0].text).toBe(odd);
    expect(textOfChunks(answer.chunks)).toBe(body.items[1].parts.at(-1).text);
  });

  it('names a chat once, keeps a title set by a user, and never renames it', async () => {
    await app.say(user, 'named', 'First words');
    await app.request('PATCH', '/api/chats/named', { user, body: { title: 'My own title' } });
    const second = await app.say(user, 'named', 'Second words');
    expect(second.chunks.some(({ type }) => type === 'data-chat-title')).toBe(false);
    expect((await app.request('GET', '/api/chats/named', { user })).body.title).toBe('My own title');
  });

  it('uses the first words if the title cannot be generated', async () => {
    app.double.enqueue({ fault: { type: 'status', status: 500 } }, { times: 3, when: isTitleCall });
    const answer = await app.say(user, 'title fails', 'What a day to be alive');
    expect(answer.text).toBe('You said: What a day to be alive');
    expect(
      (await app.request('GET', `/api/chats/${encodeURIComponent('title fails')}`, { user })).body.title,
    ).toBe('What a day to be alive');
  });

  it('does not delay the first token for the title', async () => {
    app.double.enqueue({ firstDelayMs: 1_500 }, { when: isTitleCall });
    app.double.enqueue({ text: ['Quick.'], chunkDelayMs: 10 });
    const startedAt = performance.now();
    const reader = await app.open(user, { id: 'slow title', message: userMessage('quick') });
    await reader.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const answer = await reader.rest();
    expect(answer.chunks.some(({ type }) => type === 'data-chat-title')).toBe(true);
  });
});
