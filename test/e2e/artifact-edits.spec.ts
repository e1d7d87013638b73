import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { TestUser } from '../support/app.js';
import { type Answer, type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { answers as streams, dataOf, failureOf } from '../support/drawing.js';

const PROVIDERS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];
const TIDES = '# Tides\n\nThe moon pulls, the sea follows.\n';

interface Edit {
  oldText: string;
  newText: string;
}

describe('the artifact agent that edits', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(() => app.double.reset());
  afterAll(() => app.close());

  const writes = ({ instructions }: RecordedRequest) => instructions.includes('You change a document');
  const answers = (request: RecordedRequest) => streams(request) && !writes(request);
  const request = (method: string, path: string, body?: object) => app.request(method, path, { user, body });

  /** The agent changes a document and ends with `Done.`. A call that rewrites needs a programmed answer. */
  function script(id: string, edits: Edit[] | undefined, rewritten?: string): void {
    const input = { id, description: 'The sun as well', ...(edits && { edits }) };
    app.double.enqueue(
      { toolCalls: [{ id: randomUUID(), name: 'updateDocument', input }] },
      { when: answers },
    );
    if (rewritten !== undefined) app.double.enqueue({ text: [rewritten] }, { when: writes });
    app.double.enqueue({ text: ['Done.'] }, { when: answers });
  }

  const say = (documentId: string, chatId: string = randomUUID(), model?: string): Promise<Answer> =>
    app.say(user, chatId, 'The sun as well', { body: { agent: 'artifact', documentId, model } });

  const create = async (kind: string, content: string): Promise<string> =>
    (await request('POST', '/api/documents', { title: 'Tides', kind, content })).body.id;

  const versionsOf = async (id: string): Promise<string[]> =>
    (await request('GET', `/api/documents/${id}/versions?content=true`)).body.items.map(
      ({ content }: { content: string }) => content,
    );

  const toldOf = ({ chunks }: Answer) =>
    chunks
      .filter(({ type }) => /^data-(?!agent|chat-title|context)/.test(type))
      .map(({ type, data }) => [type, data] as unknown);

  const resultOf = ({ chunks }: Answer) =>
    chunks.find(({ type }) => type === 'tool-output-available')?.output;

  it.each(PROVIDERS)('makes them without another call, as a version: %s', async (model) => {
    const id = await create('text', TIDES);
    const chatId = randomUUID();
    const edits = [
      { oldText: 'The moon pulls', newText: 'Moon and sun pull' },
      { oldText: 'Moon and sun', newText: 'The moon and the sun' },
    ];
    script(id, edits);
    const answer = await say(id, chatId, model);
    const after = '# Tides\n\nThe moon and the sun pull, the sea follows.\n';
    expect([answer.status, answer.text, answer.done]).toEqual([200, 'Done.', true]);
    expect(toldOf(answer)).toEqual([
      ['data-kind', 'text'],
      ['data-id', id],
      ['data-title', 'Tides'],
      ['data-clear', null],
      ['data-textDelta', after],
      ['data-finish', null],
    ]);
    expect(await versionsOf(id)).toEqual([TIDES, after]);
    const { body: latest } = await request('GET', `/api/documents/${id}`);
    expect(resultOf(answer)).toEqual({
      id,
      title: 'Tides',
      kind: 'text',
      version: latest.createdAt,
      changedBy: 'edits',
      content: expect.stringContaining('edits were made'),
    });
    expect(app.double.requests.filter(writes)).toEqual([]);
    const calls = await app.database.query(
      `select 1 from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [chatId],
    );
    expect(calls).toHaveLength(2);
  });

  it.each([
    [
      'code',
      'const a = 1;\n',
      { oldText: '1', newText: '"$& $1 $`"' },
      'const a = "$& $1 $`";\n',
      'codeDelta',
    ],
    ['code', '```\nfenced\n```', { oldText: 'fenced', newText: 'kept' }, '```\nkept\n```', 'codeDelta'],
    ['sheet', 'tea,2\n', { oldText: 'tea', newText: '"tea, 茶"' }, '"tea, 茶",2\n', 'sheetDelta'],
    ['text', 'the 👩‍🚀 e\u0301', { oldText: '👩‍🚀', newText: '👩🏽‍🔬 שלום' }, 'the 👩🏽‍🔬 שלום e\u0301', 'textDelta'],
  ])('takes them literally, in documents of the kind %s', async (kind, before, edit, after, chunk) => {
    const id = await create(kind, before);
    script(id, [edit]);
    const answer = await say(id);
    expect(dataOf(answer, `data-${chunk}`)).toEqual([after]);
    expect(await versionsOf(id)).toEqual([before, after]);
  });

  it.each([
    ['text', TIDES, { oldText: 's', newText: 'a' }, 'Rewritten.', /oldText of edit 1 occurs more than once/],
    ['text', TIDES, { oldText: 'The Moon', newText: 'a' }, 'Rewritten.', /oldText of edit 1 does not occur/],
    ['text', 'a 🌱', { oldText: '🌱', newText: '\ud83c' }, 'Rewritten.', /an unpaired surrogate/],
    ['sheet', 'tea,2\n', { oldText: 'tea', newText: 'a "tea"' }, 'coffee,3\n', /not valid CSV/],
  ])('rewrites a %s if they do not match, and says so', async (kind, before, edit, rewritten, reason) => {
    const id = await create(kind, before);
    script(id, [edit], rewritten);
    const answer = await say(id);
    expect(answer.text).toBe('Done.');
    expect(resultOf(answer)).toMatchObject({
      changedBy: 'rewriting',
      content: expect.stringMatching(reason),
    });
    expect(await versionsOf(id)).toEqual([before, rewritten]);
    const [rewriting, ...others] = app.double.requests.filter(writes);
    expect([rewriting?.userText, others]).toEqual(['The sun as well', []]);
  });

  it('makes all of them or none', async () => {
    const id = await create('text', TIDES);
    const edits = [
      { oldText: 'The moon', newText: 'The sun' },
      { oldText: 'The moon', newText: 'The stars' },
    ];
    script(id, edits, 'Rewritten.');
    expect(resultOf(await say(id)).content).toMatch(/oldText of edit 2 does not occur/);
    expect(await versionsOf(id)).toEqual([TIDES, 'Rewritten.']);
    expect(app.double.requests.find(writes)?.instructions).toContain(TIDES);
  });

  it('rewrites from the description alone, and says so', async () => {
    const id = await create('text', TIDES);
    script(id, undefined, 'Rewritten.');
    expect(resultOf(await say(id))).toMatchObject({
      changedBy: 'rewriting',
      content: 'The document was rewritten as described and is shown to the user.',
    });
    script(id, [], 'Again.');
    await say(id);
    expect(await versionsOf(id)).toEqual([TIDES, 'Rewritten.', 'Again.']);
  });

  it('edits the current content of the document, not the content that it was shown', async () => {
    const id = await create('text', TIDES);
    app.double.enqueue({ text: ['Wait. '], pauseAfter: 1, ...toolCall(id) }, { when: answers });
    app.double.enqueue({ text: ['Done.'] }, { when: answers });
    const body = { id: randomUUID(), message: userMessage('Sun'), agent: 'artifact', documentId: id };
    const reader = await app.open(user, body);
    await reader.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
    await request('PUT', `/api/documents/${id}`, { content: `${TIDES}Meanwhile.\n` });
    app.double.resume();
    await reader.rest();
    expect(await versionsOf(id)).toEqual([
      TIDES,
      `${TIDES}Meanwhile.\n`,
      `${TIDES.replace('moon', 'sun')}Meanwhile.\n`,
    ]);
  });

  it('loses no concurrent write, and shows nothing that is not stored', async () => {
    const id = await create('text', TIDES);
    const writer = new pg.Client({ connectionString: app.database.url });
    await writer.connect();
    try {
      await writer.query('begin');
      await writer.query('select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 4711))', [id]);
      script(id, [{ oldText: 'moon', newText: 'sun' }]);
      const answered = say(id);
      await eventually(async () => {
        const waiting = await app.database.query(
          `select 1 from pg_locks where locktype = 'advisory' and not granted
              and database = (select oid from pg_database where datname = current_database())`,
        );
        return waiting.length > 0;
      });
      await writer.query(
        `insert into "Document" (id, "createdAt", user_id, title, kind, content)
         select id, "createdAt" + interval '1 second', user_id, title, kind, 'Meanwhile.' from "Document" where id = $1`,
        [id],
      );
      await writer.query('commit');
      const answer = await answered;
      expect(failureOf(answer)).toMatch(/^The latest version is now /);
      expect([answer.text, toldOf(answer)]).toEqual(['Done.', []]);
    } finally {
      await writer.end();
    }
    expect(await versionsOf(id)).toEqual([TIDES, 'Meanwhile.']);
  });

  it('loses no write that is made while it rewrites', async () => {
    const id = await create('text', TIDES);
    app.double.enqueue(toolCall(id, 'stars'), { when: answers });
    app.double.enqueue({ text: ['Half ', 'and half'], pauseAfter: 1 }, { when: writes });
    app.double.enqueue({ text: ['Done.'] }, { when: answers });
    const body = { id: randomUUID(), message: userMessage('Sun'), agent: 'artifact', documentId: id };
    const reader = await app.open(user, body);
    await reader.until((chunks) => chunks.some(({ type }) => type === 'data-textDelta'));
    await request('PUT', `/api/documents/${id}`, { content: 'Meanwhile.' });
    app.double.resume();
    expect(failureOf(await reader.rest())).toMatch(/^The latest version is now /);
    expect(await versionsOf(id)).toEqual([TIDES, 'Meanwhile.']);
  });

  it('keeps the last version if it is stopped during the call with the edits', async () => {
    const id = await create('text', TIDES);
    const chatId = randomUUID();
    app.double.enqueue({ text: ['Wait. '], pauseAfter: 1, ...toolCall(id) }, { when: answers });
    const body = { id: chatId, message: userMessage('Sun'), agent: 'artifact', documentId: id };
    const reader = await app.open(user, body);
    await reader.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
    expect((await request('POST', `/api/chat/${chatId}/stop`)).body).toEqual({ stopped: true });
    app.double.resume();
    await reader.rest();
    const { body: messages } = await request('GET', `/api/chats/${chatId}/messages`);
    expect(messages.items[1].status).toBe('stopped');
    expect(await versionsOf(id)).toEqual([TIDES]);
  });

  it.each([
    ['stopped', { pauseAfter: 1 }],
    ['cut off', { fault: { type: 'reset-after', chunks: 1 } }],
  ] as const)('keeps the last version if the rewrite is %s', async (how, trouble) => {
    const id = await create('text', TIDES);
    const chatId = randomUUID();
    app.double.enqueue(toolCall(id, 'stars'), { when: answers });
    app.double.enqueue({ text: ['Half ', 'and half'], ...trouble }, { when: writes });
    app.double.enqueue({ text: ['Sorry.'] }, { when: answers });
    const body = { id: chatId, message: userMessage('Sun'), agent: 'artifact', documentId: id };
    const reader = await app.open(user, body);
    await reader.until((chunks) => chunks.some(({ type }) => type === 'data-textDelta'));
    if (how === 'stopped') await request('POST', `/api/chat/${chatId}/stop`);
    await reader.rest();
    expect(await versionsOf(id)).toEqual([TIDES]);
    const { body: messages } = await request('GET', `/api/chats/${chatId}/messages`);
    const draft = messages.items[1].parts.find(({ type }: { type: string }) => type === 'data-draft');
    expect(draft.data).toMatchObject({ id, content: 'Half ' });
  });

  it('tells the model that edits are too large, and changes nothing', async () => {
    const id = await create('text', TIDES);
    script(
      id,
      Array.from({ length: 21 }, (_, n) => ({ oldText: `${n}`, newText: '' })),
    );
    expect((await say(id)).text).toBe('Done.');
    expect(await versionsOf(id)).toEqual([TIDES]);
    const [, second] = app.double.requests.filter(answers);
    expect(JSON.stringify(second?.body)).toMatch(/edits/);
  });

  it('says so if it is not shown the whole document', async () => {
    const long = `${'x'.repeat(59_999)}🌱 the end`;
    const id = await create('text', long);
    script(id, [{ oldText: 'the end', newText: 'no end' }]);
    await say(id);
    const [asked] = app.double.requests.filter(answers);
    expect(asked?.instructions).toContain('these are its first 60000 characters');
    expect(asked?.instructions).not.toContain('the end');
    expect(asked?.instructions.isWellFormed()).toBe(true);
    expect((await versionsOf(id))[1]).toBe(`${'x'.repeat(59_999)}🌱 no end`);
  });

  const toolCall = (id: string, oldText = 'moon') => {
    const input = { id, description: 'The sun as well', edits: [{ oldText, newText: 'sun' }] };
    return { toolCalls: [{ id: randomUUID(), name: 'updateDocument', input }] };
  };
});
