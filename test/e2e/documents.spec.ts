import { randomUUID } from 'node:crypto';
import { insertDocument, insertSuggestion } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { storedId } from '../support/client-ids.js';
import { expectProblem } from '../support/expectations.js';

const BODY_LIMIT = 200_000;
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;

beforeAll(async () => {
  app = await startTestApp({ BODY_LIMIT: String(BODY_LIMIT) });
  stranger = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
beforeEach(async () => {
  owner = await app.createUser();
});
afterAll(() => app?.close());

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const add = (columns: Record<string, unknown> = {}, user = owner) =>
  insertDocument(app.database, user.id, columns);
const create = (body: unknown, user = owner) => app.request('POST', '/api/documents', { user, body });
const put = (id: string, body: unknown, user = owner) =>
  app.request('PUT', `/api/documents/${id}`, { user, body });
const read = (id: string, user = owner, query = '') =>
  app.request('GET', `/api/documents/${id}${query}`, { user });
const list = (query = '', user = owner) => app.request('GET', `/api/documents${query}`, { user });

describe('POST /api/documents', () => {
  it('creates a document with its first version', async () => {
    const response = await create({ title: ' Notes ', kind: 'text', content: '# One\n' });
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      userId: owner.id,
      title: 'Notes',
      kind: 'text',
      content: '# One\n',
      createdAt: TIME,
    });
    expect(Math.abs(Date.parse(response.body.createdAt) - Date.now())).toBeLessThan(60_000);
    expect((await read(response.body.id)).body).toEqual(response.body);
    expect((await list()).body).toEqual({ items: [response.body], nextCursor: null });
  });

  it.each([
    ['text', 'Grüße 🌱 שלום\r\n\u2028 "quoted" \\ \t'],
    ['text', ''],
    ['code', 'print("$1 %s")\n'],
    [
      'image',
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    ],
    ['image', 'data:image/png;base64,iVBORw0KGgo='],
    ['sheet', 'name,"said, once"\nAda,"""yes"""\nBob\n'],
    ['sheet', ''],
  ])('keeps the content of the kind %s unchanged: %j', async (kind, content) => {
    const { status, body } = await create({ title: 't', kind, content });
    expect([status, body.kind, body.content]).toEqual([201, kind, content]);
    expect((await read(body.id)).body.content).toBe(content);
  });

  it('refuses an id that is in use, and only tells the owner', async () => {
    const id = randomUUID();
    const document = { id, title: 'first', kind: 'text', content: '1' };
    expect((await create({ ...document, id: id.toUpperCase() })).body.id).toBe(id);
    expectProblem(await create(document), 409, 'version_conflict');
    for (const user of [stranger, admin]) expectProblem(await create(document, user), 404, 'not_found');
    expect(await app.database.query('select user_id from "Document" where id = $1', [id])).toEqual([
      { user_id: owner.id },
    ]);
  });

  it('gives every user a separate namespace for client ids', async () => {
    const document = { id: 'notes', title: 't', kind: 'text', content: '' };
    const mine = await create(document);
    const theirs = await create(document, stranger);
    expect([mine.body.id, theirs.body.id]).toEqual([
      await storedId(app, owner, 'notes'),
      await storedId(app, stranger, 'notes'),
    ]);
  });

  const valid = { title: 't', kind: 'text', content: 'c' };
  it.each<[string, unknown, string]>([
    ['nothing', {}, 'title'],
    ['no title', { ...valid, title: undefined }, 'title'],
    ['an empty title', { ...valid, title: ' \n ' }, 'title'],
    ['a huge title', { ...valid, title: 'x'.repeat(256) }, 'title'],
    ['no kind', { ...valid, kind: undefined }, 'kind'],
    ['an unknown kind', { ...valid, kind: 'video' }, 'kind'],
    ['kinds', { ...valid, kind: ['text'] }, 'kind'],
    ['no content', { ...valid, content: undefined }, 'content'],
    ['null as content', { ...valid, content: null }, 'content'],
    ['content that is no text', { ...valid, content: { a: 1 } }, 'content'],
    ['a NUL', { ...valid, content: 'a\u0000b' }, 'content'],
    ['half of a surrogate pair', '{"title":"t","kind":"text","content":"\\ud83c"}', 'content'],
    ['a sheet that is no CSV', { ...valid, kind: 'sheet', content: 'a,b\n"1,2' }, 'content'],
    ['an empty id', { ...valid, id: '' }, 'id'],
    ['null as id', { ...valid, id: null }, 'id'],
    ['an id that is too long', { ...valid, id: 'x'.repeat(129) }, 'id'],
    ['an unknown field', { ...valid, titel: 'x' }, 'titel'],
    ['an owner', { ...valid, userId: randomUUID() }, 'userId'],
    ['a time', { ...valid, createdAt: at(1) }, 'createdAt'],
  ])('refuses %s', async (_, body, path) => {
    const response = await create(body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
    expect((await list()).body.items).toEqual([]);
  });

  it('reports the invalid line of a sheet', async () => {
    const response = await create({ ...valid, kind: 'sheet', content: 'a,b\n1,"2"x\n' });
    expect(response.body.errors[0].message).toMatch(/CSV.*line 2/);
  });

  it('accepts content up to the body limit', async () => {
    const content = '🌱'.repeat(45_000);
    expect((await create({ ...valid, content })).body.content).toBe(content);
    expectProblem(await create({ ...valid, content: 'x'.repeat(BODY_LIMIT) }), 413, 'payload_too_large');
  });
});

describe('GET /api/documents/:id', () => {
  it('reads the latest version, or the given one', async () => {
    const id = await add({ createdAt: at(1), content: 'one' });
    await add({ id, createdAt: at(2), content: null, title: 'second' });
    expect((await read(id)).body).toMatchObject({ id, createdAt: at(2), content: '', title: 'second' });
    expect((await read(id, owner, `?version=${at(1)}`)).body).toMatchObject({
      createdAt: at(1),
      content: 'one',
    });
    for (const same of ['2026-01-01T00:00:01Z', '2026-01-01T01:00:01.0%2B01:00']) {
      expect((await read(id, owner, `?version=${same}`)).body.createdAt).toBe(at(1));
    }
  });

  it('answers 404 for an unknown version', async () => {
    const id = await add({ createdAt: at(1) });
    expectProblem(await read(id, owner, `?version=${at(2)}`), 404, 'not_found');
    expectProblem(await read(id, owner, '?version=0000-01-01T00:00:00.000Z'), 404, 'not_found');
    expectProblem(await read(id, owner, '?version=9999-12-31T23:59:59.999Z'), 404, 'not_found');
  });

  it.each([
    '?version=',
    '?version=yesterday',
    '?version=2026-01-01',
    '?version=2026-02-30T00:00:00Z',
    '?version=2026-01-01T00:00:00',
    '?version=2026-01-01T25:00:00Z',
    '?version=2026-01-01T00:00:00.123456Z',
    `?version=${at(1)}&version=${at(2)}`,
  ])('refuses %s', async (query) => {
    const response = await read(await add(), owner, query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe('version');
  });

  it('does not reveal the documents of others', async () => {
    const id = await add({ createdAt: at(1) });
    const missing = await read(randomUUID(), stranger);
    for (const user of [stranger, admin]) {
      const response = await read(id, user);
      expectProblem(response, 404, 'not_found');
      expect({ ...response.body, requestId: '' }).toEqual({ ...missing.body, requestId: '' });
      expectProblem(await read(id, user, `?version=${at(1)}`), 404, 'not_found');
    }
  });
});

describe('PUT /api/documents/:id', () => {
  it('adds a version with the current title and kind', async () => {
    const id = await add({ kind: 'code', title: 'main.py', createdAt: at(1), content: 'one' });
    const response = await put(id, { content: 'two' });
    expect(response.status).toBe(200);
    expect(response.body).toEqual({
      id,
      userId: owner.id,
      title: 'main.py',
      kind: 'code',
      content: 'two',
      createdAt: TIME,
    });
    expect((await read(id)).body).toEqual(response.body);
    expect((await read(id, owner, `?version=${at(1)}`)).body.content).toBe('one');
  });

  it('renames', async () => {
    const id = await add({ title: 'before' });
    expect((await put(id, { title: ' after ', content: '' })).body).toMatchObject({
      title: 'after',
      content: '',
    });
    expect((await put(id, { content: 'x' })).body.title).toBe('after');
  });

  it('continues after a version with a future time', async () => {
    const id = await add({ createdAt: '2999-01-01T00:00:00.000Z' });
    expect((await put(id, { content: 'x' })).body.createdAt).toBe('2999-01-01T00:00:00.001Z');
  });

  it('stores nothing if the base is not the latest version', async () => {
    const id = await add({ createdAt: at(1) });
    const second = (await put(id, { content: '2', baseVersion: at(1) })).body;
    const refused = await put(id, { content: '3', baseVersion: at(1) });
    expectProblem(refused, 409, 'version_conflict');
    expect(refused.body.detail).toContain(second.createdAt);
    expectProblem(await put(id, { content: '3', baseVersion: at(9) }), 409, 'version_conflict');
    expect((await read(id)).body).toEqual(second);
    const third = await put(id, { content: '3', baseVersion: second.createdAt.replace('Z', '+00:00') });
    expect([third.status, third.body.content]).toEqual([200, '3']);
  });

  it('does not accept a deleted version as the base', async () => {
    const id = await add({ createdAt: at(1) });
    const { createdAt: baseVersion } = (await put(id, { content: '2' })).body;
    await app.request('DELETE', `/api/documents/${id}/versions?after=${at(1)}`, { user: owner });
    expectProblem(await put(id, { content: '3', baseVersion }), 409, 'version_conflict');
  });

  it.each<[string, unknown, string]>([
    ['no content', {}, 'content'],
    ['null as content', { content: null }, 'content'],
    ['an empty title', { content: '', title: ' ' }, 'title'],
    ['null as title', { content: '', title: null }, 'title'],
    ['a base that is no version', { content: '', baseVersion: 'latest' }, 'baseVersion'],
    ['null as base', { content: '', baseVersion: null }, 'baseVersion'],
    ['another kind', { content: '', kind: 'code' }, 'kind'],
    ['another owner', { content: '', userId: randomUUID() }, 'userId'],
    ['an unknown field', { content: '', contents: '' }, 'contents'],
  ])('refuses %s', async (_, body, path) => {
    const id = await add({ content: 'kept' });
    const response = await put(id, body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
    expect((await read(id)).body.content).toBe('kept');
  });

  it('validates sheets as CSV', async () => {
    const id = await add({ kind: 'sheet', content: 'a' });
    const response = await put(id, { content: '"a' });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe('content');
    expect((await put(id, { content: '"a"' })).status).toBe(200);
  });

  it('is only for the owner of an existing document', async () => {
    const id = await add();
    for (const user of [stranger, admin])
      expectProblem(await put(id, { content: 'x' }, user), 404, 'not_found');
    expectProblem(await put(randomUUID(), { content: 'x' }), 404, 'not_found');
    expect(await app.database.query('select from "Document" where id = $1', [id])).toHaveLength(1);
  });
});

describe('DELETE /api/documents/:id', () => {
  const remove = (id: string, user = owner) => app.request('DELETE', `/api/documents/${id}`, { user });

  it('deletes all versions with their suggestions, and nothing else', async () => {
    const id = await add({ createdAt: at(1) });
    await add({ id, createdAt: at(2) });
    await insertSuggestion(app.database, owner.id, id, { documentCreatedAt: at(1) });
    const kept = await add();
    expect(await remove(id)).toMatchObject({ status: 204, text: '' });
    expectProblem(await read(id), 404, 'not_found');
    expectProblem(await remove(id), 404, 'not_found');
    for (const table of ['"Document" where id', '"Suggestion" where "documentId"']) {
      expect(await app.database.query(`select from ${table} = $1`, [id])).toEqual([]);
    }
    expect((await read(kept)).status).toBe(200);
  });

  it('makes the id available again', async () => {
    const id = await add();
    await remove(id);
    const document = { id, title: 't', kind: 'text', content: '' };
    expect((await create(document, stranger)).body.userId).toBe(stranger.id);
    expectProblem(await create(document), 404, 'not_found');
  });

  it('is only for the owner', async () => {
    const id = await add();
    for (const user of [stranger, admin]) expectProblem(await remove(id, user), 404, 'not_found');
    expect((await read(id)).status).toBe(200);
  });
});
