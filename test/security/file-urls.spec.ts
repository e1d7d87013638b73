import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import { insertDocument } from '../fixtures/rows.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** Nothing fetches a URL in a stored message: not this server, and not a vendor on its behalf. */
describe('a URL in a stored message', () => {
  let app: ChatApp;
  let user: TestUser;
  let internal: Server;
  let fetched: string[];
  let address: string;

  beforeAll(async () => {
    app = await startChatApp();
    internal = createServer((request, response) => {
      fetched.push(request.url ?? '');
      response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from(PNG, 'base64'));
    });
    await new Promise<void>((resolve) => internal.listen(0, '127.0.0.1', resolve));
    // By a host name: the AI SDK refuses addresses of private networks itself, but not names that resolve to them.
    address = `http://localhost:${(internal.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    internal.close();
    await app.close();
  });

  beforeEach(async () => {
    app.double.reset();
    fetched = [];
    user = await app.createUser();
  });

  async function chatWith(role: string, parts: object[], more: object = {}): Promise<string> {
    const chatId = await addChat(app, user);
    await addMessage(app, chatId, {
      role: 'user',
      parts: [text('Look.')],
      createdAt: '2026-01-01T00:00:00Z',
    });
    await addMessage(app, chatId, { role, parts, createdAt: '2026-01-01T00:00:01Z', ...more });
    return chatId;
  }

  const file = (url: string, more: object = {}) => ({ type: 'file', mediaType: 'image/png', url, ...more });
  const told = () => JSON.stringify(app.double.requests.map(({ body }) => body));

  const NAMED = [
    ['http', () => `${address}/secret`],
    ['https', () => 'https://raw.example.com/secret'],
    ['a Gemini file', () => 'https://generativelanguage.googleapis.com/v1beta/files/secret'],
    ['a bucket', () => 'gs://bucket/secret'],
    ['YouTube', () => 'https://www.youtube.com/watch?v=secret'],
    ['a file', () => 'file:///etc/secret'],
    ['no URL', () => 'secret'],
    ['data of no type', () => 'data:secret'],
  ] as const;

  describe.each(['google/gemini-2.5-flash', 'openai/gpt-5-mini', 'anthropic/claude-haiku-4-5'])(
    'for %s',
    (model) => {
      it.each(NAMED)('is omitted, and the answer says so: %s', async (_name, url) => {
        for (const role of ['user', 'assistant']) {
          const chatId = await chatWith(role, [text('See.'), file(url(), { filename: 'cat.png' })]);
          const answer = await app.say(user, chatId, 'And?', { body: { model, agent: 'chat' } });
          expect([answer.status, answer.done]).toEqual([200, true]);
          expect(told()).toContain('[omitted file: cat.png]');
          expect(told()).not.toContain('secret');
        }
        expect(fetched).toEqual([]);
      });
    },
  );

  it('is also omitted for agents with tools', async () => {
    const chatId = await chatWith('user', [text('See.'), file(`${address}/secret`)]);
    const answer = await app.say(user, chatId, 'And?', { body: { agent: 'artifact' } });
    expect([answer.status, fetched]).toEqual([200, []]);
    expect(told()).not.toContain('secret');
  });

  it('is not reached by anything else in a message', async () => {
    const url = `${address}/secret`;
    const tool = { type: 'tool-draw', toolCallId: 'a', state: 'output-available', input: {} };
    const chatId = await chatWith(
      'assistant',
      [
        text('See.'),
        { type: 'source-url', sourceId: 's', url },
        { type: 'source-document', sourceId: 's', mediaType: 'image/png', title: 't', url },
        { type: 'reasoning-file', mediaType: 'image/png', url },
        { type: 'custom', kind: 'google.file', providerMetadata: { google: { fileUri: url } } },
        { type: 'steering-message', parts: [file(url)] },
        file('data:image/png;base64,AAAA', { providerReference: { google: url, openai: 'file-secret' } }),
        {
          ...tool,
          output: {
            type: 'content',
            value: [
              { type: 'image-url', url },
              { type: 'file-url', url },
            ],
          },
        },
      ],
      { attachments: [{ url, contentType: 'image/png' }] },
    );
    for (const agent of ['chat', 'artifact']) {
      const answer = await app.say(user, chatId, 'And?', { body: { agent } });
      expect([agent, answer.status, fetched]).toEqual([agent, 200, []]);
    }
    expect(told()).not.toContain('file-secret');
    expect(told()).not.toContain('fileUri');
  });

  it('is not reached by a document that claims to be an image', async () => {
    const documentId = await insertDocument(app.database, user.id, {
      kind: 'image',
      content: `${address}/secret`,
    });
    for (const script of [
      {
        toolCalls: [
          { id: 'c', name: 'updateDocument', input: { id: documentId, description: 'Paint it red.' } },
        ],
      },
      { image: PNG },
      { text: ['Done.'] },
    ])
      app.double.enqueue(script);
    const answer = await app.say(user, crypto.randomUUID(), 'Paint it red.', {
      body: { agent: 'artifact', documentId },
    });
    expect([answer.status, fetched]).toEqual([200, []]);
    expect(told()).not.toContain('/secret');
  });

  it('does not affect data in the message itself: a data URL is sent', async () => {
    const chatId = await chatWith('user', [text('See.'), file(`data:image/png;base64,${PNG}`)]);
    expect((await app.say(user, chatId, 'And?', { body: { agent: 'chat' } })).status).toBe(200);
    expect(told()).toContain(PNG);
  });
});
