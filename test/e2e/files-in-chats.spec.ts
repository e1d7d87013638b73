import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createChatClient, textOf, toUiMessages } from '../support/chat-client.js';
import type { Person } from '../support/embedded-server.js';
import { file, FilesServer, PNG, text } from '../support/files-server.js';

/** The objects in a request, at any depth. */
function partsOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return [...(Array.isArray(value) ? [] : [value]), ...Object.values(value).flatMap(partsOf)];
}

const BASE64 = PNG.toString('base64');
/** More than a message may contain itself. Its first bytes are those of a picture. */
const LARGE = Buffer.concat([PNG, Buffer.alloc(200_000, 7)]);
/** How each vendor gets a picture. */
const VENDORS = [
  ['google/gemini-3.8-flash', { inlineData: { mimeType: 'image/png', data: BASE64 } }],
  ['openai/gpt-6.1-terra', { type: 'input_image', image_url: `data:image/png;base64,${BASE64}` }],
  [
    'anthropic/claude-sonnet-5-5',
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: BASE64 } },
  ],
] as const;

describe('files in chats', () => {
  let server: FilesServer;
  let ada: Person;
  let eve: Person;
  let people = 0;

  beforeAll(async () => {
    server = await FilesServer.start();
  });
  afterAll(() => server?.stop());

  beforeEach(async () => {
    server.double.reset();
    people += 1;
    ada = await server.stack.signUp(`ada${people}@example.com`);
    eve = await server.stack.signUp(`eve${people}@example.com`);
  });

  const dataUrl = (bytes: Uint8Array, type = 'image/png') =>
    `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
  const storedUrls = (chatId: string) =>
    server.stack
      .query<{ parts: Array<{ type: string; url: string }> }>(
        `select parts from "Message_v2" where "chatId" = $1 and role = 'user' order by "createdAt"`,
        [chatId],
      )
      .then((rows) =>
        rows.flatMap(({ parts }) => parts.filter(({ type }) => type === 'file').map(({ url }) => url)),
      );
  const pathsOf = (person: Person) =>
    server
      .api(person, 'GET', '/api/files')
      .then(({ body }) => body.items.map(({ path }: { path: string }) => path) as string[]);

  describe.each(VENDORS)('for %s', (model, picture) => {
    it('are given to the model as they are in storage, also in later questions', async () => {
      const path = await server.upload(ada, 'cat.png', 'image/png', PNG);
      const chatId = crypto.randomUUID();
      const answer = await server.say(ada, chatId, [text('Look.'), file(path)], { model });
      expect([answer.status, answer.problem, answer.done]).toEqual([200, undefined, true]);
      expect(server.double.requests.flatMap(({ body }) => partsOf(body))).toContainEqual(
        expect.objectContaining(picture),
      );
      expect(server.told()).not.toContain(path);
      expect(await storedUrls(chatId)).toEqual([path]);
      server.double.reset();
      expect((await server.say(ada, chatId, [text('And?')], { model })).status).toBe(200);
      expect(server.told()).toContain(BASE64);
    });

    it('are named in text after they were deleted', async () => {
      const path = await server.upload(ada, 'cat.png', 'image/png', PNG);
      const chatId = crypto.randomUUID();
      await server.say(ada, chatId, [text('Look.'), file(path)], { model });
      expect((await server.api(ada, 'DELETE', `/api/files?path=${path}`)).status).toBe(204);
      server.double.reset();
      const answer = await server.say(ada, chatId, [text('And?')], { model });
      expect([answer.status, answer.done]).toEqual([200, true]);
      expect(server.told()).toContain('[deleted file: cat.png]');
      expect(server.told()).not.toContain(BASE64);
    });

    it('are left out if their content does not match their type', async () => {
      const path = await server.upload(ada, 'cat.png', 'image/png', Buffer.from('<script>1</script>'));
      const answer = await server.say(ada, crypto.randomUUID(), [text('Look.'), file(path)], { model });
      expect([answer.status, answer.done]).toEqual([200, true]);
      expect(server.told()).toContain('does not match its type: cat.png');
      expect(server.told()).not.toContain(Buffer.from('<script>').toString('base64').slice(0, 8));
    });

    it('are moved to storage if they are large, and reach the model unchanged', async () => {
      const chatId = crypto.randomUUID();
      const answer = await server.say(ada, chatId, [text('Look.'), file(dataUrl(LARGE))], { model });
      expect([answer.status, answer.done]).toEqual([200, true]);
      expect(await storedUrls(chatId)).toEqual(await pathsOf(ada));
      expect(server.told()).toContain(LARGE.toString('base64'));
      server.double.reset();
      await server.say(ada, chatId, [text('And?')], { model });
      expect(server.told()).toContain(LARGE.toString('base64'));
    });
  });

  it('are read from storage once', async () => {
    const path = await server.upload(ada, 'cat.png', 'image/png', PNG);
    const chatId = crypto.randomUUID();
    await server.say(ada, chatId, [text('Look.'), file(path), file(path)]);
    const read = () =>
      server.stack.query('select last_accessed_at as at from storage.objects where name = $1', [path]);
    const before = await read();
    await server.say(ada, chatId, [text('And?')]);
    expect(await read()).toEqual(before);
  });

  it('are accepted with signed and public URLs of this project, and stored by their path', async () => {
    const path = await server.upload(ada, 'cat.png', 'image/png', PNG);
    const { body } = await server.api(ada, 'GET', `/api/files/url?path=${path}`);
    const chatId = crypto.randomUUID();
    for (const url of [body.url, `${server.stack.url}/storage/v1/object/public/attachments/${path}`])
      expect((await server.say(ada, chatId, [text('Look.'), file(url)])).status).toBe(200);
    expect(await storedUrls(chatId)).toEqual([path, path]);
  });

  it('are refused under any other URL, which nothing fetches', async () => {
    const path = await server.upload(ada, 'cat.png', 'image/png', PNG);
    for (const url of [
      'https://example.com/cat.png',
      `https://example.com/storage/v1/object/public/attachments/${path}`,
      `${server.stack.url}/storage/v1/object/public/other/${path}`,
      `${server.stack.url}/storage/v1/object/public/attachments/${path}/../../../x`,
      `${server.stack.url}/health/live`,
      'file:///etc/passwd',
      'gs://bucket/cat.png',
      `/${path}`,
      `${ada.id}/../${path}`,
      'cat.png',
      '',
    ]) {
      const { status, problem } = await server.say(ada, crypto.randomUUID(), [text('Look.'), file(url)]);
      expect([url, status, problem?.errors?.map(({ path: name }: { path: string }) => name)]).toEqual([
        url,
        400,
        ['message.parts.1.url'],
      ]);
    }
    expect(server.double.requests).toEqual([]);
  });

  it('are refused as not found if they belong to another user or do not exist', async () => {
    const path = await server.upload(ada, 'secret.png', 'image/png', PNG);
    for (const wanted of [path, path.replace(ada.id, eve.id), `${eve.id}/none.png`]) {
      const { status, problem } = await server.say(eve, crypto.randomUUID(), [text('Look.'), file(wanted)]);
      expect([status, problem?.code, problem?.errors?.[0]?.path]).toEqual([
        404,
        'not_found',
        'message.parts.1.url',
      ]);
    }
    expect((await server.api(eve, 'GET', '/api/chats')).body.items).toEqual([]);
  });

  it('are refused if their type in storage cannot be sent', async () => {
    await server.stack.query(`update storage.buckets set allowed_mime_types = null`);
    const path = `${ada.id}/page.png`;
    const { error } = await server
      .client(ada)
      .storage.from('attachments')
      .upload(path, '<script>1</script>', { contentType: 'text/html' });
    expect(error).toBeNull();
    const { status, problem } = await server.say(ada, crypto.randomUUID(), [text('Look.'), file(path)]);
    expect([status, problem?.errors?.[0]]).toMatchObject([400, { path: 'message.parts.1.url' }]);
  });

  it('stay in the message if they are small, of another type, or invalid Base64', async () => {
    const chatId = crypto.randomUUID();
    const url = dataUrl(PNG);
    expect((await server.say(ada, chatId, [text('Look.'), file(url)])).status).toBe(200);
    expect(await storedUrls(chatId)).toEqual([url]);
    expect(await pathsOf(ada)).toEqual([]);
  });

  it('are one file in storage, even if the same file is sent several times', async () => {
    const chatId = crypto.randomUUID();
    for (let count = 0; count < 3; count++)
      await server.say(ada, chatId, [text('Look.'), file(dataUrl(LARGE))]);
    const paths = await pathsOf(ada);
    expect(paths).toHaveLength(1);
    expect(new Set(await storedUrls(chatId))).toEqual(new Set(paths));
  });

  it('have a URL in the list of messages, which is small and can be sent again', async () => {
    const chatId = crypto.randomUUID();
    await server.say(ada, chatId, [text('Look.'), file(dataUrl(LARGE))]);
    const list = await server.api(ada, 'GET', `/api/chats/${chatId}/messages`);
    expect(list.text.length).toBeLessThan(10_000);
    const part = list.body.items[0].parts[1];
    expect(part).toMatchObject({ type: 'file', mediaType: 'image/png', filename: 'cat.png' });
    const picture = await fetch(part.url);
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(Buffer.from(await picture.arrayBuffer()).equals(LARGE)).toBe(true);
    // It is the same URL again, so a browser has the file in its cache.
    expect((await server.messages(ada, chatId))[0].parts[1].url).toBe(part.url);

    server.double.reset();
    const edited = await server.say(ada, chatId, [text('Look closer.'), part], {
      message: { id: list.body.items[0].id, role: 'user', parts: [text('Look closer.'), part] },
    });
    expect([edited.status, edited.done]).toEqual([200, true]);
    expect(server.told()).toContain(LARGE.toString('base64'));
    expect(await storedUrls(chatId)).toEqual(await pathsOf(ada));
  });

  it('work with useChat: sent, reloaded, answered again', async () => {
    const id = crypto.randomUUID();
    const options = { id, token: ada.accessToken, body: { agent: 'chat' } };
    const first = createChatClient(server.stack.url, options);
    await first.sendMessage({
      text: 'Look.',
      files: [{ type: 'file', mediaType: 'image/png', filename: 'cat.png', url: dataUrl(LARGE) }],
    });
    const stored = await server.messages(ada, id);
    const again = createChatClient(server.stack.url, { ...options, messages: toUiMessages(stored) });
    server.double.reset();
    await again.regenerate();
    expect(again.error).toBeUndefined();
    expect(textOf(again.messages.at(-1)).length).toBeGreaterThan(0);
    expect(server.told()).toContain(LARGE.toString('base64'));
    const [question] = again.messages;
    await again.sendMessage({ text: 'And closer?', messageId: question?.id });
    expect(again.error).toBeUndefined();
  });

  it('of a public chat are shown to its readers, and are not copied with the chat', async () => {
    const path = await server.upload(ada, 'cat.png', 'image/png', PNG);
    const chatId = crypto.randomUUID();
    await server.say(ada, chatId, [text('Look.'), file(path)], { visibility: 'public' });
    const [question, answer] = await server.messages(eve, chatId);
    expect((await fetch(question.parts[1].url)).status).toBe(200);
    const fork = await server.api(eve, 'POST', `/api/chats/${chatId}/fork`, { messageId: answer.id });
    expect(fork.status).toBe(201);
    const [copy] = await server.messages(eve, fork.body.id);
    expect(copy.parts).toEqual([text('Look.'), text('[a file: cat.png]')]);
    server.double.reset();
    await server.say(eve, fork.body.id, [text('And?')]);
    expect(server.told()).not.toContain(BASE64);
    const own = await server.api(ada, 'POST', `/api/chats/${chatId}/fork`, { messageId: answer.id });
    server.double.reset();
    await server.say(ada, own.body.id, [text('And?')]);
    expect(server.told()).toContain(BASE64);
  });

  it('stay in the message if storage refuses them', async () => {
    await server.stack.query(`update storage.buckets set allowed_mime_types = '{text/plain}'`);
    try {
      const chatId = crypto.randomUUID();
      const answer = await server.say(ada, chatId, [text('Look.'), file(dataUrl(LARGE))]);
      expect([answer.status, answer.done]).toEqual([200, true]);
      expect(await storedUrls(chatId)).toEqual([dataUrl(LARGE)]);
      expect((await server.messages(ada, chatId))[0].parts[1].url).toBe(dataUrl(LARGE));
    } finally {
      await server.stack.query(`update storage.buckets set allowed_mime_types = null`);
    }
  });

  it('are named in text if storage has lost them', async () => {
    const path = await server.upload(ada, 'cat.png', 'image/png', PNG);
    const chatId = crypto.randomUUID();
    rmSync(join(server.stack.dataDir, 'storage'), { recursive: true });
    const answer = await server.say(ada, chatId, [text('Look.'), file(path)]);
    expect([answer.status, answer.done]).toEqual([200, true]);
    expect(server.told()).toContain('[unreadable file: cat.png]');
  });

  it('are left out from the oldest on if they are too many for one request', async () => {
    const large = Buffer.concat([PNG, Buffer.alloc(11 * 1024 ** 2, 7)]);
    const old = await server.upload(ada, 'old.png', 'image/png', large);
    const young = await server.upload(ada, 'young.png', 'image/png', large);
    const chatId = crypto.randomUUID();
    // A vendor counts a picture by its size on the screen, not by its bytes.
    server.double.enqueue({ text: ['A cat.'], usage: { input: 600, output: 5 } });
    await server.say(ada, chatId, [text('Look.'), file(old, 'image/png', 'old.png')]);
    server.double.reset();
    const answer = await server.say(ada, chatId, [text('And here?'), file(young, 'image/png', 'young.png')]);
    expect([answer.status, answer.done]).toEqual([200, true]);
    expect(server.told()).toContain('later files use all the space: old.png]');
    expect(server.told().length).toBeLessThan(32 * 1024 ** 2);
  });
});
