import { randomUUID } from 'node:crypto';
import { addChat, addMessage, addStream } from '../fixtures/chat-rows.js';
import { sentStatements } from '../support/statements.js';
import { storedId } from '../support/client-ids.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';

const BODY_LIMIT = 200_000;

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

const create = (body: unknown, user = owner) => app.request('POST', '/api/chats', { user, body });

describe('POST /api/chats', () => {
  it('creates a private, empty, untitled chat', async () => {
    const response = await create({});
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      userId: owner.id,
      title: 'New chat',
      visibility: 'private',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      lastContext: null,
      totalInputTokens: 0,
      totalOutputTokens: 0,
      totalCost: 0,
      isOwner: true,
      isStreaming: false,
    });
    expect((await app.request('GET', `/api/chats/${response.body.id}`, { user: owner })).body).toEqual({
      ...response.body,
      context: null,
    });
  });

  it('keeps the given values, with the title trimmed', async () => {
    const id = randomUUID();
    const response = await create({
      id: id.toUpperCase(),
      title: '  Gärten 🌱 שלום\n ',
      visibility: 'public',
    });
    expect(response.status).toBe(201);
    expect(response.body).toMatchObject({ id, title: 'Gärten 🌱 שלום', visibility: 'public' });
  });

  it('refuses an id that is in use, and only tells the owner', async () => {
    const { body } = await create({ id: randomUUID(), title: 'first' });
    expectProblem(await create({ id: body.id, title: 'second' }), 409, 'version_conflict');
    expectProblem(await create({ id: body.id }, stranger), 404, 'not_found');
    expectProblem(await create({ id: body.id }, admin), 404, 'not_found');
    expect((await app.request('GET', `/api/chats/${body.id}`, { user: owner })).body.title).toBe('first');
  });

  it('gives every user a separate namespace for client ids', async () => {
    const mine = await create({ id: 'my-chat' });
    const theirs = await create({ id: 'my-chat' }, stranger);
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(mine.body.id).toBe(await storedId(app, owner, 'my-chat'));
    expect(theirs.body.id).toBe(await storedId(app, stranger, 'my-chat'));
  });

  it.each<[string, unknown, string | undefined]>([
    ['an unknown field', { titel: 'x' }, 'titel'],
    ['somebody else as owner', { userId: randomUUID() }, 'userId'],
    ['an empty title', { title: ' \t ' }, 'title'],
    ['no title', { title: null }, 'title'],
    ['a huge title', { title: 'x'.repeat(256) }, 'title'],
    ['a title that is no text', { title: { toString: 'x' } }, 'title'],
    ['a NUL in the title', { title: 'a\u0000b' }, 'title'],
    ['half of a surrogate pair', '{"title":"a\\ud83c"}', 'title'],
    ['an unknown visibility', { visibility: 'everybody' }, 'visibility'],
    ['visibility of the wrong type', { visibility: ['public'] }, 'visibility'],
    ['an empty id', { id: '' }, 'id'],
    ['an id that is too long', { id: 'x'.repeat(129) }, 'id'],
    ['an id that is no text', { id: 7 }, 'id'],
    ['a prototype', '{"__proto__":{"visibility":"public"}}', '__proto__'],
    ['a deep body', `{"title":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'title'],
    ['a body that is no object', '[1]', ''],
    ['broken JSON', '{"title":', undefined],
  ])('refuses %s', async (_, body, path) => {
    const response = await create(body);
    expectProblem(response, 400, 'validation_failed');
    if (path !== undefined) expect(response.body.errors[0].path.split('.')[0]).toBe(path);
  });

  it('accepts a title of 255 characters of any script', async () => {
    const title = '🌱'.repeat(127) + 'א'.repeat(128);
    expect((await create({ title })).body.title).toBe(title);
  });

  it.each([
    'application/xml',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ])('refuses %s', async (type) => {
    const headers = { 'content-type': type };
    const response = await app.request('POST', '/api/chats', { user: owner, body: 'title=x', headers });
    expectProblem(response, 415, 'unsupported_media_type');
  });

  it('refuses a body that is too large', async () => {
    expectProblem(await create({ title: 'x'.repeat(BODY_LIMIT) }), 413, 'payload_too_large');
  });
});

describe('GET /api/chats', () => {
  const list = (query = '', user = owner) => app.request('GET', `/api/chats${query}`, { user });

  it("lists only the user's own chats, newest first, also for administrators, without public ones of others", async () => {
    const old = await addChat(app, owner, { title: 'old', createdAt: '2026-01-01T00:00:00.000Z' });
    const fresh = await addChat(app, owner, { title: 'fresh', createdAt: '2026-01-02T00:00:00.000Z' });
    await addChat(app, stranger, { visibility: 'public' });
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([fresh, old]);
    expect(body.nextCursor).toBeNull();
    expect((await list('', admin)).body.items).toEqual([]);
  });

  it('shows a list item like the chat itself', async () => {
    const id = await addChat(app, owner);
    await addStream(app, id);
    const { body } = await list();
    expect(body.items[0]).toMatchObject({ id, isOwner: true, isStreaming: true });
    // Only the chat itself says how full its context is.
    const { context, ...chat } = (await app.request('GET', `/api/chats/${id}`, { user: owner })).body;
    expect([body.items[0], context]).toEqual([chat, null]);
  });

  it('filters by visibility', async () => {
    await addChat(app, owner, { visibility: 'private' });
    const open = await addChat(app, owner, { visibility: 'public' });
    const { body } = await list('?visibility=public');
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([open]);
  });

  it('pages through chats of one millisecond without skips or repeats', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 11; n++)
      ids.push(await addChat(app, owner, { createdAt: '2026-02-03T04:05:06.789Z' }));
    const pages = await readAllPages(app, owner, '/api/chats?limit=3');
    expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 2]);
    expect(pages.flat().map(({ id }) => id)).toEqual(ids.toSorted().reverse());
  });

  it('is not disturbed by chats that are created and deleted between the pages', async () => {
    const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
    const ids: string[] = [];
    for (let n = 0; n < 8; n++) ids.unshift(await addChat(app, owner, { createdAt: at(n) }));
    const first = (await list('?limit=3')).body;
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 3));
    await addChat(app, owner, { createdAt: at(30) });
    // The row that the cursor refers to, one before it and one after it.
    for (const id of [ids[2], ids[0], ids[4]])
      await app.request('DELETE', `/api/chats/${id}`, { user: owner });
    const rest = await readAllPages(app, owner, `/api/chats?limit=3&cursor=${first.nextCursor}`);
    expect(rest.flat().map(({ id }) => id)).toEqual([ids[3], ids[5], ids[6], ids[7]]);
  });

  it('takes four statements in one round trip, for any number of chats', async () => {
    for (let n = 0; n < 5; n++) await addChat(app, owner);
    await list();
    for (const [query, verb] of [
      ['', 'select'],
      ['?q=garden', 'with'],
    ] as const) {
      const sent = await sentStatements(async () => expect((await list(query)).status).toBe(200));
      expect(sent).toEqual({ verbs: ['begin', 'select', verb, 'commit'], roundTrips: 1 });
    }
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?limit=101', 'limit'],
    ['?limit=ten', 'limit'],
    ['?limit=1&limit=2', 'limit'],
    ['?cursor=nonsense', 'cursor'],
    [`?cursor=${Buffer.from('2026-01-01T00:00:00Z|1 or 1=1').toString('base64url')}`, 'cursor'],
    ['?visibility=secret', 'visibility'],
    ['?q=a&q=b', 'q'],
    ['?q=a%00b', 'query.q'],
    [`?q=${'x'.repeat(256)}`, 'q'],
    ['?userId=1', 'userId'],
  ])('refuses %s', async (query, path) => {
    const response = await list(query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });
});

describe('GET /api/chats/:id', () => {
  const read = (id: string, user: TestUser) => app.request('GET', `/api/chats/${id}`, { user });

  it('shows figures and the last context as stored', async () => {
    const id = await addChat(app, owner, {
      lastContext: { inputTokens: 5, nested: { x: [1] } },
      totalInputTokens: 1520,
      totalOutputTokens: 433,
      totalCost: '0.001540',
    });
    expect((await read(id, owner)).body).toMatchObject({
      lastContext: { inputTokens: 5, nested: { x: [1] } },
      totalInputTokens: 1520,
      totalOutputTokens: 433,
      totalCost: 0.00154,
    });
  });

  it('shows a public chat to any signed-in user, with isOwner false', async () => {
    const id = await addChat(app, owner, { visibility: 'public', title: 'open' });
    for (const user of [stranger, admin]) {
      const { status, body } = await read(id, user);
      expect(status).toBe(200);
      expect(body).toMatchObject({ id, userId: owner.id, title: 'open', isOwner: false });
      expect(Object.keys(body).toSorted()).toEqual(Object.keys((await read(id, owner)).body).toSorted());
    }
  });

  it('does not reveal a private one', async () => {
    const id = await addChat(app, owner);
    const missing = await read(randomUUID(), stranger);
    for (const user of [stranger, admin]) {
      const response = await read(id, user);
      expectProblem(response, 404, 'not_found');
      expect({ ...response.body, requestId: '' }).toEqual({ ...missing.body, requestId: '' });
    }
  });
});

describe('PATCH /api/chats/:id', () => {
  const patch = (id: string, body: unknown, user = owner) =>
    app.request('PATCH', `/api/chats/${id}`, { user, body });

  it('changes only the given fields', async () => {
    const id = await addChat(app, owner, { title: 'before', createdAt: '2026-01-01T00:00:00.000Z' });
    const renamed = await patch(id, { title: ' after ' });
    expect(renamed.status).toBe(200);
    expect(renamed.body).toMatchObject({
      id,
      title: 'after',
      visibility: 'private',
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    expect(Date.parse(renamed.body.updatedAt)).toBeGreaterThan(Date.now() - 60_000);
    expect((await patch(id, { visibility: 'public' })).body).toMatchObject({
      title: 'after',
      visibility: 'public',
    });
    expect((await app.request('GET', `/api/chats/${id}`, { user: stranger })).status).toBe(200);
    expect((await patch(id, { visibility: 'private' })).status).toBe(200);
    expect((await app.request('GET', `/api/chats/${id}`, { user: stranger })).status).toBe(404);
  });

  it('is only for the owner, even of a public chat', async () => {
    const id = await addChat(app, owner, { title: 'mine', visibility: 'public' });
    for (const user of [stranger, admin])
      expectProblem(await patch(id, { title: 'x' }, user), 404, 'not_found');
    expect((await app.request('GET', `/api/chats/${id}`, { user: owner })).body.title).toBe('mine');
  });

  it.each<[string, unknown, string]>([
    ['nothing', {}, 'title'],
    ['null', { title: null }, 'title'],
    ['an empty title', { title: '' }, 'title'],
    ['a half surrogate', '{"title":"\\udfff"}', 'title'],
    ['a wrong visibility', { visibility: 'PUBLIC' }, 'visibility'],
    ['figures', { totalCost: 0 }, 'totalCost'],
    ['an owner', { userId: randomUUID() }, 'userId'],
  ])('refuses %s', async (_, body, path) => {
    const response = await patch(await addChat(app, owner), body);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });
});

describe('DELETE /api/chats', () => {
  it('deletes one with everything in it', async () => {
    const id = await addChat(app, owner);
    const kept = await addChat(app, owner);
    await addMessage(app, id, {});
    expect(await app.request('DELETE', `/api/chats/${id}`, { user: owner })).toMatchObject({
      status: 204,
      text: '',
    });
    expectProblem(await app.request('GET', `/api/chats/${id}`, { user: owner }), 404, 'not_found');
    expectProblem(await app.request('DELETE', `/api/chats/${id}`, { user: owner }), 404, 'not_found');
    expect(await app.database.query('select from "Message_v2" where "chatId" = $1', [id])).toHaveLength(0);
    expect((await app.request('GET', `/api/chats/${kept}`, { user: owner })).status).toBe(200);
  });

  it("does not delete another user's chats", async () => {
    const id = await addChat(app, owner, { visibility: 'public' });
    for (const user of [stranger, admin]) {
      expectProblem(await app.request('DELETE', `/api/chats/${id}`, { user }), 404, 'not_found');
    }
    expect((await app.request('GET', `/api/chats/${id}`, { user: owner })).status).toBe(200);
  });

  it("deletes all of the user's own chats", async () => {
    for (let n = 0; n < 3; n++) await addChat(app, owner);
    const other = await addChat(app, stranger, { visibility: 'public' });
    expect((await app.request('DELETE', '/api/chats', { user: admin })).body).toEqual({ deleted: 0 });
    const response = await app.request('DELETE', '/api/chats', { user: owner });
    expect([response.status, response.body]).toEqual([200, { deleted: 3 }]);
    expect((await app.request('GET', '/api/chats', { user: owner })).body.items).toEqual([]);
    expect((await app.request('GET', `/api/chats/${other}`, { user: owner })).status).toBe(200);
  });
});
