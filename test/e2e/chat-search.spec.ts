import { DataSource } from 'typeorm';
import { SearchIndexer } from '../../src/modules/chat/search/search-indexer.js';
import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { readAllPages } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  admin = await app.createUser({ role: 'admin' });
});
beforeEach(async () => {
  owner = await app.createUser();
  stranger = await app.createUser();
});
afterAll(() => app?.close());

async function search(q: string, user = owner): Promise<string[]> {
  const { status, body } = await app.request('GET', `/api/chats?q=${encodeURIComponent(q)}`, { user });
  expect({ q, status }).toEqual({ q, status: 200 });
  return body.items.map(({ title }: { title: string }) => title);
}

async function withMessage(title: string, parts: unknown): Promise<string> {
  const chatId = await addChat(app, owner, { title });
  await addMessage(app, chatId, { parts });
  return chatId;
}

/** Indexes everything of a user that can be indexed, however little it is. */
async function indexWhatIsFree(user: TestUser): Promise<void> {
  await app.database.query(
    'insert into switchboard.search_due (user_id) values ($1) on conflict (user_id) do nothing',
    [user.id],
  );
  await app.app.get(SearchIndexer).index(user.id, { count: 1, bytes: Infinity });
}

async function index(user: TestUser): Promise<void> {
  await indexWhatIsFree(user);
  // The server's own run may have been at it.
  for (let again = 0; again < 5 && (await countPending(user)) > 0; again++) await indexWhatIsFree(user);
  expect(await countPending(user)).toBe(0);
}

async function countPending(user: TestUser): Promise<number> {
  const rows = await app.database.query(
    'select count(*)::int as count from switchboard.search_pending where user_id = $1',
    [user.id],
  );
  return rows[0].count as number;
}

const STATES: Array<[name: string, settle: () => Promise<void>]> = [
  ['messages that are new', () => Promise.resolve()],
  ['messages in the index', () => index(owner)],
  [
    'messages of before the index',
    async () => {
      await app.database.query('delete from switchboard.search_pending where user_id = $1', [owner.id]);
      await app.database.query(
        `insert into switchboard.search_due (user_id, is_whole) values ($1, true)
         on conflict (user_id) do update set is_whole = true`,
        [owner.id],
      );
    },
  ],
];

describe.each(STATES)('GET /api/chats?q= in %s', (_name, settle) => {
  it('finds titles and message text case-insensitively, but not those of other users', async () => {
    await addChat(app, owner, { title: 'Growing TOMATOES', createdAt: '2026-01-02T00:00:00.000Z' });
    await withMessage('by message', [text('nothing'), text('Water the Tomatoes daily')]);
    await addChat(app, owner, { title: 'other' });
    await addChat(app, stranger, { title: 'tomatoes of a stranger', visibility: 'public' });
    await settle();
    await index(stranger);
    expect((await search(' tomatoes ')).toSorted()).toEqual(['Growing TOMATOES', 'by message']);
    expect(await search('tomatoes', admin)).toEqual([]);
    expect(await search('tomatoes', stranger)).toEqual(['tomatoes of a stranger']);
  });

  it('lists a chat once, even with several matches, and pages its results', async () => {
    const id = await addChat(app, owner, { title: 'needle 0', createdAt: '2026-01-01T00:00:00.000Z' });
    for (let n = 0; n < 3; n++) await addMessage(app, id, { parts: [text('needle'), text('needle')] });
    await addChat(app, owner, { title: 'needle 1', createdAt: '2026-01-02T00:00:00.000Z' });
    await addChat(app, owner, { title: 'needle 2', visibility: 'public' });
    await settle();
    const pages = await readAllPages(app, owner, '/api/chats?q=needle&limit=1');
    expect(pages.map((page) => page.map(({ title }) => title))).toEqual([
      ['needle 2'],
      ['needle 1'],
      ['needle 0'],
    ]);
    const { body } = await app.request('GET', '/api/chats?q=needle&visibility=public', { user: owner });
    expect(body.items.map(({ title }: { title: string }) => title)).toEqual(['needle 2']);
  });

  it.each([
    ['%', '100% sure', 'sure'],
    ['_', 'snake_case', 'snake case'],
    ['\\', 'back\\slash', 'nslash'],
    ['"', 'she said "yes"', 'she said yes'],
    ["'", "it's", 'its'],
    ["' or 1=1 --", "x' or 1=1 -- y", 'x or 1=1'],
    ["'); drop table chat; --", "'); drop table chat; --", 'drop'],
    ['a', 'cat', 'dog'],
    ['q-', 'faq-page', 'faq page'],
    ['🌱', 'a 🌱 grows', 'a 🌲 grows'],
    ['❤', 'a ❤️ beats', 'a 💔 beats'],
    ['👩‍🚀', 'an 👩‍🚀 flies', 'an 👩 🚀 flies'],
    ['שלום', 'אמר שלום לכולם', 'אמר'],
    ['שלום', 'אמר שָׁלוֹם לכולם', 'אמר'],
    ['محمد', 'قال مُحَمَّد نعم', 'قال احمد نعم'],
    ['أحمد', 'قال احمد نعم', 'قال محمد نعم'],
    ['你好', '你好，世界', '世界'],
    ['界', '你好，世界', '世人'],
    ['カタカナ', 'これはｶﾀｶﾅです', 'これはひらがなです'],
    ['が', 'これが本です'.normalize('NFD'), 'これか本です'],
    ['한국어', '저는 한국어를 배워요'.normalize('NFD'), '저는 한글을 배워요'],
    ['글', '저는 한글을 배워요', '저는 그림을 배워요'],
    ['zürich'.normalize('NFC'), 'In ZÜRICH'.normalize('NFD'), 'in Zuerich'],
    ['zürich'.normalize('NFD'), 'In Zürich'.normalize('NFC'), 'in Zuerich'],
    ['zurich', 'In Zürich', 'in Zorich'],
    ['Zürich', 'in zurich', 'in Zorich'],
    ['GRÜSSE', 'liebe grüsse', 'liebe gruesse'],
    ['straße', 'STRASSE', 'strase'],
    ['STRASSE', 'die Straße', 'die Strafe'],
    ['STRAẞE', 'die strasse', 'die Strafe'],
    ['stras', 'die Straße', 'die Strafe'],
    ['se', 'die Straße', 'die Bahn'],
    ['ISTANBUL', 'İstanbul ve ıstanbul', 'Stanbul'],
    ['ıstanbul', 'ISTANBUL', 'Stanbul'],
    ['smorrebrod', 'Smørrebrød', 'Smørebrod'],
    ['LODZ', 'Łódź', 'Ladz'],
    ['œuvre', 'chef-d’oeuvre', 'ouvre'],
    ['ΟΔΟΣ', 'η οδός', 'η οδηγός'],
    ['office', 'the oﬃce', 'the offside'],
    ['ABC 12', 'ＡＢＣ １２', 'abd 12'],
    ['ПРИВЕТ', 'привет мир', 'правда'],
    ['ПРИВЕТ', 'привёт мир', 'правда'],
    ['tiếng việt', 'TIENG VIET'.normalize('NFD'), 'tiên viêt'],
    ['हिन्दी', 'मुझे हिन्दी आती है', 'मुझे हिन्दू आती है'],
    ['two\nlines', 'two\nlines', 'two lines'],
    ['and/or', 'this and/or that', 'this and or that'],
    ['.*', 'matches .* here', 'matches anything here'],
    ['[a', 'an [a bracket', 'an (a bracket'],
    ['[a-z]', 'an [a-z] class', 'an m'],
    ['^x', 'a ^x b', 'x'],
    ['***=x', 'a ***=x b', 'x'],
    ['(?i)y', 'a (?i)y b', 'y'],
    ['a|b\\', 'or a|b\\', 'a b'],
    [
      'a question of two hundred and fifty-five characters '.repeat(5).slice(0, 250),
      'now a question of two hundred and fifty-five characters '.slice(4).repeat(5),
      'a question of two hundred',
    ],
  ])('takes %j literally in %j', async (q, matching, other) => {
    await addChat(app, owner, { title: `title ${matching}`, createdAt: '2026-01-02T00:00:00.000Z' });
    await withMessage('message', [text(`xx ${matching} xx`)]);
    await addChat(app, owner, { title: `iii ${other}` });
    await withMessage('no', [text(other)]);
    await settle();
    const found = await search(q);
    // A single letter also occurs in "title" and "message".
    expect(found.filter((title) => q !== 'a' || title !== 'message').toSorted()).toEqual(
      [`title ${matching}`, ...(q === 'a' ? [] : ['message'])].toSorted(),
    );
  });

  it('finds text in the middle of a long conversation, and at the end of a long message', async () => {
    const chatId = await addChat(app, owner, { title: 'long' });
    for (let n = 0; n < 60; n++) {
      await addMessage(app, chatId, { parts: [text(`sentence ${n} ${'filler '.repeat(60)} number-${n}-`)] });
    }
    const words = Array.from({ length: 20_000 }, (_, n) => (n * 7919).toString(36)).join(' ');
    await withMessage('large', [text(`${words} last-of-all`)]);
    await settle();
    expect(await search('number-31-')).toEqual(['long']);
    expect(await search('LAST-OF-ALL')).toEqual(['large']);
    expect(await search('number-60-')).toEqual([]);
  });

  it.each([['type'], ['step-start'], ['hidden'], ['nline two'], ['u0001']])(
    'searches text only: %j is not found',
    async (q) => {
      await withMessage('chat', [
        { type: 'step-start' },
        {
          type: 'tool-x',
          toolCallId: '1',
          state: 'output-available',
          input: { text: 'hidden' },
          output: { text: 'hidden' },
        },
        { type: 'file', url: 'data:text/plain,hidden', mediaType: 'text/plain', filename: 'hidden' },
        { type: 'data-x', data: { text: 'hidden' } },
        text('line one\nline two \u0001'),
      ]);
      await settle();
      expect(await search(q)).toEqual([]);
      expect(await search('LINE TWO')).toEqual(['chat']);
    },
  );

  it('works with any stored data', async () => {
    await withMessage('cut emoji', '[{"type":"text","text":"findme \\ud83c"}]');
    await withMessage('nul', '[{"type":"text","text":"findme \\u0000"}]');
    await withMessage('escaped', '[{"type":"text","text":"\\u0066indme"}]');
    await withMessage('slashed', '[{"type":"text","text":"a\\/b findme"}]');
    await withMessage('in another field', '[{"type":"text","text":"findme","x":"\\udc00"}]');
    await withMessage('no list', '{"type":"text","text":"findme"}');
    await withMessage('no objects', '[1,null,"findme",[{"type":"text"}],{"type":5},{"type":"text"}]');
    await settle();
    expect((await search('findme')).toSorted()).toEqual([
      'cut emoji',
      'escaped',
      'in another field',
      'nul',
      'slashed',
    ]);
    expect(await search('A/B findme')).toEqual(['slashed']);
  });

  it.each([['\u0301'], ['\u200b']])('answers %j, which contains no text', async (q) => {
    await withMessage('chat', [text('nothing of that')]);
    await settle();
    expect(await search(q)).toEqual([]);
  });
});

describe('the search index', () => {
  it('follows edits, new titles, and deleted messages and chats', async () => {
    const chatId = await addChat(app, owner, { title: 'first title' });
    const messageId = await addMessage(app, chatId, { parts: [text('before the edit')] });
    const goneId = await withMessage('gone', [text('of a deleted chat')]);
    await index(owner);
    await app.database.query(`update "Message_v2" set parts = $2 where id = $1`, [
      messageId,
      JSON.stringify([text('after the edit')]),
    ]);
    await app.request('PATCH', `/api/chats/${chatId}`, { user: owner, body: { title: 'second title' } });
    await app.request('DELETE', `/api/chats/${goneId}`, { user: owner });
    for (const settle of [() => Promise.resolve(), () => index(owner)]) {
      await settle();
      expect(await search('before the edit')).toEqual([]);
      expect(await search('after the edit')).toEqual(['second title']);
      expect(await search('first title')).toEqual([]);
      expect(await search('second title')).toEqual(['second title']);
      expect(await search('deleted chat')).toEqual([]);
    }
    await app.database.query(`delete from "Message_v2" where id = $1`, [messageId]);
    expect(await search('after the edit')).toEqual([]);
  });

  it('finds what a fork has copied', async () => {
    const chatId = await addChat(app, owner, { title: 'original' });
    const messageId = await addMessage(app, chatId, { parts: [text('copied words')] });
    await index(owner);
    const { status, body } = await app.request('POST', `/api/chats/${chatId}/fork`, {
      user: owner,
      body: { messageId },
    });
    expect(status).toBe(201);
    await app.request('PATCH', `/api/chats/${body.id}`, { user: owner, body: { title: 'copy' } });
    expect((await search('copied words')).toSorted()).toEqual(['copy', 'original']);
    await index(owner);
    expect((await search('copied words')).toSorted()).toEqual(['copy', 'original']);
  });

  it('indexes an answer when it is complete, and finds its content before that', async () => {
    const chatId = await addChat(app, owner, { title: 'chat' });
    await addMessage(app, chatId, { parts: [text('the question')] });
    const answer = await addMessage(app, chatId, {
      role: 'assistant',
      status: 'streaming',
      parts: [text('half an ans')],
    });
    await indexWhatIsFree(owner);
    expect(await countPending(owner)).toBe(1);
    expect(await search('half an ans')).toEqual(['chat']);
    await app.database.query(`update "Message_v2" set parts = $2, status = 'complete' where id = $1`, [
      answer,
      JSON.stringify([text('half an answer, and the rest')]),
    ]);
    expect(await search('and the rest')).toEqual(['chat']);
    await index(owner);
    expect(await search('and the rest')).toEqual(['chat']);
  });

  it('loses no edit that is made while the indexer runs', async () => {
    const chatId = await addChat(app, owner, { title: 'chat' });
    const messageId = await addMessage(app, chatId, { parts: [text('old words')] });
    const edit = JSON.stringify([text('new words')]);
    // The edit is not committed yet when the indexer runs.
    const runner = app.app.get(DataSource).createQueryRunner();
    await runner.startTransaction();
    await runner.query(`update "Message_v2" set parts = $2 where id = $1`, [messageId, edit]);
    await indexWhatIsFree(owner);
    await runner.commitTransaction();
    await runner.release();
    expect(await countPending(owner)).toBe(1);
    await index(owner);
    expect(await search('new words')).toEqual(['chat']);
    expect(await search('old words')).toEqual([]);
  });

  it('keeps nothing of deleted chats or deleted users', async () => {
    const kept = await withMessage('kept', [text('some words that stay')]);
    const gone = await withMessage('gone', [text('zyxwvu tsrqponm')]);
    await index(owner);
    const bits = async () => {
      const rows = await app.database.query(
        `select bit_count(matrix)::int as bits, chat_ids as chats from switchboard.search_groups where user_id = $1`,
        [owner.id],
      );
      return rows as Array<{ bits: number; chats: Array<string | null> }>;
    };
    const [before] = await bits();
    expect(before?.chats.toSorted()).toEqual([kept, gone].toSorted());
    await app.request('DELETE', `/api/chats/${gone}`, { user: owner });
    await app.app.get(SearchIndexer).index(owner.id);
    const [after] = await bits();
    expect(after?.chats.filter((chat) => chat !== null)).toEqual([kept]);
    expect(after?.bits).toBeGreaterThan(0);
    expect(after?.bits).toBeLessThan(before!.bits);
    expect(await search('words that stay')).toEqual(['kept']);
    await app.request('DELETE', '/api/chats', { user: owner });
    await app.app.get(SearchIndexer).index(owner.id);
    expect(await bits()).toEqual([]);

    await withMessage('again', [text('of a user who goes')]);
    await index(owner);
    await app.database.query('delete from auth.users where id = $1', [owner.id]);
    expect(await bits()).toEqual([]);
    expect(await countPending(owner)).toBe(0);
  });

  it('makes the indexer check a user by the number of new messages, and index all of them', async () => {
    const chatId = await addChat(app, owner, { title: 'many' });
    await app.database.query(
      `insert into "Message_v2" ("chatId", role, parts, "createdAt")
       select $1, 'user', json_build_array(json_build_object('type', 'text', 'text', 'word' || n || 'end')),
              now() + n * interval '1 second'
         from generate_series(1, 2500) n`,
      [chatId],
    );
    // One run checks 50 users.
    for (let run = 0; run < 20 && (await countPending(owner)) >= 400; run++) {
      await app.app.get(SearchIndexer).task.run();
    }
    expect(await countPending(owner)).toBeLessThan(400);
    const { body } = await app.request('GET', '/api/chats?q=word1777end', { user: owner });
    expect(body.items).toHaveLength(1);
    expect(await search('word2501end')).toEqual([]);
  });
});
