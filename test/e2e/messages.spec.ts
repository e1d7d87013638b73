import { randomUUID } from 'node:crypto';
import { safeValidateUIMessages } from 'ai';
import pg from 'pg';
import { z } from 'zod';
import { addChat, addMessage, addStream, text } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';
import { waitingForLocks } from '../support/row-locks.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;
let chatId: string;

beforeAll(async () => {
  app = await startTestApp();
  stranger = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
beforeEach(async () => {
  owner = await app.createUser();
  chatId = await addChat(app, owner);
});
afterAll(() => app?.close());

const second = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();
const idsOf = (items: Array<{ id: string }>) => items.map(({ id }) => id);

/** Messages one second apart, oldest first. */
async function addHistory(count: number, options: { chatId?: string } = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const role = n % 2 === 0 ? 'user' : 'assistant';
    ids.push(
      await addMessage(app, options.chatId ?? chatId, {
        role,
        createdAt: second(n),
        parts: [text(`message ${n}`)],
      }),
    );
  }
  return ids;
}

describe('GET /api/chats/:id/messages', () => {
  const list = (query = '', user = owner, id = chatId) =>
    app.request('GET', `/api/chats/${id}/messages${query}`, { user });

  it('shows each message exactly as documented', async () => {
    const parts = [
      { type: 'step-start' },
      {
        type: 'reasoning',
        text: 'Hm. שלום',
        state: 'done',
        providerMetadata: { google: { thoughtSignature: 'x' } },
      },
      text('Sow in March 🌱 "now" \\ \n'),
      { type: 'file', mediaType: 'image/png', filename: 'a.png', url: 'data:image/png;base64,AAAA' },
      {
        type: 'tool-search',
        toolCallId: '1',
        state: 'output-available',
        input: { z: 1, a: [null, 1.5] },
        output: 'x',
      },
    ];
    const question = await addMessage(app, chatId, {
      role: 'user',
      createdAt: second(0),
      parts: [text('When?')],
    });
    const answer = await addMessage(app, chatId, {
      role: 'assistant',
      createdAt: '2026-01-01T00:00:01.007Z',
      parts,
      attachments: [{ name: 'a' }],
      modelUsed: 'gemini-2.5-flash',
      inputTokens: 812,
      outputTokens: 240,
      cost: '0.000844',
      status: 'stopped',
      metadata: { agentType: 'chat', cost: 0.000844 },
    });
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        {
          id: question,
          chatId,
          role: 'user',
          parts: [text('When?')],
          attachments: [],
          createdAt: '2026-01-01T00:00:00.000Z',
          modelUsed: null,
          inputTokens: 0,
          outputTokens: 0,
          cost: 0,
          status: 'complete',
          finishReason: null,
        },
        {
          id: answer,
          chatId,
          role: 'assistant',
          parts,
          attachments: [{ name: 'a' }],
          createdAt: '2026-01-01T00:00:01.007Z',
          modelUsed: 'gemini-2.5-flash',
          inputTokens: 812,
          outputTokens: 240,
          cost: 0.000844,
          status: 'stopped',
          finishReason: null,
          metadata: {
            agentType: 'chat',
            cost: 0.000844,
            status: 'stopped',
            createdAt: '2026-01-01T00:00:01.007Z',
          },
        },
      ],
      nextCursor: null,
    });
  });

  it('shows an empty chat as an empty list', async () => {
    expect((await list()).body).toEqual({ items: [], nextCursor: null });
  });

  it('pages through messages of one millisecond, oldest first, without skips or repeats', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push(await addMessage(app, chatId, { createdAt: second(1) }));
    const early = await addMessage(app, chatId, { createdAt: second(0) });
    const pages = await readAllPages(app, owner, `/api/chats/${chatId}/messages?limit=3`);
    expect(pages.map(idsOf).flat()).toEqual([early, ...ids.toSorted()]);
    expect(pages.map((page) => page.length)).toEqual([3, 3, 2]);
  });

  it('pages from the newest message back to the oldest, as a chat that opens at its end', async () => {
    const ids = await addHistory(4);
    for (let n = 0; n < 3; n++) ids.push(await addMessage(app, chatId, { createdAt: second(9) }));
    const newestFirst = [...ids.slice(0, 4), ...ids.slice(4).toSorted()].toReversed();
    const first = (await list('?limit=3&order=desc')).body;
    expect(idsOf(first.items)).toEqual(newestFirst.slice(0, 3));
    await addMessage(app, chatId, { createdAt: second(20) });
    const rest = await readAllPages(
      app,
      owner,
      `/api/chats/${chatId}/messages?limit=3&order=desc&cursor=${first.nextCursor}`,
    );
    expect(rest.map(idsOf)).toEqual([newestFirst.slice(3, 6), newestFirst.slice(6)]);
    expect(idsOf((await list('?order=asc&limit=2')).body.items)).toEqual(ids.slice(0, 2));
    expectProblem(await list('?order=newest'), 400, 'validation_failed');
  });

  it('shows the newest messages of a public chat as well', async () => {
    const ids = await addHistory(3);
    await app.database.query(`update chat set visibility = 'public' where id = $1`, [chatId]);
    const { body } = await list('?limit=2&order=desc', stranger);
    expect(idsOf(body.items)).toEqual([ids[2], ids[1]]);
  });

  it('never has metadata that is null, which a UIMessage cannot have', async () => {
    await addMessage(app, chatId, { role: 'user' });
    await addMessage(app, chatId, { role: 'assistant', status: 'streaming' });
    await addMessage(app, chatId, { role: 'assistant' });
    const { items } = (await list()).body as {
      items: Array<{ role: string; status: string; metadata?: unknown }>;
    };
    expect(items).toHaveLength(3);
    for (const { role, status, ...message } of items) {
      const isEnded = role === 'assistant' && status !== 'streaming';
      expect([role, status, 'metadata' in message]).toEqual([role, status, isEnded]);
    }
    // What a client does that checks the messages that it loads.
    expect(
      await safeValidateUIMessages({ messages: items, metadataSchema: z.looseObject({}).optional() }),
    ).toMatchObject({
      success: true,
    });
  });

  it('is not disturbed by messages that are added and deleted between the pages', async () => {
    const ids = await addHistory(7);
    const first = (await list('?limit=3')).body;
    expect(idsOf(first.items)).toEqual(ids.slice(0, 3));
    await app.database.query('delete from "Message_v2" where id = any($1)', [[ids[2], ids[4]]]);
    const late = await addMessage(app, chatId, { createdAt: second(20) });
    const rest = await readAllPages(
      app,
      owner,
      `/api/chats/${chatId}/messages?limit=2&cursor=${first.nextCursor}`,
    );
    expect(rest.map(idsOf)).toEqual([
      [ids[3], ids[5]],
      [ids[6], late],
    ]);
  });

  it('shows an empty page if all messages after the cursor were deleted', async () => {
    const ids = await addHistory(4);
    const { nextCursor } = (await list('?limit=2')).body;
    await app.database.query('delete from "Message_v2" where id = any($1)', [ids.slice(2)]);
    expect((await list(`?limit=2&cursor=${nextCursor}`)).body).toEqual({ items: [], nextCursor: null });
  });

  it('shows a public chat to any signed-in user, page by page', async () => {
    const open = await addChat(app, owner, { visibility: 'public' });
    const ids = await addHistory(5, { chatId: open });
    for (const user of [stranger, admin]) {
      const pages = await readAllPages(app, user, `/api/chats/${open}/messages?limit=2`);
      expect(pages.map(idsOf)).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    }
    const { body } = await list('', owner, open);
    const noFigures = { inputTokens: null, outputTokens: null, cost: null };
    expect((await list('', stranger, open)).body).toEqual({
      ...body,
      items: body.items.map((item: object) => ({ ...item, ...noFigures })),
    });
    const empty = await addChat(app, owner, { visibility: 'public' });
    expect((await list('', stranger, empty)).body).toEqual({ items: [], nextCursor: null });
  });

  it('does not reveal a private chat, not even to an administrator', async () => {
    await addHistory(1);
    for (const user of [stranger, admin]) expectProblem(await list('', user), 404, 'not_found');
    expectProblem(await list('', owner, randomUUID()), 404, 'not_found');
  });

  it.each([
    ['?limit=1000', 'limit'],
    ['?cursor=x', 'cursor'],
    ['?role=user', 'role'],
  ])('refuses %s', async (query, path) => {
    const response = await list(query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });
});

describe('DELETE /api/chats/:id/messages?from=', () => {
  const deleteFrom = (from: string, user = owner, id = chatId) =>
    app.request('DELETE', `/api/chats/${id}/messages?from=${from}`, { user });
  const stored = async (id = chatId) => {
    const rows = await app.database.query(
      'select id from "Message_v2" where "chatId" = $1 order by "createdAt", id',
      [id],
    );
    return idsOf(rows);
  };

  it('deletes that message and all later ones, with their votes', async () => {
    const ids = await addHistory(5);
    await app.request('PUT', `/api/chats/${chatId}/messages/${ids[3]}/vote`, {
      user: owner,
      body: { isUpvoted: true },
    });
    const response = await deleteFrom(ids[2]!);
    expect([response.status, response.body]).toEqual([200, { deleted: 3 }]);
    expect(await stored()).toEqual(ids.slice(0, 2));
    expect(await app.database.query('select from "Vote_v2" where "chatId" = $1', [chatId])).toHaveLength(0);
    expectProblem(await deleteFrom(ids[2]!), 404, 'not_found');
    expect((await deleteFrom(ids[0]!)).body).toEqual({ deleted: 2 });
  });

  it('uses the order of ids among messages of one millisecond, as the list does', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(await addMessage(app, chatId, { createdAt: second(1) }));
    ids.sort();
    expect((await deleteFrom(ids[4]!)).body).toEqual({ deleted: 2 });
    expect(await stored()).toEqual(ids.slice(0, 4));
  });

  it('does not change other chats and the totals of this one', async () => {
    const spent = await addChat(app, owner, { totalInputTokens: 9, totalCost: '0.5' });
    const other = await addChat(app, owner);
    const [first] = await addHistory(2, { chatId: spent });
    await addHistory(2, { chatId: other });
    expectProblem(await deleteFrom(first!, owner, other), 404, 'not_found');
    expect((await deleteFrom(first!, owner, spent)).body).toEqual({ deleted: 2 });
    expect(await stored(other)).toHaveLength(2);
    expect((await app.request('GET', `/api/chats/${spent}`, { user: owner })).body).toMatchObject({
      totalInputTokens: 9,
      totalCost: 0.5,
    });
  });

  it('does not wait for an answer: it refuses while one is being generated', async () => {
    const ids = await addHistory(2);
    await addStream(app, chatId);
    expectProblem(await deleteFrom(ids[0]!), 409, 'stream_in_progress');
    expect(await stored()).toEqual(ids);
    await app.database.query('delete from "Stream" where "chatId" = $1', [chatId]);
    expect((await deleteFrom(ids[0]!)).body).toEqual({ deleted: 2 });
  });

  it('notices an answer that starts at the same moment', async () => {
    const ids = await addHistory(2);
    const turn = new pg.Client({ connectionString: app.database.url });
    await turn.connect();
    try {
      await turn.query('begin');
      await turn.query('insert into "Stream" (id, "chatId") values ($1, $2)', [randomUUID(), chatId]);
      const pending = deleteFrom(ids[0]!);
      await eventually(async () => (await waitingForLocks(app.database)) > 0);
      await turn.query('commit');
      expectProblem(await pending, 409, 'stream_in_progress');
    } finally {
      await turn.end();
    }
    expect(await stored()).toEqual(ids);
  });

  it('is only for the owner, even of a public chat', async () => {
    const open = await addChat(app, owner, { visibility: 'public' });
    const [first] = await addHistory(1, { chatId: open });
    for (const user of [stranger, admin])
      expectProblem(await deleteFrom(first!, user, open), 404, 'not_found');
    expect(await stored(open)).toEqual([first]);
  });

  it.each([
    ['', 'from'],
    ['?from=', 'from'],
    [`?from=${'x'.repeat(129)}`, 'from'],
    ['?from=a&from=b', 'from'],
    ['?from=a%00', 'query.from'],
    ['?from=a&to=b', 'to'],
  ])('refuses %j', async (query, path) => {
    const response = await app.request('DELETE', `/api/chats/${chatId}/messages${query}`, { user: owner });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });
});
