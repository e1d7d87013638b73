import { randomUUID } from 'node:crypto';
import { DocumentsService } from '../../src/modules/documents/documents.service.js';
import { SuggestionsService } from '../../src/modules/suggestions/suggestions.service.js';
import type { Identity } from '../../src/common/auth/identity.js';
import { insertDocument, insertSuggestion } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;
let documentId: string;

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

beforeAll(async () => {
  app = await startTestApp();
  stranger = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
beforeEach(async () => {
  owner = await app.createUser();
  documentId = await insertDocument(app.database, owner.id, { createdAt: at(1) });
});
afterAll(() => app?.close());

const add = (columns: Record<string, unknown> = {}) =>
  insertSuggestion(app.database, owner.id, documentId, columns);
const list = (query = '', user = owner, id = documentId) =>
  app.request('GET', `/api/documents/${id}/suggestions${query}`, { user });
const idsOf = async (query = '') => (await list(query)).body.items.map(({ id }: { id: string }) => id);
const patch = (id: string, body: unknown, user = owner) =>
  app.request('PATCH', `/api/suggestions/${id}`, { user, body });
const identityOf = ({ id, email }: TestUser): Identity => ({
  id,
  email,
  role: 'user',
  settings: {},
  idNamespace: id,
});

describe('GET /api/documents/:id/suggestions', () => {
  it('lists those of the latest version, oldest first', async () => {
    expect((await list()).body).toEqual({ items: [], nextCursor: null });
    const second = await add({ createdAt: at(3), description: 'why' });
    const first = await add({ createdAt: at(2) });
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        {
          id: first,
          documentId,
          documentCreatedAt: at(1),
          userId: owner.id,
          originalText: 'upon',
          suggestedText: 'at',
          description: null,
          isResolved: false,
          createdAt: at(2),
        },
        expect.objectContaining({ id: second, description: 'why', createdAt: at(3) }),
      ],
      nextCursor: null,
    });
  });

  it('lists those of a given version', async () => {
    const old = await add();
    await insertDocument(app.database, owner.id, { id: documentId, createdAt: at(2) });
    expect(await idsOf()).toEqual([]);
    const fresh = await add();
    expect(await idsOf()).toEqual([fresh]);
    expect(await idsOf(`?version=${at(1)}`)).toEqual([old]);
    expect(await idsOf(`?version=${at(2)}`)).toEqual([fresh]);
    expectProblem(await list(`?version=${at(3)}`), 404, 'not_found');
  });

  it('lists only resolved or only open ones on request', async () => {
    const open = await add();
    const resolved = await add({ isResolved: true });
    expect(await idsOf('?resolved=true')).toEqual([resolved]);
    expect(await idsOf('?resolved=false')).toEqual([open]);
    expect(await idsOf()).toHaveLength(2);
  });

  it('comes in pages that keep their order', async () => {
    const ids = [];
    for (let n = 0; n < 5; n++) ids.push(await add({ createdAt: at(2 + Math.floor(n / 3)) }));
    const expected = [...ids.slice(0, 3).toSorted(), ...ids.slice(3).toSorted()];
    const pages = await readAllPages(app, owner, `/api/documents/${documentId}/suggestions?limit=2`);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat().map(({ id }) => id)).toEqual(expected);
    const { nextCursor } = (await list('?limit=2')).body;
    await app.request('DELETE', `/api/suggestions/${expected[1]}`, { user: owner });
    await app.request('DELETE', `/api/suggestions/${expected[2]}`, { user: owner });
    expect(await idsOf(`?limit=2&cursor=${nextCursor}`)).toEqual(expected.slice(3));
  });

  it.each([
    ['?resolved=yes', 'resolved'],
    ['?resolved=', 'resolved'],
    ['?resolved=true&resolved=false', 'resolved'],
    ['?version=1', 'version'],
    ['?limit=0', 'limit'],
    ['?cursor=x', 'cursor'],
    ['?isResolved=true', 'isResolved'],
  ])('refuses %s', async (query, path) => {
    const response = await list(query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });

  it('is only for the owner', async () => {
    await add();
    for (const user of [stranger, admin]) {
      expectProblem(await list('', user), 404, 'not_found');
      expectProblem(await list(`?version=${at(1)}`, user), 404, 'not_found');
    }
    expectProblem(await list('', owner, randomUUID()), 404, 'not_found');
  });
});

describe('PATCH /api/suggestions/:id', () => {
  it('resolves and reopens, without changing the document', async () => {
    const id = await add();
    for (const isResolved of [true, true, false]) {
      const { status, body } = await patch(id, { isResolved });
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({ id, isResolved, originalText: 'upon' }),
      ]);
      expect((await list()).body.items).toEqual([body]);
    }
    const versions = await app.request('GET', `/api/documents/${documentId}/versions`, { user: owner });
    expect(versions.body.items).toHaveLength(1);
  });

  it.each<[unknown, string]>([
    [{}, 'isResolved'],
    [{ isResolved: null }, 'isResolved'],
    [{ isResolved: 'true' }, 'isResolved'],
    [{ isResolved: 1 }, 'isResolved'],
    [{ isResolved: true, suggestedText: 'x' }, 'suggestedText'],
  ])('refuses %j', async (body, path) => {
    const response = await patch(await add(), body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });

  it('is only for the owner', async () => {
    const id = await add();
    for (const user of [stranger, admin])
      expectProblem(await patch(id, { isResolved: true }, user), 404, 'not_found');
    expectProblem(await patch(randomUUID(), { isResolved: true }), 404, 'not_found');
    expectProblem(await patch('no-such-suggestion', { isResolved: true }), 404, 'not_found');
    expect(await idsOf('?resolved=false')).toEqual([id]);
  });
});

describe('DELETE /api/suggestions/:id', () => {
  const remove = (id: string, user = owner) => app.request('DELETE', `/api/suggestions/${id}`, { user });

  it('deletes one', async () => {
    const [id, kept] = [await add(), await add()];
    expect(await remove(id)).toMatchObject({ status: 204, text: '' });
    expectProblem(await remove(id), 404, 'not_found');
    expect(await idsOf()).toEqual([kept]);
  });

  it('is only for the owner', async () => {
    const id = await add();
    for (const user of [stranger, admin]) expectProblem(await remove(id, user), 404, 'not_found');
    expect(await idsOf()).toEqual([id]);
  });
});

describe('the services, as used by an agent', () => {
  it('write a document, a version based on another, and suggestions for it in order', async () => {
    const documents = app.app.get(DocumentsService);
    const suggestions = app.app.get(SuggestionsService);
    const identity = identityOf(owner);
    const first = await documents.create(identity, { title: 'Garden', kind: 'text', content: 'Sow.' });
    const read = await documents.latest(identity, first.id);
    expect(read).toEqual(first);
    const second = await documents.addVersion(identity, first.id, {
      content: 'Sow 🌱 "in" {March}, \\ and\nreap.',
      baseVersion: read.createdAt,
    });
    await expect(
      documents.addVersion(identity, first.id, { content: 'x', baseVersion: read.createdAt }),
    ).rejects.toMatchObject({ status: 409, code: 'version_conflict' });

    const drafts = Array.from({ length: 12 }, (_, n) => ({
      originalText: n === 0 ? '🌱 "in" {March}, \\ and\n' : `text ${n}`,
      suggestedText: '',
      description: n % 2 === 0 ? null : 'because, NULL',
    }));
    const stored = await suggestions.createMany(identity, first.id, second.createdAt, drafts);
    expect(stored).toEqual(
      drafts.map((draft) => ({
        ...draft,
        id: expect.any(String),
        documentId: first.id,
        documentCreatedAt: second.createdAt,
        userId: owner.id,
        isResolved: false,
        createdAt: expect.any(String),
      })),
    );
    expect((await list('', owner, first.id)).body.items).toEqual(stored);
  });

  it('keep ids that an agent has already sent to its readers', async () => {
    const id = randomUUID();
    const draft = { id, originalText: 'a', suggestedText: 'b' };
    const stored = await app.app
      .get(SuggestionsService)
      .createMany(identityOf(owner), documentId, at(1), [draft]);
    expect(stored).toEqual([expect.objectContaining({ ...draft, description: null })]);
  });

  it('store no suggestions for unknown versions or those of other users', async () => {
    const suggestions = app.app.get(SuggestionsService);
    const drafts = [{ originalText: 'a', suggestedText: 'b' }];
    const missing = { status: 404, code: 'not_found' };
    await expect(suggestions.createMany(identityOf(owner), documentId, at(2), drafts)).rejects.toMatchObject(
      missing,
    );
    await expect(
      suggestions.createMany(identityOf(stranger), documentId, at(1), drafts),
    ).rejects.toMatchObject(missing);
    expect(await suggestions.createMany(identityOf(owner), documentId, at(1), [])).toEqual([]);
    expect(await idsOf()).toEqual([]);
  });
});
