import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { insertDocument } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;

beforeAll(async () => {
  app = await startTestApp();
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
const list = (query = '', user = owner) => app.request('GET', `/api/documents${query}`, { user });

describe('GET /api/documents', () => {
  it('lists the latest version of each, newest first, optionally of one kind', async () => {
    const text = await add({ kind: 'text', createdAt: at(1), title: 'old', content: 'old' });
    const code = await add({ kind: 'code', createdAt: at(2) });
    const sheet = await add({ kind: 'sheet', createdAt: at(3) });
    await add({ id: text, kind: 'text', createdAt: at(4), title: 'new', content: 'new' });
    const { body } = await list();
    expect(body.items.map((item: { id: string }) => item.id)).toEqual([text, sheet, code]);
    expect(body.items[0]).toEqual({
      id: text,
      userId: owner.id,
      title: 'new',
      kind: 'text',
      content: 'new',
      createdAt: at(4),
    });
    expect((await list('?kind=code')).body.items.map((item: { id: string }) => item.id)).toEqual([code]);
    expect((await list('?kind=image')).body).toEqual({ items: [], nextCursor: null });
  });

  it('omits the content on request', async () => {
    const id = await add({ title: 't', createdAt: at(1) });
    expect((await list('?content=false')).body.items).toEqual([
      { id, userId: owner.id, title: 't', kind: 'text', createdAt: at(1) },
    ]);
    expect((await list('?content=true')).body.items[0].content).toBe('Once upon a time');
  });

  it('shows nobody the documents of others, not even to administrators', async () => {
    await add();
    for (const user of [stranger, admin]) {
      const { body } = await list('', user);
      expect(body.items.filter((item: { userId: string }) => item.userId !== user.id)).toEqual([]);
    }
  });

  it('is read with one statement, for any number of documents', async () => {
    for (let n = 0; n < 30; n++) await add();
    const dataSource = app.app.get(DataSource);
    const createQueryRunner = dataSource.createQueryRunner.bind(dataSource);
    const statements: string[] = [];
    const spy = jest.spyOn(dataSource, 'createQueryRunner').mockImplementation((...args) => {
      const runner = createQueryRunner(...args);
      const query = runner.query.bind(runner);
      runner.query = (async (...parameters: Parameters<typeof query>) => {
        statements.push(parameters[0]);
        return query(...parameters);
      }) as typeof runner.query;
      return runner;
    });
    try {
      expect((await list('?limit=30')).body.items).toHaveLength(30);
    } finally {
      spy.mockRestore();
    }
    expect(statements.filter((statement) => statement.includes('"Document"'))).toHaveLength(1);
  });

  describe('page by page', () => {
    it('orders documents of one time by id, and ends', async () => {
      const ids = [];
      for (let n = 0; n < 7; n++) ids.push(await add({ createdAt: at(Math.floor(n / 3)) }));
      const expected = [ids.slice(6), ids.slice(3, 6), ids.slice(0, 3)].flatMap((group) =>
        group.toSorted().reverse(),
      );
      const pages = await readAllPages(app, owner, '/api/documents?limit=2');
      expect(pages.map((page) => page.length)).toEqual([2, 2, 2, 1]);
      expect(pages.flat().map(({ id }) => id)).toEqual(expected);
      expect(await readAllPages(app, owner, '/api/documents?limit=7')).toHaveLength(1);
    });

    it('skips and repeats nothing while documents are added, deleted and changed', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 8; n++) ids.push(await add({ createdAt: at(n) }));
      const [unseenToo, unseen, ...rest] = ids;
      const seen = [];
      let cursor = '';
      for (let page = 0; ; page++) {
        const { body } = await list(`?limit=2${cursor}`);
        seen.push(...body.items);
        if (body.nextCursor === null) break;
        cursor = `&cursor=${body.nextCursor}`;
        if (page === 0) {
          await put(unseen ?? '', { content: 'new' });
          await put(rest.at(-1) ?? '', { content: 'read before' });
          await create({ title: 'new', kind: 'text', content: '' });
          await app.request('DELETE', `/api/documents/${rest[0]}`, { user: owner });
        }
        if (page === 1) await put(unseenToo ?? '', { content: 'newest' });
      }
      expect(seen.map(({ id }) => id)).toEqual([...rest.slice(1).reverse(), unseen, unseenToo]);
      expect(seen.slice(-2).map(({ content }) => content)).toEqual(['new', 'newest']);
    });

    it('works after the document at the end of the last page was deleted', async () => {
      const ids = [];
      for (let n = 0; n < 4; n++) ids.push(await add({ createdAt: at(n) }));
      const first = (await list('?limit=2')).body;
      await app.request('DELETE', `/api/documents/${ids[2]}`, { user: owner });
      const second = (await list(`?limit=2&cursor=${first.nextCursor}`)).body;
      expect(second.items.map(({ id }: { id: string }) => id)).toEqual([ids[1], ids[0]]);
    });
  });

  const cursorOf = (text: string) => Buffer.from(text).toString('base64url');
  it.each([
    ['?kind=video', 'kind'],
    ['?kind=', 'kind'],
    ['?kind=text&kind=code', 'kind'],
    ['?limit=0', 'limit'],
    ['?limit=101', 'limit'],
    ['?limit=ten', 'limit'],
    ['?content=maybe', 'content'],
    ['?sort=title', 'sort'],
    ['?cursor=%25', 'cursor'],
    [`?cursor=${cursorOf(`${at(1)}|${randomUUID()}`)}`, 'cursor'],
    [`?cursor=${cursorOf(`${at(1)}|${randomUUID()}|x`)}`, 'cursor'],
    [`?cursor=${cursorOf(`0000-01-01T00:00:00.000Z|${randomUUID()}|${at(1)}`)}`, 'cursor'],
    [`?cursor=${cursorOf(`+275760-09-13T00:00:00.000Z|${randomUUID()}|${at(1)}`)}`, 'cursor'],
    [`?cursor=${cursorOf(`${at(1)}|1|${at(1)}`)}`, 'cursor'],
    [`?cursor=${cursorOf(`${at(1)}|${randomUUID()}|${at(1)}|`)}`, 'cursor'],
  ])('refuses %s', async (query, path) => {
    const response = await list(query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });
});
