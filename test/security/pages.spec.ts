import { randomUUID } from 'node:crypto';
import { addChat, addMessage } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { dropChecks } from '../support/checks.js';
import { everyPage } from '../support/every-page.js';
import { drain, longestBlock, MAX_BLOCK } from '../support/loop-probe.js';

const MEGABYTE = 1024 * 1024;
/** A page ends at 2 MB. There is little else in addition to the large columns. */
const MAX_PAGE = 2.1 * MEGABYTE;

let app: TestApp;
let user: TestUser;
let admin: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  user = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
afterAll(() => app?.close());

const sql = (text: string, ...parameters: unknown[]) => app.database.query(text, parameters);
/** Text that does not compress. `n` identifies a row, so that each has different text. */
const noise = (kilobytes: number) =>
  `(select string_agg(md5(n::text || '/' || piece), '') from generate_series(1, ${kilobytes * 32}) piece)`;
const BOMB = `repeat('a', 9500000)`;
const partsOf = (content: string) =>
  `json_build_array(json_build_object('type', 'text', 'text', ${content}))`;

function addMessages(chatId: string, count: number, content: string): Promise<unknown> {
  return sql(
    `insert into "Message_v2" (id, "chatId", role, parts, "createdAt")
     select gen_random_uuid(), $1, 'user', ${partsOf(content)}, '2026-01-01'::timestamptz + (n / 3) * interval '1 second'
       from generate_series(1, ${count}) n`,
    chatId,
  );
}

describe('the messages of a chat', () => {
  it('come in pages of limited size, each message once and in order', async () => {
    const chatId = await addChat(app, user);
    await addMessages(chatId, 60, noise(120));
    const pages = await everyPage(app, user, `/api/chats/${chatId}/messages`, 100);
    expect(pages.length).toBeGreaterThan(3);
    for (const { bytes } of pages) expect(bytes).toBeLessThan(MAX_PAGE);
    // A page does not end too early, either.
    for (const { bytes } of pages.slice(0, -1)) expect(bytes).toBeGreaterThan(1.8 * MEGABYTE);
    const expected = await sql(
      'select id from "Message_v2" where "chatId" = $1 order by "createdAt", id',
      chatId,
    );
    expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(expected.map(({ id }) => id));
  });

  it('do not block the server, however large they are, and however small they are stored', async () => {
    const chatId = await addChat(app, user);
    await addMessages(chatId, 24, BOMB);
    const memory = process.memoryUsage.rss();
    let largest = 0;
    const block = await longestBlock(async () => {
      let query = '?limit=100';
      for (let page = 0; page < 4; page++) {
        const { status, bytes, nextCursor } = await drain(app, user, `/api/chats/${chatId}/messages${query}`);
        expect(status).toBe(200);
        expect(nextCursor).toEqual(expect.any(String));
        largest = Math.max(largest, bytes);
        query = `?limit=100&cursor=${nextCursor}`;
      }
    });
    // Each page has one message, which alone is larger than a page should be.
    expect(largest).toBeLessThan(10 * MEGABYTE);
    expect(block).toBeLessThan(MAX_BLOCK);
    expect(process.memoryUsage.rss() - memory).toBeLessThan(400 * MEGABYTE);
  });

  it('can be read by others in a public chat, with the same limit', async () => {
    const chatId = await addChat(app, admin, { visibility: 'public' });
    await addMessages(chatId, 40, noise(120));
    const pages = await everyPage(app, user, `/api/chats/${chatId}/messages`, 100);
    expect(pages.flatMap(({ items }) => items)).toHaveLength(40);
    for (const { bytes } of pages) expect(bytes).toBeLessThan(MAX_PAGE);
  });
});

/** The lists, and how to add eight rows of about a megabyte to each. */
const LISTS: Array<{ name: string; path: () => string; reader?: 'admin'; add: () => Promise<unknown> }> = [];
const documentId = randomUUID();

LISTS.push(
  {
    name: 'own chats',
    path: () => '/api/chats',
    add: () =>
      sql(
        `insert into chat (id, user_id, title, "lastContext", "createdAt")
         select gen_random_uuid(), $1, 'large', jsonb_build_object('text', ${noise(1000)}), now() + n * interval '1 second'
           from generate_series(1, 8) n`,
        user.id,
      ),
  },
  {
    name: 'all chats, with long titles',
    path: () => `/api/admin/chats?userId=${admin.id}`,
    reader: 'admin',
    add: () =>
      sql(
        `insert into chat (id, user_id, title)
         select gen_random_uuid(), $1, ${noise(1000)} from generate_series(1, 8) n`,
        admin.id,
      ),
  },
  {
    name: 'documents',
    path: () => '/api/documents',
    add: () =>
      sql(
        `insert into "Document" (id, user_id, title, kind, content)
         select gen_random_uuid(), $1, 'large', 'text', ${noise(1000)} from generate_series(1, 8) n`,
        user.id,
      ),
  },
  {
    name: 'versions of a document',
    path: () => `/api/documents/${documentId}/versions?content=true`,
    add: () =>
      sql(
        `insert into "Document" (id, user_id, title, kind, content, "createdAt")
         select $2, $1, 'large', 'text', ${noise(1000)}, '2026-01-01'::timestamptz + n * interval '1 second'
           from generate_series(1, 8) n`,
        user.id,
        documentId,
      ),
  },
  {
    name: 'suggestions',
    path: () => `/api/documents/${documentId}/suggestions`,
    add: () =>
      sql(
        `insert into "Suggestion" ("documentId", "documentCreatedAt", user_id, "originalText", "suggestedText")
         select $2, '2026-01-01 00:00:08Z', $1, 'short', ${noise(1000)} from generate_series(1, 8) n`,
        user.id,
        documentId,
      ),
  },
  {
    name: 'usage logs',
    path: () => '/api/usage/logs',
    add: () =>
      sql(
        `insert into usage_logs (user_id, agent_type, model_used, provider, request_timestamp, response_timestamp, metadata)
         select $1, 'chat', 'gemini', 'google', now(), now(), jsonb_build_object('text', ${noise(1000)})
           from generate_series(1, 8) n`,
        user.id,
      ),
  },
  {
    name: 'the audit log',
    path: () => '/api/admin/audit?action=test',
    reader: 'admin',
    add: () =>
      sql(
        `insert into switchboard.audit_log (actor, action, target, details)
         select $1, 'test.large', 'x', jsonb_build_object('text', ${noise(1000)}) from generate_series(1, 8) n`,
        admin.id,
      ),
  },
  {
    name: 'connected repositories',
    path: () => '/api/github/repositories',
    add: () =>
      sql(
        `insert into github_repositories (user_id, repo_owner, repo_name, repo_url)
         select $1, 'o', n::text, ${noise(1000)} from generate_series(1, 8) n`,
        user.id,
      ),
  },
);

describe('a page of', () => {
  beforeAll(() => dropChecks(app.database));

  it.each(LISTS)('$name ends at 2 MB, and the next one continues after it', async ({ path, reader, add }) => {
    await add();
    const pages = await everyPage(app, reader === 'admin' ? admin : user, path(), 100);
    for (const { bytes } of pages) expect(bytes).toBeLessThan(MAX_PAGE);
    const items = pages.flatMap((page) => page.items).map((item) => JSON.stringify(item));
    expect(items.filter((item) => item.length > 900_000)).toHaveLength(8);
    expect(new Set(items).size).toBe(items.length);
  });

  it('versions without their content is not shorter because of it', async () => {
    const pages = await everyPage(app, user, `/api/documents/${documentId}/versions`, 100);
    expect(pages.map(({ items }) => items.length)).toEqual([8]);
  });
});

describe('metadata that users write about themselves', () => {
  it('is not shown or kept by the megabyte', async () => {
    const large = await app.createUser({ settings: { text: 'x'.repeat(3_000_000) } });
    await sql(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || jsonb_build_object('name', repeat('n', 3000000))
        where id = $1`,
      large.id,
    );
    const me = await app.request('GET', '/api/me', { user: large });
    expect(me.status).toBe(200);
    expect(me.body.settings).toEqual({});
    const users = await app.request('GET', '/api/admin/users?limit=100', { user: admin });
    expect(users.text.length).toBeLessThan(100_000);
    expect(users.body.items.find(({ id }: { id: string }) => id === large.id).name).toMatch(/^n{1,200}$/);
  });
});

describe('a download', () => {
  it('of a chat as Markdown takes time that grows linearly with its length', async () => {
    const chatId = await addChat(app, user, { title: 'x'.repeat(1000) });
    // In a regular expression, a dot does not match this line separator.
    await addMessage(app, chatId, { parts: [{ type: 'text', text: `${'`'.repeat(100_000)}\rx` }] });
    await addMessage(app, chatId, { parts: [{ type: 'file', filename: ' a'.repeat(1_500_000) }] });
    const block = await longestBlock(() => drain(app, user, `/api/chats/${chatId}/export?format=markdown`));
    expect(block).toBeLessThan(MAX_BLOCK);
  });
});
