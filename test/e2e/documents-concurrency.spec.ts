import { randomUUID } from 'node:crypto';
import { insertDocument } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestResponse, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';

const WRITERS = 20;
const FIRST = '2026-01-01T00:00:00.000Z';

let app: TestApp;
let owner: TestUser;
let id: string;

beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  owner = await app.createUser();
  id = await insertDocument(app.database, owner.id, { createdAt: FIRST, content: 'first' });
});
afterAll(() => app?.close());

const atOnce = (request: (n: number) => Promise<TestResponse>) =>
  Promise.all(Array.from({ length: WRITERS }, (_, n) => request(n)));
const put = (body: unknown) => app.request('PUT', `/api/documents/${id}`, { user: owner, body });
const versions = async (): Promise<Array<{ createdAt: string; content: string }>> =>
  (await app.request('GET', `/api/documents/${id}/versions?limit=100&content=true`, { user: owner })).body
    .items;
const latest = async () => (await app.request('GET', `/api/documents/${id}`, { user: owner })).body;
const statusesOf = (responses: TestResponse[]) => responses.map(({ status }) => status).toSorted();

describe('concurrent writers of one document', () => {
  it('lose no version', async () => {
    const responses = await atOnce((n) => put({ content: `writer ${n}` }));
    expect(statusesOf(responses)).toEqual(Array(WRITERS).fill(200));
    const stored = await versions();
    expect(stored).toHaveLength(WRITERS + 1);
    expect(new Set(stored.map(({ createdAt }) => createdAt)).size).toBe(WRITERS + 1);
    for (const { body } of responses) {
      expect(stored).toContainEqual(
        expect.objectContaining({ createdAt: body.createdAt, content: body.content }),
      );
    }
  });

  it('succeed only once from the same base, and the others are told', async () => {
    const responses = await atOnce((n) => put({ content: `writer ${n}`, baseVersion: FIRST }));
    expect(statusesOf(responses)).toEqual([200, ...Array(WRITERS - 1).fill(409)]);
    const winner = responses.find(({ status }) => status === 200)?.body;
    for (const response of responses) {
      if (response.status !== 200) expectProblem(response, 409, 'version_conflict');
    }
    expect((await versions()).map(({ content }) => content)).toEqual(['first', winner.content]);
    expect(await latest()).toEqual(winner);
  });

  it('each continue the version that they have seen: nobody overwrites unseen changes', async () => {
    let conflicts = 0;
    await atOnce(async (n) => {
      for (;;) {
        const base = await latest();
        const response = await put({ content: `${base.content} ${n}`, baseVersion: base.createdAt });
        if (response.status === 200) return response;
        conflicts++;
      }
    });
    const words = (await latest()).content.split(' ').slice(1).map(Number);
    expect(words.toSorted((a: number, b: number) => a - b)).toEqual(
      Array.from({ length: WRITERS }, (_, n) => n),
    );
    expect(conflicts).toBeGreaterThan(0);
  });

  it('keep their order within one millisecond: the last write is the latest', async () => {
    await insertDocument(app.database, owner.id, { id, createdAt: '2999-01-01T00:00:00.000Z' });
    const responses = await atOnce((n) => put({ content: `writer ${n}` }));
    const times = responses.map(({ body }) => Date.parse(body.createdAt)).toSorted((a, b) => a - b);
    const base = Date.parse('2999-01-01T00:00:00.000Z');
    expect(times).toEqual(Array.from({ length: WRITERS }, (_, n) => base + n + 1));
    const last = await put({ content: 'last' });
    expect(await latest()).toEqual(last.body);
  });

  it('restore, each as a separate version', async () => {
    await put({ content: 'second' });
    const responses = await atOnce(() =>
      app.request('POST', `/api/documents/${id}/restore`, { user: owner, body: { version: FIRST } }),
    );
    expect(statusesOf(responses)).toEqual(Array(WRITERS).fill(200));
    const stored = await versions();
    expect(stored).toHaveLength(WRITERS + 2);
    expect(stored.slice(2).every(({ content }) => content === 'first')).toBe(true);
  });

  it('never add a version to a deleted document', async () => {
    const [deleted, ...responses] = await Promise.all([
      app.request('DELETE', `/api/documents/${id}`, { user: owner }),
      ...Array.from({ length: WRITERS }, (_, n) => put({ content: `writer ${n}` })),
    ]);
    expect(deleted?.status).toBe(204);
    expect(new Set([...statusesOf(responses), 404])).toEqual(
      new Set(responses.some((r) => r.status === 200) ? [200, 404] : [404]),
    );
    expect(await app.database.query('select from "Document" where id = $1', [id])).toEqual([]);
  });

  it('keep what they write after versions were deleted', async () => {
    for (let n = 0; n < 5; n++) await put({ content: `before ${n}` });
    const cut = () => app.request('DELETE', `/api/documents/${id}/versions?after=${FIRST}`, { user: owner });
    const responses = await atOnce((n) => (n % 4 === 0 ? cut() : put({ content: `writer ${n}` })));
    expect(statusesOf(responses)).toEqual(Array(WRITERS).fill(200));
    const cuts = responses.filter(({ body }) => 'deleted' in body);
    const removed = cuts.reduce((sum, { body }) => sum + body.deleted, 0);
    const written = 5 + WRITERS - cuts.length;
    expect((await versions()).length).toBe(1 + written - removed);
  });
});

describe('concurrent creators of one id', () => {
  it('create one document: the others are told that they have it', async () => {
    const body = { id: randomUUID(), title: 't', kind: 'text', content: '' };
    const responses = await atOnce(() => app.request('POST', '/api/documents', { user: owner, body }));
    expect(statusesOf(responses)).toEqual([201, ...Array(WRITERS - 1).fill(409)]);
    expect(await app.database.query('select from "Document" where id = $1', [body.id])).toHaveLength(1);
  });

  it('never share it: it belongs to the first user and does not exist for others', async () => {
    const users = await Promise.all(Array.from({ length: WRITERS }, () => app.createUser()));
    const body = { id: randomUUID(), title: 't', kind: 'text', content: '' };
    const responses = await Promise.all(
      users.map((user) => app.request('POST', '/api/documents', { user, body })),
    );
    expect(statusesOf(responses)).toEqual([201, ...Array(WRITERS - 1).fill(404)]);
    expect(await app.database.query('select user_id from "Document" where id = $1', [body.id])).toEqual([
      { user_id: responses.find(({ status }) => status === 201)?.body.userId },
    ]);
  });
});
