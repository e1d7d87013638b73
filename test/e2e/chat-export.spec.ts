import { randomUUID } from 'node:crypto';
import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  owner = await app.createUser();
  stranger = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
afterAll(() => app?.close());

const exportOf = (chatId: string, query = '', user = owner) =>
  app.request('GET', `/api/chats/${chatId}/export${query}`, { user });

describe('GET /api/chats/:id/export', () => {
  it('is a complete JSON document by default', async () => {
    const chatId = await addChat(app, owner, { title: 'Gärten: "A/B" 🌱' });
    // The export reads more than one page of messages and of votes.
    for (let n = 0; n < 45; n++) {
      const createdAt = new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(n / 3))).toISOString();
      const id = await addMessage(app, chatId, { createdAt, parts: [text(`message "${n}" שלום`)] });
      await app.database.query(
        'insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") values ($1, $2, $3)',
        [chatId, id, n % 2 === 0],
      );
    }
    const response = await exportOf(chatId);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="G_rten A B _.json"; filename*=UTF-8''G%C3%A4rten%20A%20B%20%F0%9F%8C%B1.json`,
    );
    const get = async (below: string) =>
      (await app.request('GET', `/api/chats/${chatId}${below}`, { user: owner })).body;
    const { context: _context, ...chat } = await get('');
    expect(response.body).toEqual({
      exportedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*\.\d{3}Z$/),
      chat,
      messages: (await get('/messages?limit=100')).items,
      votes: (await get('/votes?limit=100')).items,
    });
    expect(response.body.messages).toHaveLength(45);
    expect(response.body.votes).toHaveLength(45);
  });

  it('is a readable Markdown document', async () => {
    const chatId = await addChat(app, owner, {
      title: 'Hello\nworld',
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    await addMessage(app, chatId, {
      role: 'user',
      createdAt: '2026-01-01T00:00:01.000Z',
      parts: [
        text('Print hi'),
        { type: 'file', mediaType: 'image/png', filename: 'a.png', url: 'data:image/png;base64,QUJD' },
      ],
    });
    await addMessage(app, chatId, {
      role: 'assistant',
      createdAt: '2026-01-01T00:00:02.000Z',
      modelUsed: 'gpt-4o-mini',
      status: 'interrupted',
      parts: [
        { type: 'step-start' },
        { type: 'reasoning', text: 'Easy.' },
        { type: 'tool-createDocument', toolCallId: '1', state: 'output-available', input: {}, output: {} },
        text('Here:\n\n```js\nconsole.log("hi");'),
      ],
    });
    const response = await exportOf(chatId, '?format=markdown');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="Hello world.md"; filename*=UTF-8''Hello%20world.md`,
    );
    expect(response.text).toBe(`# Hello world

_2026-01-01T00:00:00.000Z_

---

## User

_2026-01-01T00:00:01.000Z_

Print hi

**File:** a.png (image/png)

---

## Assistant

_2026-01-01T00:00:02.000Z · gpt-4o-mini · interrupted_

<details>
<summary>Reasoning</summary>

Easy.

</details>

**Tool:** \`createDocument\`

Here:

\`\`\`js
console.log("hi");
\`\`\`
`);
  });

  it('works for an empty chat', async () => {
    const chatId = await addChat(app, owner, { title: '...' });
    const json = await exportOf(chatId, '?format=json');
    expect(json.body).toMatchObject({ chat: { id: chatId }, messages: [], votes: [] });
    expect(json.headers.get('content-disposition')).toBe(
      `attachment; filename="chat.json"; filename*=UTF-8''chat.json`,
    );
    expect((await exportOf(chatId, '?format=markdown')).text).toMatch(/^# \.\.\.\n\n_\S+_\n$/);
  });

  it('lets no file name inject headers or folders', async () => {
    const chatId = await addChat(app, owner, { title: '../x"; filename=evil.exe\r\nset-cookie: a=b' });
    const response = await exportOf(chatId);
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="x ; filename=evil.exe set-cookie a=b.json"; filename*=UTF-8''x%20%3B%20filename%3Devil.exe%20set-cookie%20a%3Db.json`,
    );
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  it('of a public chat is for any signed-in user, without the owner’s votes', async () => {
    const chatId = await addChat(app, owner, { visibility: 'public' });
    const messageId = await addMessage(app, chatId, { parts: [text('open')] });
    await app.request('PUT', `/api/chats/${chatId}/messages/${messageId}/vote`, {
      user: owner,
      body: { isUpvoted: true },
    });
    const { body } = await exportOf(chatId, '', stranger);
    expect(body).toMatchObject({
      chat: { id: chatId, isOwner: false },
      messages: [{ id: messageId }],
      votes: [],
    });
    expect((await exportOf(chatId, '?format=markdown', stranger)).text).toContain('open');
  });

  it('of a private chat is only for its owner', async () => {
    const chatId = await addChat(app, owner);
    for (const user of [stranger, admin]) expectProblem(await exportOf(chatId, '', user), 404, 'not_found');
    expectProblem(await exportOf(randomUUID()), 404, 'not_found');
  });

  it('is interrupted, not completed, if the chat is deleted while it is read', async () => {
    const chatId = await addChat(app, owner);
    const parts = [text('x'.repeat(400_000))];
    for (let n = 0; n < 60; n++) {
      await addMessage(app, chatId, {
        parts,
        createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString(),
      });
    }
    const response = await fetch(`${app.url}/api/chats/${chatId}/export`, { headers: owner.headers });
    const reader = response.body!.getReader();
    expect((await reader.read()).done).toBe(false);
    await app.request('DELETE', `/api/chats/${chatId}`, { user: owner });
    const rest = async () => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toThrow();
    expect((await app.request('GET', '/api/chats', { user: owner })).status).toBe(200);
  });

  it.each([
    ['?format=pdf', 'format'],
    ['?format=', 'format'],
    ['?limit=1', 'limit'],
  ])('refuses %s', async (query, path) => {
    const response = await exportOf(await addChat(app, owner), query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });
});
