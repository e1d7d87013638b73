import { SearchIndexer } from '../../src/modules/chat/search/search-indexer.js';
import { addChat } from '../fixtures/chat-rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { longestBlock } from '../support/loop-probe.js';

/** A quiet machine needs less than 20 ms. */
const TOLERATED = 60;

let app: TestApp;
let owner: TestUser;

beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  owner = await app.createUser();
});
afterAll(() => app?.close());

/** One message, with random text between its first and its last words. `text` is SQL of one of many lines `n`. */
async function addLarge(chatId: string, text: string, lines: number): Promise<void> {
  await app.database.query(
    `insert into "Message_v2" ("chatId", role, parts)
     select $1, 'user', json_build_array(json_build_object('type', 'text', 'text', 'begin ' || string_agg(${text}, ' ') || ' finish'))
       from generate_series(1, $2::int) n`,
    [chatId, lines],
  );
}

async function countPending(): Promise<number> {
  const rows = await app.database.query(
    'select count(*)::int as count from switchboard.search_pending where user_id = $1',
    [owner.id],
  );
  return rows[0].count as number;
}

async function search(q: string): Promise<number> {
  const { body } = await app.request('GET', `/api/chats?q=${encodeURIComponent(q)}`, { user: owner });
  return body.items.length as number;
}

describe('the search indexer', () => {
  it.each([
    ['ASCII', 'md5(n::text) || md5((n + 0.5)::text)', 150_000, 'finish'],
    [
      'other letters',
      `translate(md5(n::text) || md5((n + 0.5)::text), '0123456789abcdef', 'äöüßéèñçøłżščřőű')`,
      75_000,
      'FINISH',
    ],
  ])('does not hold up other requests by a message of 10 MB: %s', async (_name, line, lines, word) => {
    const chatId = await addChat(app, owner, { title: 'large' });
    const longest = await longestBlock(async () => {
      await addLarge(chatId, line, lines);
      for (let run = 0; run < 5 && (await countPending()) > 0; run++) {
        await app.database.query(
          'insert into switchboard.search_due (user_id) values ($1) on conflict (user_id) do nothing',
          [owner.id],
        );
        await app.app.get(SearchIndexer).index(owner.id, { count: 1, bytes: Infinity });
      }
    }, TOLERATED);
    expect(longest).toBeLessThan(TOLERATED);
    expect(await countPending()).toBe(0);
    expect(await search(word)).toBe(1);
  });
});
