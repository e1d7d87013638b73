import { randomUUID } from 'node:crypto';
import { SILENCE_LIMIT } from '../../src/common/database/time-limits.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { type FreezableRoute, freezableRoute } from '../support/frozen-database.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { saying, storedAnswer, textOfParts } from '../support/turns.js';

const LIMITS = { ...SILENCE_LIMIT };

/** Its host is gone without a word, and another one answers in its place. No connection ever ends. */
describe('a database that vanishes', () => {
  let database: TestDatabase;
  let route: FreezableRoute;
  let app: ChatApp;

  beforeAll(async () => {
    Object.assign(SILENCE_LIMIT, { pool: 1_500, listening: 1_500 });
    database = await createTestDatabase();
    route = await freezableRoute(database.url);
    app = await startChatApp({ DATABASE_URL: route.url }, { database });
  });

  afterAll(async () => {
    Object.assign(SILENCE_LIMIT, LIMITS);
    await app?.close();
    await route?.close();
    await database?.drop();
  });

  it('is asked again soon, and running answers are stored', async () => {
    const user = await app.createUser();
    const chats = Array.from({ length: 6 }, () => randomUUID());
    app.double.enqueue(
      { text: ['Safe and ', 'sound.'], pauseAfter: 1 },
      { times: chats.length, when: ({ stream }) => stream },
    );
    const readers = await Promise.all(
      chats.map((id) => app.open(user, { id, agent: 'chat', message: userMessage('Hello', randomUUID()) })),
    );
    await Promise.all(readers.map((reader) => reader.until(saying('and '))));
    route.vanish();
    app.double.resume();
    // The user's own share of the connections has not moved yet. Nobody waits for it in vain.
    await eventually(async () => (await app.request('GET', '/api/chats', { user })).status === 200, 15_000);
    for (const { chunks, done } of await Promise.all(readers.map((reader) => reader.rest()))) {
      expect(chunks.at(-1)?.type).toBe('finish');
      expect(done).toBe(true);
    }
    for (const chatId of chats) {
      const answer = await storedAnswer(app, user, chatId);
      expect([answer.status, textOfParts(answer)]).toEqual(['complete', 'Safe and sound.']);
    }
    // The listening connection is a new one, too: a changed configuration is known at once.
    await eventually(async () => {
      const [row] = await database.query(
        `select count(*)::int as count from pg_stat_activity
          where datname = current_database() and application_name = 'switchboard-listener'
            and backend_start > now() - interval '15 seconds'`,
      );
      return row.count > 0;
    });
  }, 60_000);
});
