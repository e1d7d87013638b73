import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { readAllPages } from '../support/expectations.js';

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

describe('GET /api/chats?q=', () => {
  const search = async (q: string, user = owner) => {
    const { status, body } = await app.request('GET', `/api/chats?q=${encodeURIComponent(q)}`, { user });
    expect(status).toBe(200);
    return body.items.map(({ title }: { title: string }) => title) as string[];
  };

  async function withMessage(title: string, parts: unknown) {
    await addMessage(app, await addChat(app, owner, { title }), { parts });
  }

  it('finds titles and message text case-insensitively, but not those of other users', async () => {
    await addChat(app, owner, { title: 'Growing TOMATOES', createdAt: '2026-01-02T00:00:00.000Z' });
    await withMessage('by message', [text('nothing'), text('Water the Tomatoes daily')]);
    await addChat(app, owner, { title: 'other' });
    await addChat(app, stranger, { title: 'tomatoes of a stranger', visibility: 'public' });
    expect((await search(' tomatoes ')).toSorted()).toEqual(['Growing TOMATOES', 'by message']);
    expect(await search('tomatoes', admin)).toEqual([]);
  });

  it('lists a chat once, however often it matches, and pages its results', async () => {
    const id = await addChat(app, owner, { title: 'needle 0' });
    for (let n = 0; n < 3; n++) await addMessage(app, id, { parts: [text('needle'), text('needle')] });
    await addChat(app, owner, { title: 'needle 1' });
    const pages = await readAllPages(app, owner, '/api/chats?q=needle&limit=1');
    expect(pages.map((page) => page.map(({ title }) => title))).toEqual([['needle 1'], ['needle 0']]);
  });

  it.each([
    ['%', '100% sure', 'sure'],
    ['_', 'snake_case', 'snake case'],
    ['\\', 'back\\slash', 'nslash'],
    ['"', 'she said "yes"', 'she said yes'],
    ["'", "it's", 'its'],
    ["' or 1=1 --", "x' or 1=1 -- y", 'x or 1=1'],
    ["'); drop table chat; --", "'); drop table chat; --", 'drop'],
    ['🌱', 'a 🌱 grows', 'a 🌲 grows'],
    ['שלום', 'אמר שלום לכולם', 'אמר'],
    ['你好', '你好，世界', '世界'],
    ['GRÜSSE', 'liebe grüsse', 'liebe gruesse'],
    ['straße', 'STRASSE', 'strase'],
    ['ПРИВЕТ', 'привет мир', 'привёт'],
    ['two\nlines', 'two\nlines', 'two lines'],
    ['and/or', 'this and/or that', 'this and or that'],
    ['.*', 'matches .* here', 'matches anything here'],
    ['[a', 'an [a bracket', 'an (a bracket'],
    ['***=x', 'a ***=x b', 'x'],
    ['(?i)y', 'a (?i)y b', 'y'],
    ['a|b\\', 'or a|b\\', 'a b'],
  ])('takes %j literally', async (q, matching, other) => {
    await addChat(app, owner, { title: `title ${matching}`, createdAt: '2026-01-02T00:00:00.000Z' });
    await withMessage('message', [text(`before ${matching} after`)]);
    await addChat(app, owner, { title: `title ${other}` });
    await withMessage('no match', [text(other)]);
    expect((await search(q)).toSorted()).toEqual(['message', `title ${matching}`]);
  });

  it.each([['type'], ['step-start'], ['hidden'], ['nline two'], ['u0001']])(
    'only searches text: %j is not found',
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
    expect((await search('findme')).toSorted()).toEqual([
      'cut emoji',
      'escaped',
      'in another field',
      'nul',
      'slashed',
    ]);
    expect(await search('A/B findme')).toEqual(['slashed']);
  });
});
