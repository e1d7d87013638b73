import { randomUUID } from 'node:crypto';
import { insertDocument, insertSuggestion } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;
/** A document with three versions, at seconds 1, 2 and 3. */
let id: string;

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const CONTENTS = ['a\nb\nc\n', 'a\nB\nc\n', 'a\nB\nc'];

beforeAll(async () => {
  app = await startTestApp();
  stranger = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
beforeEach(async () => {
  owner = await app.createUser();
  id = randomUUID();
  for (const [index, content] of CONTENTS.entries()) {
    await insertDocument(app.database, owner.id, {
      id,
      content,
      createdAt: at(index + 1),
      title: `title ${index + 1}`,
    });
  }
});
afterAll(() => app?.close());

const get = (path: string, user = owner, document = id) =>
  app.request('GET', `/api/documents/${document}${path}`, { user });
const restore = (body: unknown, user = owner, document = id) =>
  app.request('POST', `/api/documents/${document}/restore`, { user, body });
const deleteAfter = (query: string, user = owner, document = id) =>
  app.request('DELETE', `/api/documents/${document}/versions${query}`, { user });
const times = async () =>
  (await get('/versions')).body.items.map((item: { createdAt: string }) => item.createdAt);

describe('GET /api/documents/:id/versions', () => {
  it('lists all versions, oldest first, without content', async () => {
    const { status, body } = await get('/versions');
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [1, 2, 3].map((n) => ({
        id,
        userId: owner.id,
        title: `title ${n}`,
        kind: 'text',
        createdAt: at(n),
      })),
      nextCursor: null,
    });
  });

  it('includes the content on request', async () => {
    const { body } = await get('/versions?content=true');
    expect(body.items.map(({ content }: { content: string }) => content)).toEqual(CONTENTS);
    expect((await get('/versions?content=false')).body.items[0]).not.toHaveProperty('content');
  });

  it('comes in pages that new and deleted versions do not disturb', async () => {
    for (let n = 4; n <= 7; n++) await insertDocument(app.database, owner.id, { id, createdAt: at(n) });
    const pages = await readAllPages(app, owner, `/api/documents/${id}/versions?limit=3`);
    expect(pages.map((page) => page.map(({ createdAt }) => createdAt))).toEqual([
      [at(1), at(2), at(3)],
      [at(4), at(5), at(6)],
      [at(7)],
    ]);
    const { nextCursor } = (await get('/versions?limit=5')).body;
    await app.database.query('delete from "Document" where id = $1 and "createdAt" = any($2)', [
      id,
      [at(5), at(6)],
    ]);
    await insertDocument(app.database, owner.id, { id, createdAt: at(8) });
    const next = (await get(`/versions?limit=5&cursor=${nextCursor}`)).body;
    expect(next.items.map(({ createdAt }: { createdAt: string }) => createdAt)).toEqual([at(7), at(8)]);
    expect(next.nextCursor).toBeNull();
  });

  it('has an empty page, not an error, if the following versions were deleted', async () => {
    const { nextCursor } = (await get('/versions?limit=2')).body;
    await deleteAfter(`?after=${at(2)}`);
    const response = await get(`/versions?limit=2&cursor=${nextCursor}`);
    expect([response.status, response.body]).toEqual([200, { items: [], nextCursor: null }]);
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?content=1', 'content'],
    ['?cursor=x', 'cursor'],
    ['?after=x', 'after'],
  ])('refuses %s', async (query, path) => {
    const response = await get(`/versions${query}`);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });

  it('is only for the owner', async () => {
    for (const user of [stranger, admin]) expectProblem(await get('/versions', user), 404, 'not_found');
    expectProblem(await get('/versions', owner, randomUUID()), 404, 'not_found');
  });
});

describe('GET /api/documents/:id/diff', () => {
  it('compares the last two versions', async () => {
    const { status, body } = await get('/diff');
    expect(status).toBe(200);
    expect(body).toEqual({
      from: at(2),
      to: at(3),
      unified: `--- ${id}\t${at(2)}\n+++ ${id}\t${at(3)}\n@@ -1,3 +1,3 @@\n a\n B\n-c\n+c\n\\ No newline at end of file\n`,
      hunks: [
        {
          oldStart: 1,
          oldLines: 3,
          newStart: 1,
          newLines: 3,
          lines: [' a', ' B', '-c', '+c', '\\ No newline at end of file'],
        },
      ],
    });
  });

  it.each<[string, number | null, number, string[]]>([
    [`?from=${at(1)}&to=${at(2)}`, 1, 2, [' a', '-b', '+B', ' c']],
    [`?from=${at(2)}&to=${at(1)}`, 2, 1, [' a', '-B', '+b', ' c']],
    [`?to=${at(2)}`, 1, 2, [' a', '-b', '+B', ' c']],
    [`?from=${at(1)}`, 1, 3, [' a', '-b', '-c', '+B', '+c', '\\ No newline at end of file']],
    [`?to=${at(1)}`, null, 1, ['+a', '+b', '+c']],
  ])('compares %s', async (query, from, to, lines) => {
    const { body } = await get(`/diff${query}`);
    expect([body.from, body.to]).toEqual([from === null ? null : at(from), at(to)]);
    expect(body.hunks[0].lines).toEqual(lines);
    expect(body.unified.split('\n').slice(3, -1)).toEqual(lines);
  });

  it('is empty between equal versions', async () => {
    const { body } = await get(`/diff?from=${at(2)}&to=${at(2)}`);
    expect(body).toEqual({ from: at(2), to: at(2), unified: '', hunks: [] });
    await app.request('PUT', `/api/documents/${id}`, {
      user: owner,
      body: { title: 'renamed', content: CONTENTS[2] },
    });
    expect((await get('/diff')).body).toMatchObject({ from: at(3), unified: '', hunks: [] });
  });

  it('shows a first version as additions, in any script', async () => {
    const document = await insertDocument(app.database, owner.id, {
      content: 'שלום 🌱\r\n\nẞ',
      createdAt: at(1),
    });
    const { body } = await get('/diff', owner, document);
    expect(body).toEqual({
      from: null,
      to: at(1),
      unified: `--- /dev/null\n+++ ${document}\t${at(1)}\n@@ -0,0 +1,3 @@\n+שלום 🌱\r\n+\n+ẞ\n\\ No newline at end of file\n`,
      hunks: [
        {
          oldStart: 0,
          oldLines: 0,
          newStart: 1,
          newLines: 3,
          lines: ['+שלום 🌱\r', '+', '+ẞ', '\\ No newline at end of file'],
        },
      ],
    });
  });

  it('responds quickly if two large versions have nothing in common', async () => {
    for (const second of [4, 5]) {
      const content = Array.from({ length: 60_000 }, (_, line) => `${second} ${line}`).join('\n');
      await insertDocument(app.database, owner.id, { id, createdAt: at(second), content });
    }
    const started = performance.now();
    const { status, body } = await get('/diff');
    expect(performance.now() - started).toBeLessThan(5_000);
    expect([status, body.hunks.length, body.hunks[0].oldLines, body.hunks[0].newLines]).toEqual([
      200, 1, 60_000, 60_000,
    ]);
  });

  it('answers 404 for unknown versions', async () => {
    for (const query of [`?from=${at(9)}`, `?to=${at(9)}`, `?from=${at(1)}&to=${at(9)}`]) {
      expectProblem(await get(`/diff${query}`), 404, 'not_found');
    }
  });

  it.each([
    ['?from=first', 'from'],
    ['?to=2026-13-01T00:00:00Z', 'to'],
    ['?context=3', 'context'],
  ])('refuses %s', async (query, path) => {
    const response = await get(`/diff${query}`);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });

  it('is only for the owner', async () => {
    for (const user of [stranger, admin]) {
      expectProblem(await get('/diff', user), 404, 'not_found');
      expectProblem(await get(`/diff?from=${at(1)}&to=${at(2)}`, user), 404, 'not_found');
    }
    expectProblem(await get('/diff', owner, randomUUID()), 404, 'not_found');
  });
});

describe('POST /api/documents/:id/restore', () => {
  it('stores the content of the version as a new one, with the current title', async () => {
    const response = await restore({ version: at(1) });
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({ id, title: 'title 3', kind: 'text', content: CONTENTS[0] });
    expect(await times()).toEqual([at(1), at(2), at(3), response.body.createdAt]);
    expect((await get('')).body).toEqual(response.body);
  });

  it('can be undone and repeated', async () => {
    await restore({ version: at(1) });
    await restore({ version: at(3) });
    const { body } = await restore({ version: at(3) });
    expect(body.content).toBe(CONTENTS[2]);
    expect(await times()).toHaveLength(6);
  });

  it.each<[unknown, string]>([
    [{}, 'version'],
    [{ version: null }, 'version'],
    [{ version: 1 }, 'version'],
    [{ version: '1' }, 'version'],
    [{ version: at(1), content: 'x' }, 'content'],
  ])('refuses %j', async (body, path) => {
    const response = await restore(body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });

  it('is only for the owner of an existing version', async () => {
    expectProblem(await restore({ version: at(9) }), 404, 'not_found');
    expectProblem(await restore({ version: at(1) }, owner, randomUUID()), 404, 'not_found');
    for (const user of [stranger, admin])
      expectProblem(await restore({ version: at(1) }, user), 404, 'not_found');
    expect(await times()).toHaveLength(3);
  });
});

describe('DELETE /api/documents/:id/versions', () => {
  it('deletes the later versions with their suggestions', async () => {
    const kept = await insertSuggestion(app.database, owner.id, id, { documentCreatedAt: at(1) });
    await insertSuggestion(app.database, owner.id, id, { documentCreatedAt: at(2) });
    const response = await deleteAfter(`?after=${at(1)}`);
    expect([response.status, response.body]).toEqual([200, { deleted: 2 }]);
    expect(await times()).toEqual([at(1)]);
    expect(await app.database.query('select id from "Suggestion" where "documentId" = $1', [id])).toEqual([
      { id: kept },
    ]);
    expect((await deleteAfter(`?after=${at(1)}`)).body).toEqual({ deleted: 0 });
  });

  it('accepts any time', async () => {
    expect((await deleteAfter('?after=2026-01-01T00:00:02.500Z')).body).toEqual({ deleted: 1 });
    expect(await times()).toEqual([at(1), at(2)]);
    expect((await deleteAfter('?after=2025-01-01T00:00:00Z')).body).toEqual({ deleted: 2 });
    expectProblem(await get(''), 404, 'not_found');
    expectProblem(await deleteAfter(`?after=${at(1)}`), 404, 'not_found');
  });

  it.each([
    ['', 'after'],
    ['?after=', 'after'],
    ['?after=all', 'after'],
    [`?after=${at(1)}&before=${at(3)}`, 'before'],
  ])('refuses %j', async (query, path) => {
    const response = await deleteAfter(query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
    expect(await times()).toHaveLength(3);
  });

  it('is only for the owner', async () => {
    for (const user of [stranger, admin])
      expectProblem(await deleteAfter(`?after=${at(1)}`, user), 404, 'not_found');
    expectProblem(await deleteAfter(`?after=${at(1)}`, owner, randomUUID()), 404, 'not_found');
    expect(await times()).toHaveLength(3);
  });
});
