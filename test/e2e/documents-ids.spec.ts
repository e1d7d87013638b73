import { randomUUID } from 'node:crypto';
import { insertDocument, insertSuggestion } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { storedId } from '../support/client-ids.js';
import { expectProblem } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  owner = await app.createUser();
});
afterAll(() => app?.close());

const VERSION = '2026-01-01T00:00:00.000Z';
const ROUTES: Array<[method: string, path: (id: string) => string, body?: unknown]> = [
  ['GET', (id) => `/api/documents/${id}`],
  ['PUT', (id) => `/api/documents/${id}`, { content: '' }],
  ['DELETE', (id) => `/api/documents/${id}`],
  ['GET', (id) => `/api/documents/${id}/versions`],
  ['DELETE', (id) => `/api/documents/${id}/versions?after=${VERSION}`],
  ['GET', (id) => `/api/documents/${id}/diff`],
  ['POST', (id) => `/api/documents/${id}/restore`, { version: VERSION }],
  ['GET', (id) => `/api/documents/${id}/suggestions`],
  ['PATCH', (id) => `/api/suggestions/${id}`, { isResolved: true }],
  ['POST', (id) => `/api/suggestions/${id}/apply`],
  ['DELETE', (id) => `/api/suggestions/${id}`],
];
const named = ROUTES.map(([method, path, body]) => [`${method} ${path(':id')}`, method, path, body] as const);

describe('every route of a document', () => {
  it.each(['my-document_1', 'x'.repeat(128), 'über/../%2F?#&🌱', '\'; drop table "Document"; --', '0'])(
    'maps the client id %j to the same document',
    async (clientId) => {
      const path = `/api/documents/${encodeURIComponent(clientId)}`;
      const request = (method: string, below = '', body?: unknown) =>
        app.request(method, `${path}${below}`, { user: owner, body });
      const created = await app.request('POST', '/api/documents', {
        user: owner,
        body: { id: clientId, title: 't', kind: 'text', content: 'one' },
      });
      const { id, createdAt } = created.body;
      expect([created.status, id]).toEqual([201, await storedId(app, owner, clientId)]);

      expect((await request('GET')).body.id).toBe(id);
      expect((await request('PUT', '', { content: 'two' })).body.id).toBe(id);
      expect((await request('GET', '/versions')).body.items).toHaveLength(2);
      expect((await request('GET', '/diff')).body.hunks).toHaveLength(1);
      expect((await request('POST', '/restore', { version: createdAt })).body).toMatchObject({
        id,
        content: 'one',
      });
      expect((await request('GET', '/suggestions')).body.items).toEqual([]);
      expect((await request('DELETE', `/versions?after=${createdAt}`)).body).toEqual({ deleted: 2 });
      expect((await request('DELETE')).status).toBe(204);
    },
  );

  it.each(named)('%s refuses an invalid id, and requests without a token', async (_, method, path, body) => {
    const long = await app.request(method, path('x'.repeat(129)), { user: owner, body });
    expectProblem(long, 400, 'validation_failed');
    expect(long.body.errors[0].path).toBe('id');
    const nul = await app.request(method, path('a%00b'), { user: owner, body });
    expectProblem(nul, 400, 'validation_failed');
    expect(nul.body.errors[0].path).toBe('params.id');
    expectProblem(await app.request(method, path(randomUUID()), { body }), 401, 'unauthenticated');
  });

  it.each(named)(
    "%s finds nothing under another user's id or an unknown one",
    async (_, method, path, body) => {
      const stranger = await app.createUser();
      const documentId = await insertDocument(app.database, owner.id, { createdAt: VERSION });
      const suggestionId = await insertSuggestion(app.database, owner.id, documentId);
      const id = path('').startsWith('/api/documents') ? documentId : suggestionId;
      const foreign = await app.request(method, path(id), { user: stranger, body });
      const missing = await app.request(method, path(randomUUID()), { user: stranger, body });
      for (const response of [foreign, missing]) expectProblem(response, 404, 'not_found');
      expect(foreign.body.detail).toBe(missing.body.detail);
      const own = await app.request(method, path(id), { user: owner, body });
      expect(own.status).toBeLessThan(300);
    },
  );

  it.each([
    ['GET', '/api/documents'],
    ['POST', '/api/documents'],
  ])('%s %s requires a token', async (method, path) => {
    expectProblem(await app.request(method, path), 401, 'unauthenticated');
  });
});
