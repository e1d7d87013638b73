import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  insertChat,
  insertDocument,
  insertMessage,
  insertRateLimit,
  insertRepository,
  insertSuggestion,
  insertUsageLog,
  insertVote,
} from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { expectProblem } from '../support/expectations.js';
import { sentStatements } from '../support/statements.js';

const ODD = 'Gärten "A/B" \\ \u2028 שלום 👩‍🚀 e\u0301';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  owner = await app.createUser({ settings: { theme: 'dark', motto: ODD } });
  stranger = await app.createUser();
});
afterAll(() => app?.close());

const exportOf = (user: TestUser, query = '') => app.request('GET', `/api/me/export${query}`, { user });
const get = async (path: string, user = owner) => (await app.request('GET', path, { user })).body;
const at = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();

/** One item of every kind. */
async function furnish(user: TestUser, word: string): Promise<void> {
  const { database } = app;
  const chats = [];
  for (let n = 0; n < 3; n++) {
    const chatId = await insertChat(database, user.id, { title: `${word} ${n} ${ODD}`, createdAt: at(n) });
    chats.unshift(chatId);
    // The one in the middle is empty.
    for (let m = 0; m < (n === 1 ? 0 : 5); m++) {
      const parts = [{ type: 'text', text: `${word} ${m} ${ODD}` }];
      const messageId = await insertMessage(database, chatId, { parts, createdAt: at(Math.floor(m / 2)) });
      if (m % 2 === 0) await insertVote(database, chatId, messageId, { isUpvoted: m > 0 });
    }
    await insertUsageLog(database, user.id, { chat_id: chatId, total_cost: '0.000001', metadata: { word } });
  }
  for (const kind of ['text', 'image']) {
    const id = await insertDocument(database, user.id, { title: word, kind, content: ODD, createdAt: at(1) });
    await insertSuggestion(database, user.id, id, { documentCreatedAt: at(1), description: word });
    await insertSuggestion(database, user.id, id, { documentCreatedAt: at(1), isResolved: true });
    await insertDocument(database, user.id, { id, title: word, kind, content: null, createdAt: at(2) });
  }
  await database.query(
    `insert into switchboard.usage_archive
       (user_id, bucket, agent_type, provider, model_used, status, calls, input_tokens, output_tokens, total_tokens,
        input_cost, output_cost, total_cost)
     values ($1, $2, 'chat', 'google', $3, 'success', 2, 10, 20, 30, 0.1, 0.2, 0.300001),
            ($1, $2, 'chat', 'google', $3, 'error', 1, 0, 0, 0, 0, 0, 0)`,
    [user.id, at(0), word],
  );
  await insertRateLimit(database, user.id);
  await insertRateLimit(database, user.id, { limit_type: 'daily', request_count: 7 });
  await insertRepository(database, user.id, { repo_name: word });
  await insertRepository(database, user.id, { is_active: false });
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- lines of any type
const linesOf = (text: string): any[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

/** A chat with many messages. `text` is SQL for the content of message `n`. */
async function addMessages(chatId: string, count: number, text: string): Promise<void> {
  await app.database.query(
    `insert into "Message_v2" (id, "chatId", role, parts, "createdAt")
     select gen_random_uuid(), $1, 'user', json_build_array(json_build_object('type', 'text', 'text', ${text})),
            '2026-01-01T00:00:00Z'::timestamptz + n / 3 * interval '1 second'
       from generate_series(1, $2::int) n`,
    [chatId, count],
  );
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of memory in use. */
function inUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A response with a body that is only read on demand. */
async function openExport(user: TestUser, query = ''): Promise<IncomingMessage> {
  const request = httpRequest(`${app.url}/api/me/export${query}`, { headers: user.headers, agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

describe('GET /api/me/export', () => {
  it('has all data of the user, as the other routes show it, and nothing of others', async () => {
    await furnish(owner, 'mine');
    await furnish(stranger, 'theirs');
    await app.database.query(`update chat set visibility = 'public' where user_id = $1`, [stranger.id]);
    const response = await exportOf(owner);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('content-disposition')).toMatch(
      /^attachment; filename="switchboard-\d{4}-\d\d-\d\d\.json"/,
    );
    expect(response.text).not.toContain('theirs');
    expect(response.text).not.toContain(stranger.id);

    const { body } = response;
    expect(Object.keys(body)).toEqual([
      'exportedAt',
      'user',
      'chats',
      'documents',
      'usage',
      'purgedUsage',
      'rateLimits',
      'repositories',
      'files',
    ]);
    expect(body.user).toEqual({ ...(await get('/api/me')), createdAt: expect.stringMatching(/^20.*Z$/) });
    const chats = (await get('/api/chats')).items as Array<{ id: string }>;
    expect(body.chats).toEqual(
      await Promise.all(
        chats.map(async (chat) => ({
          ...chat,
          messages: (await get(`/api/chats/${chat.id}/messages`)).items,
          votes: (await get(`/api/chats/${chat.id}/votes`)).items,
        })),
      ),
    );
    expect(body.chats.map(({ messages }: { messages: unknown[] }) => messages.length)).toEqual([5, 0, 5]);
    expect(body.chats.map(({ votes }: { votes: unknown[] }) => votes.length)).toEqual([3, 0, 3]);

    expect(body.documents).toHaveLength(4);
    for (const { suggestions, ...version } of body.documents) {
      const { id, createdAt } = version;
      expect(version).toEqual(await get(`/api/documents/${id}?version=${createdAt}`));
      expect(suggestions).toEqual((await get(`/api/documents/${id}/suggestions?version=${createdAt}`)).items);
      expect(suggestions).toHaveLength(createdAt === at(1) ? 2 : 0);
    }
    expect(body.usage).toHaveLength(3);
    expect(body.usage[0]).toMatchObject({
      userId: owner.id,
      chatId: body.chats.at(-1).id,
      modelUsed: 'gemini-2.5-flash',
      totalCost: 0.000001,
      responseTimestamp: null,
      metadata: { word: 'mine' },
    });
    expect(body.purgedUsage).toMatchObject([
      { quarterStart: at(0), modelUsed: 'mine', status: 'error', calls: 1, totalCost: 0 },
      { quarterStart: at(0), status: 'success', calls: 2, totalTokens: 30, totalCost: 0.300001 },
    ]);
    expect(body.rateLimits).toMatchObject([
      { limitType: expect.any(String), limitValue: 200, periodStart: '2026-01-01T10:00:00.000Z' },
      { limitType: expect.any(String) },
    ]);
    expect(body.repositories).toEqual((await get('/api/github/repositories')).items);
    expect(body.repositories).toHaveLength(2);
    expect(body.files).toEqual([]);
  });

  it('has the same data line by line', async () => {
    await furnish(owner, 'mine');
    const { body } = await exportOf(owner, '?format=json');
    const response = await exportOf(owner, '?format=ndjson');
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(response.headers.get('content-disposition')).toMatch(/filename="switchboard-[\d-]+\.ndjson"/);
    const lines = linesOf(response.text);
    const { exportedAt } = lines[0].data;
    const expected = [
      { type: 'export', data: { exportedAt } },
      { type: 'user', data: body.user },
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as the document has it
      ...body.chats.flatMap(({ messages, votes, ...chat }: any) => [
        { type: 'chat', data: chat },
        ...messages.map((data: unknown) => ({ type: 'message', data })),
        ...votes.map((data: unknown) => ({ type: 'vote', data })),
      ]),
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as the document has it
      ...body.documents.flatMap(({ suggestions, ...document }: any) => [
        { type: 'document', data: document },
        ...suggestions.map((data: unknown) => ({ type: 'suggestion', data })),
      ]),
      ...body.usage.map((data: unknown) => ({ type: 'usage', data })),
      ...body.purgedUsage.map((data: unknown) => ({ type: 'purgedUsage', data })),
      ...body.rateLimits.map((data: unknown) => ({ type: 'rateLimit', data })),
      ...body.repositories.map((data: unknown) => ({ type: 'repository', data })),
      { type: 'end', data: { exportedAt } },
    ];
    expect(lines).toEqual(expected);
  });

  it('is also complete for a user without data', async () => {
    expect((await exportOf(stranger)).body).toMatchObject({
      user: { id: stranger.id },
      chats: [],
      documents: [],
      usage: [],
      purgedUsage: [],
      rateLimits: [],
      repositories: [],
      files: [],
    });
  });

  it("only has the administrator's own data", async () => {
    const admin = await app.createUser({ role: 'admin' });
    await furnish(admin, 'mine');
    await furnish(stranger, 'theirs');
    const { body, text } = await exportOf(admin);
    expect(text).not.toContain('theirs');
    expect([body.chats.length, body.documents.length, body.usage.length]).toEqual([3, 4, 3]);
    expect(body.user.role).toBe('admin');
  });

  it('has data that is hard to read: unpaired surrogates, NUL and any other JSON', async () => {
    const chatId = await insertChat(app.database, owner.id);
    await app.database.query(
      `insert into "Message_v2" (id, "chatId", role, parts) values (gen_random_uuid(), $1, 'user', $2)`,
      [chatId, String.raw`[{"type":"text","text":"half \ud83d and \u0000 and 🌱"}]`],
    );
    for (const query of ['?format=json', '?format=ndjson']) {
      const { text } = await exportOf(owner, query);
      expect(text).toContain(String.raw`half \ud83d and \u0000 and 🌱`);
      expect(text).not.toContain('\ufffd');
    }
  });

  it('continues over all pages, in order and without repeats', async () => {
    const { database } = app;
    const chats = [];
    for (let n = 0; n < 23; n++) {
      const chatId = await insertChat(database, owner.id, { title: `Chat ${n}`, createdAt: at(n) });
      chats.unshift(chatId);
      await addMessages(chatId, n % 5 === 0 ? 230 : n % 3, `'${n}/' || n`);
    }
    await database.query(
      `insert into "Vote_v2" ("chatId", "messageId", "isUpvoted")
       select "chatId", id, true from "Message_v2" where "chatId" = any($1)`,
      [chats],
    );
    const documentId = await insertDocument(database, owner.id, { createdAt: at(0) });
    await database.query(
      `insert into "Document" (id, "createdAt", user_id, title, content)
       select $1, '2026-01-02T00:00:00Z'::timestamptz + n * interval '1 second', $2, 'Many', 'version ' || n
         from generate_series(1, 210) n`,
      [documentId, owner.id],
    );
    await database.query(
      `insert into "Suggestion" (id, "documentId", "documentCreatedAt", user_id, "originalText", "suggestedText", "createdAt")
       select gen_random_uuid(), $1, $2, $3, 'a', 'b', '2026-01-02T00:00:00Z'::timestamptz + n / 2 * interval '1 second'
         from generate_series(1, 450) n`,
      [documentId, at(0), owner.id],
    );
    await database.query(
      `insert into usage_logs (user_id, agent_type, model_used, provider, request_timestamp)
       select $1, 'chat', 'm', 'p', '2026-01-01T00:00:00Z'::timestamptz + n / 7 * interval '1 second'
         from generate_series(1, 2300) n`,
      [owner.id],
    );
    for (let n = 0; n < 105; n++) await insertRepository(database, owner.id);

    const { body } = await exportOf(owner);
    expect(body.chats.map(({ id }: { id: string }) => id)).toEqual(chats);
    for (const chat of body.chats) {
      const rows = await database.query(
        `select id from "Message_v2" where "chatId" = $1 order by "createdAt", id`,
        [chat.id],
      );
      const ids = rows.map(({ id }) => id as string);
      expect(chat.messages.map(({ id }: { id: string }) => id)).toEqual(ids);
      expect(chat.votes.map(({ messageId }: { messageId: string }) => messageId)).toEqual(ids);
    }
    expect(body.documents.map(({ createdAt }: { createdAt: string }) => createdAt)).toEqual(
      [...body.documents.map(({ createdAt }: { createdAt: string }) => createdAt)].toSorted(),
    );
    expect(body.documents).toHaveLength(211);
    const [{ suggestions }] = body.documents;
    expect(suggestions).toHaveLength(450);
    for (const list of [suggestions, body.usage, body.repositories, body.documents.slice(1)]) {
      const keys = list.map(({ id, createdAt }: { id: string; createdAt?: string }) => `${id} ${createdAt}`);
      expect(new Set(keys).size).toBe(keys.length);
    }
    expect([body.usage.length, body.repositories.length]).toEqual([2_300, 105]);
  });

  it('needs few reads for many chats', async () => {
    await app.database.query(
      `insert into chat (id, user_id, title) select gen_random_uuid(), $1, 'A chat' from generate_series(1, 60)`,
      [owner.id],
    );
    await app.database.query(
      `insert into "Message_v2" (id, "chatId", role, parts) select gen_random_uuid(), id, 'user', '[]' from chat where user_id = $1`,
      [owner.id],
    );
    const { verbs } = await sentStatements(() => exportOf(owner));
    const readings = verbs.filter((verb) => verb === 'begin').length;
    // For each 20 chats: one read for themselves, two for their messages and one for their votes. A few more for
    // everything else.
    expect(readings).toBeLessThanOrEqual(20);
  });

  it('names the files in the user’s folders, if there is storage', async () => {
    await app.database.query(`
      create schema if not exists storage;
      create table if not exists storage.objects (
        id uuid primary key default gen_random_uuid(), bucket_id text, name text, metadata jsonb,
        created_at timestamptz default now(), updated_at timestamptz default now(), unique (bucket_id, name))`);
    try {
      const metadata = JSON.stringify({ size: 12, mimetype: 'text/plain' });
      await app.database.query(
        `insert into storage.objects (bucket_id, name, metadata)
         select bucket, name, $2 from unnest($1::text[]) name, unnest(array['files', 'more']) bucket`,
        [
          [`${owner.id}/${ODD}`, `${owner.id}/deep/er.txt`, `${stranger.id}/theirs`, `x${owner.id}/no`],
          metadata,
        ],
      );
      await app.database.query(
        `insert into storage.objects (bucket_id, name, metadata) values
           ('embedded', $1 || '/text', to_jsonb($2::text)), ('embedded', $1 || '/wrong', '"no JSON"')`,
        [owner.id, metadata],
      );
      await app.database.query(
        `insert into storage.objects (bucket_id, name) select 'many', $1 || '/' || n from generate_series(1, 600) n`,
        [owner.id],
      );
      const { files } = (await exportOf(owner)).body;
      expect(files).toHaveLength(606);
      const embedded = files.filter(({ bucket }: { bucket: string }) => bucket === 'embedded');
      expect(embedded.map(({ size }: { size: number | null }) => size)).toEqual([12, null]);
      const small = files.filter(({ bucket }: { bucket: string }) => bucket === 'files');
      expect(small).toEqual(
        expect.arrayContaining([
          {
            bucket: 'files',
            path: `${owner.id}/${ODD}`,
            size: 12,
            contentType: 'text/plain',
            createdAt: expect.any(String),
            updatedAt: expect.any(String),
          },
        ]),
      );
      expect(JSON.stringify(files)).not.toContain('theirs');
      expect(files.find(({ bucket }: { bucket: string }) => bucket === 'many')).toMatchObject({ size: null });
    } finally {
      await app.database.query('drop schema storage cascade');
    }
  });

  it('uses a constant amount of memory, and reads no further than the client', async () => {
    const chatId = await insertChat(app.database, owner.id);
    // 100 MB without compression, which would take longer than the test.
    await app.database.query('alter table "Message_v2" alter parts set storage external');
    await addMessages(chatId, 2_000, `n || '${randomBytes(25_000).toString('hex')}'`);
    const response = await openExport(owner, '?format=ndjson');
    const { verbs } = await sentStatements(async () => {
      // Nobody reads, so it stops.
      for (let before = -1; before !== response.socket.bytesRead; await sleep(200)) {
        before = response.socket.bytesRead;
      }
    });
    // Each read has four.
    expect(verbs.length).toBeLessThan(400);
    const before = inUse();
    const used: number[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > (used.length + 1) * 10_000_000) used.push(inUse() - before);
    }
    expect(used.length).toBeGreaterThanOrEqual(5);
    expect(Math.max(...used) / 1024 ** 2).toBeLessThan(60);
  }, 60_000);

  it('ends when the client disconnects', async () => {
    const chatId = await insertChat(app.database, owner.id);
    await addMessages(chatId, 20_000, `repeat('x', 2000)`);
    const { verbs } = await sentStatements(async () => {
      const response = await openExport(owner);
      await once(response, 'readable');
      response.destroy();
    });
    let statements = verbs.length;
    await eventually(async () => {
      const later = await sentStatements(() => sleep(200));
      statements += later.verbs.length;
      return later.verbs.length === 0;
    });
    // 20,000 messages are 200 reads of four statements each.
    expect(statements).toBeLessThan(400);
  }, 30_000);

  it.each(['json', 'ndjson'])(
    'is interrupted and logged when it fails midway (%s)',
    async (format) => {
      const chatId = await insertChat(app.database, owner.id);
      await addMessages(chatId, 3_000, `repeat('x', 5000)`);
      const response = await openExport(owner, `?format=${format}`);
      expect(response.statusCode).toBe(200);
      await once(response, 'readable');
      await app.database.query('alter table usage_logs rename to usage_logs_away');
      let text = '';
      try {
        const read = async () => {
          for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString();
        };
        await expect(read()).rejects.toThrow('aborted');
      } finally {
        await app.database.query('alter table usage_logs_away rename to usage_logs');
      }
      expect(text.length).toBeGreaterThan(10_000_000);
      expect(() => JSON.parse(text) as unknown).toThrow();
      expect(text).not.toContain('"type":"end"');
      expect(app.log()).toContain('A download was interrupted.');
    },
    30_000,
  );

  it('is a problem document when it cannot start', async () => {
    await app.database.query('alter table chat rename to chat_away');
    try {
      expectProblem(await exportOf(owner), 500, 'internal');
    } finally {
      await app.database.query('alter table chat_away rename to chat');
    }
  });

  it('is refused for deactivated users, and interrupted if the user is deactivated meanwhile', async () => {
    const inactive = await app.createUser({ isActive: false });
    expectProblem(await exportOf(inactive), 403, 'user_inactive');

    const chatId = await insertChat(app.database, owner.id);
    await addMessages(chatId, 3_000, `repeat('x', 5000)`);
    const response = await openExport(owner);
    await once(response, 'readable');
    await app.database.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"isActive": false}' where id = $1`,
      [owner.id],
    );
    await eventually(async () => (await app.request('GET', '/api/me', { user: owner })).status === 403);
    const read = async () => {
      for await (const chunk of response as AsyncIterable<Buffer>) void chunk;
    };
    await expect(read()).rejects.toThrow('aborted');
  }, 30_000);

  it.each([
    ['?format=csv', 'format'],
    ['?format=', 'format'],
    ['?userId=1', 'userId'],
  ])('refuses %s', async (query, path) => {
    const response = await exportOf(owner, query);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe(path);
  });

  it('requires a token', async () => {
    expectProblem(await app.request('GET', '/api/me/export'), 401, 'unauthenticated');
  });
});
