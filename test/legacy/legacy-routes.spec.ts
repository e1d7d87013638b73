import { randomUUID } from 'node:crypto';
import { Chat } from '@ai-sdk/react';
import { DefaultChatTransport, type UIMessage } from 'ai';
import type { TestResponse, TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { textOf } from '../support/chat-client.js';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** The error that the old frontend throws for a status other than 2xx: it only reads `code` and `cause`. */
class ChatbotError extends Error {
  readonly code: string;
  override readonly cause: string;

  constructor(code: string, cause: string) {
    super(code);
    this.code = code;
    this.cause = cause;
  }
}

/** The old chatbot's frontend. Only its base URL and its token were changed. */
class OldFrontend {
  private readonly base: string;
  private readonly token: string;

  constructor(base: string, token: string) {
    this.base = base;
    this.token = token;
  }

  readonly fetchWithErrorHandlers = async (
    input: RequestInfo | URL,
    init?: RequestInit,
  ): Promise<Response> => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${this.token}`);
    const response = await fetch(input, { ...init, headers });
    if (!response.ok) {
      const { code, cause } = (await response.json()) as { code: string; cause: string };
      throw new ChatbotError(code, cause);
    }
    return response;
  };

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of what is read
  async read(path: string): Promise<any> {
    return (await this.fetchWithErrorHandlers(`${this.base}${path}`)).json();
  }

  send(method: string, path: string, body?: unknown): Promise<Response> {
    return this.fetchWithErrorHandlers(`${this.base}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  }

  chat(
    id: string,
    messages: UIMessage[] = [],
    model = 'chat-model',
    visibility = 'private',
  ): Chat<UIMessage> {
    return new Chat<UIMessage>({
      id,
      messages,
      generateId: randomUUID,
      transport: new DefaultChatTransport({
        api: `${this.base}/api/chat`,
        fetch: this.fetchWithErrorHandlers,
        prepareSendMessagesRequest: (request) => ({
          body: {
            id: request.id,
            message: request.messages.at(-1),
            selectedChatModel: model,
            selectedVisibilityType: visibility,
            ...request.body,
          },
        }),
      }),
    });
  }
}

describe('the old routes', () => {
  let app: ChatApp;
  let user: TestUser;
  let frontend: OldFrontend;

  beforeAll(async () => {
    app = await startChatApp({ LEGACY_ROUTES: 'true' });
  });

  beforeEach(async () => {
    user = await app.createUser();
    frontend = new OldFrontend(app.url, user.token);
  });

  afterEach(() => app.double.reset());

  afterAll(() => app?.close());

  async function talk(
    title: string,
    options: { model?: string; visibility?: string } = {},
  ): Promise<Chat<UIMessage>> {
    const chat = frontend.chat(randomUUID(), [], options.model, options.visibility);
    await chat.sendMessage({ text: title });
    expect(chat.error).toBeUndefined();
    return chat;
  }

  it('send a message, and open the chat again', async () => {
    const titles: unknown[] = [];
    const chat = await talk('Where is Ulm?', { visibility: 'public' });
    expect(chat.messages.map(textOf)).toEqual(['Where is Ulm?', 'You said: Where is Ulm?']);
    expect(titles).toEqual([]);
    const opened = await frontend.read(`/api/messages?chatId=${chat.id}`);
    expect(opened).toEqual({
      messages: [
        {
          id: chat.messages[0]!.id,
          role: 'user',
          parts: [{ type: 'text', text: 'Where is Ulm?' }],
          metadata: { createdAt: expect.stringMatching(/Z$/) },
        },
        expect.objectContaining({
          id: chat.messages[1]!.id,
          role: 'assistant',
          metadata: { createdAt: expect.any(String) },
        }),
      ],
      visibility: 'public',
      userId: user.id,
      isReadonly: false,
    });
    const again = frontend.chat(chat.id, opened.messages as UIMessage[]);
    await again.sendMessage({ text: 'And Bonn?' });
    expect(textOf(again.lastMessage)).toBe('You said: And Bonn?');

    // Another user has the URL of the public chat.
    const reader = new OldFrontend(app.url, (await app.createUser()).token);
    expect(await reader.read(`/api/messages?chatId=${chat.id}`)).toMatchObject({
      isReadonly: true,
      userId: user.id,
    });
    expect(await frontend.read(`/api/messages?chatId=${randomUUID()}`)).toEqual({
      messages: [],
      visibility: 'private',
      userId: null,
      isReadonly: false,
    });
  });

  it('read a chat with more messages than one page', async () => {
    const chat = await talk('long');
    await app.database.query(
      `insert into "Message_v2" (id, "chatId", role, parts, "createdAt")
       select gen_random_uuid(), $1, 'user', json_build_array(json_build_object('type', 'text', 'text', i)), now() + i * interval '1 second'
         from generate_series(1, 250) i`,
      [chat.id],
    );
    const { messages } = await frontend.read(`/api/messages?chatId=${chat.id}`);
    expect(messages).toHaveLength(252);
    expect(messages.at(-1).parts[0].text).toBe(250);
  });

  it.each([
    ['chat-model', 'gemini-2.5-flash'],
    ['xai/grok-4.1-fast-non-reasoning', 'gemini-2.5-flash'],
    ['openai/gpt-5-mini', 'gpt-5-mini'],
    ['anthropic/claude-haiku-4.5', 'claude-haiku-4-5'],
  ])('know the model %s', async (selected, asked) => {
    await talk('hello', { model: selected });
    const requests = JSON.stringify(app.double.requests.map(({ path, body }) => ({ path, body })));
    expect(requests).toContain(asked);
  });

  it('list the chats in pages, as the sidebar requests them', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await talk(`chat ${n}`)).id);
    const first = await frontend.read('/api/history?limit=2');
    expect(first.chats.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    expect(first.hasMore).toBe(true);
    expect(Object.keys(first.chats[0]).toSorted()).toEqual([
      'createdAt',
      'id',
      'title',
      'userId',
      'visibility',
    ]);
    const second = await frontend.read(`/api/history?ending_before=${ids[1]}&limit=2`);
    expect(second.chats.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2, 4));
    const last = await frontend.read(`/api/history?ending_before=${ids[3]}&limit=2`);
    expect(last).toMatchObject({ chats: [{ id: ids[4] }], hasMore: false });
    const newer = await frontend.read(`/api/history?starting_after=${ids[2]}&limit=10`);
    expect(newer.chats.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const deleted = await (await frontend.send('DELETE', `/api/chat?id=${ids[0]}`)).json();
    expect(deleted).toMatchObject({ id: ids[0], userId: user.id });
    expect(await (await frontend.send('DELETE', '/api/history')).json()).toEqual({ deletedCount: 4 });
    expect(await frontend.read('/api/history')).toEqual({ chats: [], hasMore: false });
  });

  it('vote', async () => {
    const chat = await talk('good?');
    const messageId = chat.lastMessage!.id;
    for (const [type, isUpvoted] of [
      ['up', true],
      ['down', false],
    ] as const) {
      const response = await frontend.send('PATCH', '/api/vote', { chatId: chat.id, messageId, type });
      expect(await response.text()).toBe('Message voted');
      expect(await frontend.read(`/api/vote?chatId=${chat.id}`)).toEqual([
        { chatId: chat.id, messageId, isUpvoted },
      ]);
    }
  });

  it('keep documents in versions, with their suggestions', async () => {
    const id = randomUUID();
    const write = async (content: string, more: object = {}) =>
      (
        await frontend.send('POST', `/api/document?id=${id}`, {
          title: 'Essay',
          kind: 'text',
          content,
          ...more,
        })
      ).json();
    expect(await write('one')).toMatchObject([
      { id, title: 'Essay', kind: 'text', content: 'one', userId: user.id },
    ]);
    await write('two');
    await write('three', { isManualEdit: true });
    const versions = await frontend.read(`/api/document?id=${id}`);
    expect(versions.map(({ content }: { content: string }) => content)).toEqual(['one', 'two', 'three']);
    await app.database.query(
      `insert into "Suggestion" (id, "documentId", "documentCreatedAt", user_id, "originalText", "suggestedText", "createdAt")
       select gen_random_uuid(), id, "createdAt", user_id, content, 'better', now() from "Document" where id = $1 and content in ('one', 'three')`,
      [id],
    );
    const suggestions = await frontend.read(`/api/suggestions?documentId=${id}`);
    expect(suggestions.map(({ originalText }: { originalText: string }) => originalText)).toEqual([
      'one',
      'three',
    ]);
    expect(suggestions[0]).toMatchObject({
      documentId: id,
      userId: user.id,
      isResolved: false,
      description: null,
    });
    const deleted = await frontend.send(
      'DELETE',
      `/api/document?id=${id}&timestamp=${versions[0].createdAt}`,
    );
    expect(await deleted.json()).toHaveLength(2);
    expect(await frontend.read(`/api/document?id=${id}`)).toHaveLength(1);
    expect(await frontend.read(`/api/suggestions?documentId=${randomUUID()}`)).toEqual([]);
  });

  it('upload a picture, and send it', async () => {
    const form = new FormData();
    form.append('file', new File([PNG], 'ein Bild.png', { type: 'image/png' }));
    const response = await frontend.fetchWithErrorHandlers(`${app.url}/api/files/upload`, {
      method: 'POST',
      body: form,
    });
    const { url, pathname, contentType } = (await response.json()) as Record<string, string>;
    expect({ pathname, contentType }).toEqual({ pathname: 'ein_Bild.png', contentType: 'image/png' });
    const chat = frontend.chat(randomUUID());
    await chat.sendMessage({
      role: 'user',
      parts: [
        { type: 'file', url, name: pathname, mediaType: contentType } as never,
        { type: 'text', text: 'What is it?' },
      ],
    });
    expect(chat.error).toBeUndefined();
    expect(JSON.stringify(app.double.requests.map(({ body }) => body))).toContain(
      PNG.toString('base64').slice(0, 40),
    );
    const { messages } = await frontend.read(`/api/messages?chatId=${chat.id}`);
    expect(messages[0].parts[0]).toMatchObject({
      type: 'file',
      filename: 'ein_Bild.png',
      mediaType: 'image/png',
    });
  });

  it('refuse files as the old route did', async () => {
    const upload = async (
      body: BodyInit,
      headers: Record<string, string> = {},
    ): Promise<[number, string]> => {
      const response = await fetch(`${app.url}/api/files/upload`, {
        method: 'POST',
        body,
        headers: { ...user.headers, ...headers },
      });
      return [response.status, ((await response.json()) as { error: string }).error];
    };
    const formOf = (name: string, content: BlobPart, type: string) => {
      const form = new FormData();
      form.append(name, new File([content], 'x', { type }));
      return form;
    };
    expect(await upload(formOf('file', 'text', 'text/plain'))).toEqual([
      400,
      expect.stringContaining('JPEG or PNG'),
    ]);
    expect(await upload(formOf('other', 'x', 'image/png'))).toEqual([
      400,
      expect.stringContaining('No file uploaded'),
    ]);
    expect(await upload(formOf('file', Buffer.alloc(6 * 1024 ** 2), 'image/png'))).toEqual([
      400,
      expect.any(String),
    ]);
    expect(await upload('{}', { 'content-type': 'application/json' })).toEqual([400, expect.any(String)]);
    expect(await upload('no form', { 'content-type': 'multipart/form-data; boundary=x' })).toEqual([
      400,
      expect.any(String),
    ]);
  });

  it('answer errors in the old form', async () => {
    const chat = await talk('mine');
    const stranger = new OldFrontend(app.url, (await app.createUser()).token);
    const nobody = new OldFrontend(app.url, 'no token');
    const codes = async (work: Promise<unknown>) =>
      work.then(
        () => 'no error',
        (error: ChatbotError) => error.code,
      );
    const missing = randomUUID();
    expect(await codes(frontend.read(`/api/vote?chatId=${missing}`))).toBe('not_found:vote');
    expect(await codes(stranger.read(`/api/vote?chatId=${chat.id}`))).toBe('not_found:vote');
    expect(await codes(frontend.read('/api/vote'))).toBe('bad_request:api');
    expect(
      await codes(
        frontend.send('PATCH', '/api/vote', { chatId: chat.id, messageId: missing, type: 'sideways' }),
      ),
    ).toBe('bad_request:api');
    expect(
      await codes(frontend.send('PATCH', '/api/vote', { chatId: chat.id, messageId: missing, type: 'up' })),
    ).toBe('not_found:vote');
    expect(await codes(frontend.read(`/api/document?id=${missing}`))).toBe('not_found:document');
    expect(await codes(frontend.send('POST', `/api/document?id=${missing}`, { title: 'x' }))).toBe(
      'bad_request:api',
    );
    expect(await codes(frontend.send('DELETE', `/api/document?id=${missing}&timestamp=never`))).toBe(
      'bad_request:api',
    );
    expect(await codes(frontend.read('/api/suggestions'))).toBe('bad_request:api');
    expect(
      await codes(frontend.read(`/api/history?starting_after=${missing}&ending_before=${missing}`)),
    ).toBe('bad_request:api');
    expect(await codes(stranger.send('DELETE', `/api/chat?id=${chat.id}`))).toBe('not_found:chat');
    for (const [path, code] of [
      ['/api/history', 'unauthorized:chat'],
      [`/api/vote?chatId=${chat.id}`, 'unauthorized:vote'],
      [`/api/document?id=${missing}`, 'unauthorized:document'],
      [`/api/suggestions?documentId=${missing}`, 'unauthorized:suggestions'],
      [`/api/messages?chatId=${chat.id}`, 'unauthorized:chat'],
    ] as const) {
      expect([path, await codes(nobody.read(path))]).toEqual([path, code]);
    }
    const body = { selectedChatModel: 'chat-model', selectedVisibilityType: 'private' };
    expect(await codes(nobody.send('POST', '/api/chat', { id: missing, ...body }))).toBe('unauthorized:chat');
    expect(await codes(frontend.send('POST', '/api/chat', { id: missing, ...body }))).toBe('bad_request:api');
    const message = { id: missing, role: 'user', parts: [{ type: 'text', text: 'x' }] };
    expect(await codes(stranger.send('POST', '/api/chat', { id: chat.id, message, ...body }))).toBe(
      'not_found:chat',
    );
    const picture = {
      type: 'file',
      mediaType: 'image/png',
      name: 'x.png',
      url: 'https://blob.example.com/x.png',
    };
    expect(
      await codes(
        frontend.send('POST', '/api/chat', {
          id: chat.id,
          message: { ...message, parts: [picture] },
          ...body,
        }),
      ),
    ).toBe('bad_request:api');
    const response = await app.request('GET', '/api/history?ending_before=x', { user });
    expect(Object.keys(response.body as object).toSorted()).toEqual(['cause', 'code', 'message']);
    expect(response.headers.get('content-type')).toContain('application/json');
  });

  it("leave Switchboard's own routes as they are", async () => {
    const problem = await app.request('POST', '/api/chat', { user, body: { id: 'x' } });
    expect([problem.status, problem.body.code]).toEqual([400, 'validation_failed']);
    expect(problem.headers.get('content-type')).toContain('application/problem+json');
    const missing = await app.request('GET', `/api/chats/${randomUUID()}`, { user });
    expect(missing.body.code).toBe('not_found');
    expect((await app.say(user, randomUUID(), 'hello')).text).toBe('You said: hello');
  });
});

describe('without LEGACY_ROUTES', () => {
  it('there are no old routes', async () => {
    const app = await startChatApp();
    try {
      const user = await app.createUser();
      const answers: TestResponse[] = [];
      for (const path of ['history', 'vote', 'document', 'suggestions', 'messages', 'files/upload']) {
        answers.push(await app.request('GET', `/api/${path}`, { user }));
      }
      expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
        answers.map(() => [404, 'not_found']),
      );
      const body = {
        id: randomUUID(),
        message: { id: 'm', role: 'user', parts: [{ type: 'text', text: 'x' }] },
        selectedChatModel: 'openai/gpt-5-mini',
      };
      await app.post(user, body);
      expect(JSON.stringify(app.double.requests.map(({ path }) => path))).not.toContain('responses');
    } finally {
      await app.close();
    }
  });
});
