import { randomUUID } from 'node:crypto';
import { addChat, addMessage } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { dropChecks } from '../support/checks.js';
import { everyPage } from '../support/every-page.js';

/** Times that PostgreSQL accepts, and ISO 8601 or JavaScript does not. */
const ODD_TIMES = ['infinity', '-infinity', '280000-01-01Z', '290000-01-01Z'];
/** These can be shown, in an unusual form. The list must continue after them. */
const FAR_TIMES = ['20000-01-01Z', '275760-09-13Z', '0044-03-15Z BC', '4712-01-01Z BC'];
/** As deep as PostgreSQL accepts, and deeper than `JSON.stringify` supports. */
const DEPTH = 14_000;
const DEEP = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;

let app: TestApp;
let user: TestUser;
let admin: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  admin = await app.createUser({ role: 'admin' });
  await dropChecks(app.database);
});
beforeEach(async () => {
  user = await app.createUser();
});
afterAll(() => app?.close());

const sql = (text: string, ...parameters: unknown[]) => app.database.query(text, parameters);
const idsOf = (items: Array<{ id: string }>) => items.map(({ id }) => id);

/** Puts valid rows among invalid ones. `add` gets the time of each, and returns its id. */
async function mix(add: (createdAt: string) => Promise<string>): Promise<{ good: string[]; bad: string[] }> {
  const good: string[] = [];
  const bad: string[] = [];
  for (const time of [...ODD_TIMES, ...ODD_TIMES]) bad.push(await add(time));
  for (const time of FAR_TIMES) await add(time);
  for (let n = 0; n < 7; n++) good.push(await add(`2026-01-01T00:00:0${n}.000Z`));
  return { good, bad };
}

/** Reads a list in pages of several sizes. Each must return all valid rows once, in order, and no invalid one. */
async function expectGood(path: string, reader: TestUser, good: string[], bad: string[]): Promise<void> {
  for (const limit of [1, 2, 3, 100]) {
    const read = idsOf((await everyPage(app, reader, path, limit)).flatMap(({ items }) => items));
    expect(read.filter((id) => good.includes(id))).toEqual(good);
    expect(read.filter((id) => bad.includes(id))).toEqual([]);
    expect(new Set(read).size).toBe(read.length);
  }
  for (const id of bad) expect(app.log()).toContain(id);
}

describe('rows with times that cannot be shown only affect themselves in', () => {
  it("the user's own chats and those of all", async () => {
    const { good, bad } = await mix((createdAt) => addChat(app, user, { createdAt }));
    await expectGood('/api/chats', user, good.toReversed(), bad);
    await expectGood('/api/admin/chats', admin, good.toReversed(), bad);
    const [kept] = good;
    await sql(`update chat set updated_at = 'infinity' where id = $1`, kept);
    await sql(`alter table chat disable trigger chat_updated_at`);
    await sql(`update chat set updated_at = 'infinity' where id = $1`, kept);
    await sql(`alter table chat enable trigger chat_updated_at`);
    await expectGood('/api/admin/chats', admin, good.slice(1).toReversed(), [...bad, kept!]);
  });

  it('messages, votes and both exports', async () => {
    const chatId = await addChat(app, user);
    const { good, bad } = await mix(async (createdAt) => {
      const id = await addMessage(app, chatId, { createdAt });
      await sql('insert into "Vote_v2" values ($1, $2, true)', chatId, id);
      return id;
    });
    await expectGood(`/api/chats/${chatId}/messages`, user, good, bad);
    // A vote has no time, so it is shown with any message.
    for (const limit of [1, 2, 100]) {
      const votes = (await everyPage(app, user, `/api/chats/${chatId}/votes`, limit)).flatMap(
        ({ items }) => items,
      );
      const voted = votes.map(({ messageId }) => messageId as string);
      expect(voted.filter((id) => good.includes(id))).toEqual(good);
      expect(new Set(voted).size).toBe(voted.length);
    }
    for (const path of [`/api/chats/${chatId}/export`, '/api/me/export']) {
      const { body } = await app.request('GET', path, { user });
      const { messages } = body.chats?.[0] ?? body;
      expect(idsOf(messages).filter((id) => good.includes(id))).toEqual(good);
    }
  });

  it('documents, versions, suggestions and their export', async () => {
    const { good, bad } = await mix(async (createdAt) => {
      const id = randomUUID();
      await sql(
        `insert into "Document" (id, user_id, title, kind, content, "createdAt") values ($1, $2, 't', 'text', 'c', $3)`,
        id,
        user.id,
        createdAt,
      );
      return id;
    });
    await expectGood('/api/documents', user, good.toReversed(), bad);
    const exported = await app.request('GET', '/api/me/export', { user });
    expect(idsOf(exported.body.documents).filter((id) => good.includes(id))).toEqual(good);

    const documentId = randomUUID();
    const version = '2026-06-01T00:00:00.000Z';
    for (const createdAt of ['-infinity', '0044-03-15Z BC', '2026-01-01Z', version]) {
      await sql(
        `insert into "Document" (id, user_id, title, kind, content, "createdAt") values ($1, $2, 't', 'text', 'c', $3)`,
        documentId,
        user.id,
        createdAt,
      );
    }
    for (const limit of [1, 100]) {
      const versions = (await everyPage(app, user, `/api/documents/${documentId}/versions`, limit)).flatMap(
        ({ items }) => items.map(({ createdAt }) => createdAt as string),
      );
      expect(versions.slice(-2)).toEqual(['2026-01-01T00:00:00.000Z', version]);
    }
    const suggestions = await mix(async (createdAt) => {
      const id = randomUUID();
      await sql(
        `insert into "Suggestion" (id, "documentId", "documentCreatedAt", user_id, "originalText", "suggestedText", "createdAt")
         values ($1, $2, $3, $4, 'a', 'b', $5)`,
        id,
        documentId,
        version,
        user.id,
        createdAt,
      );
      return id;
    });
    await expectGood(`/api/documents/${documentId}/suggestions`, user, suggestions.good, suggestions.bad);
  });

  it('connected repositories, the audit log and the history of a configuration', async () => {
    const repositories = await mix(async (createdAt) => {
      const id = randomUUID();
      await sql(
        `insert into github_repositories (id, user_id, repo_owner, repo_name, repo_url, created_at)
         values ($1::uuid, $2, 'o', $1::uuid::text, 'u', $3)`,
        id,
        user.id,
        createdAt,
      );
      return id;
    });
    await expectGood('/api/github/repositories', user, repositories.good.toReversed(), repositories.bad);
    const entries = await mix(async (createdAt) => {
      const id = randomUUID();
      await sql(
        `insert into switchboard.audit_log (id, action, target, details, created_at) values ($1, 'odd.time', 'x', '{}', $2)`,
        id,
        createdAt,
      );
      return id;
    });
    await expectGood('/api/admin/audit?action=odd', admin, entries.good.toReversed(), entries.bad);
  });

  it('usage logs and their exports', async () => {
    const { good, bad } = await mix(async (createdAt) => {
      const id = randomUUID();
      // Times that are not finite have no place in the rollups. Only an operator could write them.
      await sql('alter table usage_logs disable trigger user');
      await sql(
        `insert into usage_logs (id, user_id, agent_type, model_used, provider, request_timestamp, response_timestamp)
         values ($1, $2, 'chat', 'm', 'google', $3, now())`,
        id,
        user.id,
        createdAt,
      );
      await sql('alter table usage_logs enable trigger user');
      return id;
    });
    await expectGood('/api/usage/logs?sort=-requestTimestamp', user, good.toReversed(), bad);
    await expectGood('/api/usage/logs?sort=requestTimestamp', user, good, bad);
    const csv = await app.request('GET', '/api/usage/export?format=csv', { user });
    for (const id of good) expect(csv.text).toContain(id);
    const all = await app.request('GET', '/api/me/export', { user });
    expect(idsOf(all.body.usage).filter((id) => good.includes(id))).toEqual(good);
    for (const report of ['summary', 'timeseries', 'projection']) {
      expect((await app.request('GET', `/api/usage/${report}`, { user })).status).toBe(200);
    }
  });
});

describe('unusual rows', () => {
  it('of users are still shown to administrators', async () => {
    const odd = await app.createUser();
    await sql(
      `update auth.users set banned_until = 'infinity', created_at = 'infinity', last_sign_in_at = '-infinity' where id = $1`,
      odd.id,
    );
    const shapes = [
      '"text"',
      '[1, 2]',
      '12',
      'null',
      '{"name": {"first": "Ada"}, "role": [], "isActive": 7}',
    ];
    const ids = [];
    for (const shape of shapes) {
      const { id } = await app.createUser();
      // The role guard expects an object, but rows can be older than it.
      await sql('alter table auth.users disable trigger user');
      await sql('update auth.users set raw_user_meta_data = $2::jsonb where id = $1', id, shape);
      await sql('alter table auth.users enable trigger user');
      ids.push(id);
    }
    const users = (await everyPage(app, admin, '/api/admin/users', 2)).flatMap(({ items }) => items);
    expect(idsOf(users)).toEqual(expect.arrayContaining([odd.id, ...ids]));
    expect(new Set(idsOf(users)).size).toBe(users.length);
    expect(users.find(({ id }) => id === odd.id)).toMatchObject({
      bannedUntil: '9999-12-31T23:59:59.999Z',
      createdAt: '9999-12-31T23:59:59.999Z',
      lastSignInAt: '0001-01-01T00:00:00.000Z',
    });
    await sql('delete from auth.users where id = any($1)', [odd.id, ...ids]);
  });

  it('with costs that are not numbers are shown without costs', async () => {
    const chatId = await addChat(app, user, { totalCost: 'NaN' });
    await addMessage(app, chatId, { cost: 'NaN', metadata: 'text', attachments: { not: 'a list' } });
    const chats = await app.request('GET', '/api/chats', { user });
    expect(chats.body.items).toMatchObject([{ id: chatId, totalCost: 0 }]);
    const messages = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
    expect(messages.body.items).toMatchObject([{ cost: 0, attachments: [] }]);
  });
});

describe('JSON that is nested too deeply to be written only affects its own row', () => {
  it('in messages and exports', async () => {
    const chatId = await addChat(app, user);
    const at = (second: number) => ({ createdAt: `2026-01-01T00:00:0${second}Z` });
    const before = await addMessage(app, chatId, at(1));
    const deep = await addMessage(app, chatId, { ...at(2), parts: `[${DEEP}]` });
    const after = await addMessage(app, chatId, at(3));
    for (const limit of [1, 2, 100]) {
      const pages = await everyPage(app, user, `/api/chats/${chatId}/messages`, limit);
      expect(idsOf(pages.flatMap(({ items }) => items))).toEqual([before, after]);
    }
    expect(app.log()).toContain(deep);
    for (const path of [`/api/chats/${chatId}/export`, '/api/me/export', '/api/me/export?format=ndjson']) {
      const { text } = await app.request('GET', path, { user });
      expect(text).toContain(before);
      expect(text).toContain(after);
      expect(text).not.toContain(deep);
    }
  });

  it('in the lists of chats, of calls and of the audit log', async () => {
    const before = await addChat(app, user, { createdAt: '2026-01-01Z' });
    const deep = await addChat(app, user, { createdAt: '2026-01-02Z' });
    await sql('update chat set "lastContext" = $2::jsonb where id = $1', deep, DEEP);
    const after = await addChat(app, user, { createdAt: '2026-01-03Z' });
    for (const limit of [1, 100]) {
      const pages = await everyPage(app, user, '/api/chats', limit);
      expect(idsOf(pages.flatMap(({ items }) => items))).toEqual([after, before]);
    }
    const exported = await app.request('GET', '/api/me/export', { user });
    expect(idsOf(exported.body.chats)).toEqual([after, deep, before]);

    await sql(
      `insert into usage_logs (user_id, agent_type, model_used, provider, response_timestamp, metadata)
       values ($1, 'chat', 'm', 'google', now(), $2), ($1, 'chat', 'm', 'google', now(), '{}')`,
      user.id,
      `{"deep": ${DEEP}}`,
    );
    expect((await app.request('GET', '/api/usage/logs', { user })).body.items).toHaveLength(1);
    const csv = await app.request('GET', '/api/usage/export?format=csv', { user });
    expect(csv.text.trim().split('\r\n')).toHaveLength(2);
    await sql(
      `insert into switchboard.audit_log (action, target, details) values ('deep.json', 'x', $1), ('deep.json', 'y', '{}')`,
      `{"deep": ${DEEP}}`,
    );
    const audit = await app.request('GET', '/api/admin/audit?action=deep', { user: admin });
    expect(audit.body.items).toMatchObject([{ target: 'y' }]);
  });
});

describe('a cursor', () => {
  it.each([
    '2026-02-30T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '99999-99-99 00:00:00.000+00',
    '999999-01-01 00:00:00.000+00',
    '5000-01-01 00:00:00.000+00 BC',
    'now',
  ])('that is not a time of PostgreSQL is refused: %s', async (at) => {
    const cursor = Buffer.from(`${at}|${randomUUID()}`).toString('base64url');
    const response = await app.request('GET', `/api/chats?cursor=${cursor}`, { user });
    expect(response.status).toBe(400);
  });
});
