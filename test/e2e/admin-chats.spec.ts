import { randomUUID } from 'node:crypto';
import { insertChat, insertMessage } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';
import { signToken } from '../support/tokens.js';

describe('the chats of all users', () => {
  let app: TestApp;
  let admin: TestUser;
  let ada: TestUser;
  let grace: TestUser;
  /** Newest first. Three of them have the same time. */
  let expected: string[];

  beforeAll(async () => {
    app = await startTestApp();
    [admin, ada, grace] = [
      await app.createUser({ role: 'admin' }),
      await app.createUser(),
      await app.createUser(),
    ];
    const at = (second: number) => ({ createdAt: `2026-03-01T00:00:0${second}.000Z` });
    const tied = [
      await insertChat(app.database, ada.id, at(2)),
      await insertChat(app.database, grace.id, at(2)),
      await insertChat(app.database, admin.id, at(2)),
    ].sort();
    const oldest = await insertChat(app.database, ada.id, {
      id: randomUUID(),
      title: 'Planning a garden',
      visibility: 'public',
      total_input_tokens: 12,
      total_output_tokens: 34,
      total_cost: '0.001234',
      lastContext: { inputTokens: 12 },
      updated_at: '2026-03-02T00:00:00.000Z',
      ...at(1),
    });
    await insertMessage(app.database, oldest, { parts: [{ type: 'text', text: 'a private matter' }] });
    const newest = await insertChat(app.database, grace.id, at(3));
    expected = [newest, ...tied.reverse(), oldest];
  });

  afterAll(() => app.close());

  const list = (query = '', user: TestUser | undefined = admin) =>
    app.request('GET', `/api/admin/chats${query}`, { user });
  const idsOf = (items: Array<{ id: string }>) => items.map(({ id }) => id);

  it('are shown with their metadata, and never with their messages', async () => {
    const { status, body, text } = await list();
    expect(status).toBe(200);
    expect(body.nextCursor).toBeNull();
    expect(idsOf(body.items)).toEqual(expected);
    expect(body.items[4]).toEqual({
      id: expected[4],
      userId: ada.id,
      title: 'Planning a garden',
      visibility: 'public',
      createdAt: '2026-03-01T00:00:01.000Z',
      updatedAt: '2026-03-02T00:00:00.000Z',
      totalInputTokens: 12,
      totalOutputTokens: 34,
      totalCost: 0.001234,
    });
    expect(text).not.toContain('a private matter');
    expectProblem(
      await app.request('GET', `/api/chats/${expected[0]}/messages`, { user: admin }),
      404,
      'not_found',
    );
  });

  it('are filtered by their owner', async () => {
    for (const user of [ada, grace, admin]) {
      const { body } = await list(`?userId=${user.id.toUpperCase()}`);
      const own = await app.request('GET', '/api/chats', { user });
      expect(idsOf(body.items).sort()).toEqual(idsOf(own.body.items).sort());
      expect(body.items.length).toBeGreaterThan(0);
    }
    expect((await list(`?userId=${randomUUID()}`)).body.items).toEqual([]);
  });

  it('come in pages', async () => {
    for (const limit of [1, 2, 3]) {
      const pages = await readAllPages(app, admin, `/api/admin/chats?limit=${limit}`);
      expect(idsOf(pages.flat())).toEqual(expected);
    }
    const pages = await readAllPages(app, admin, `/api/admin/chats?limit=1&userId=${ada.id}`);
    expect(pages).toHaveLength(2);
  });

  it('are paged along an index', async () => {
    const plan = await app.database.query(
      `explain (format json) select id from chat order by "createdAt" desc, id desc limit 20`,
    );
    expect(JSON.stringify(plan)).not.toContain('"Sort"');
  });

  it.each(['userId=me', 'userId=', 'limit=0', 'cursor=x', 'q=x'])('are not shown for ?%s', async (query) => {
    const response = await list(`?${query}`);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map(({ path }: { path: string }) => path)).toEqual([query.split('=')[0]]);
  });

  it('are only for administrators, whatever a token says', async () => {
    expectProblem(await app.request('GET', '/api/admin/chats'), 401, 'unauthenticated');
    expectProblem(await list('', ada), 403, 'forbidden');
    const forged = await signToken(ada.id, { userMetadata: { role: 'admin' } });
    const headers = { authorization: `Bearer ${forged}` };
    expectProblem(await app.request('GET', '/api/admin/chats', { headers }), 403, 'forbidden');
  });
});
