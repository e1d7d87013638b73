import { randomUUID } from 'node:crypto';
import { type ChatApp, eventually, startChatApp, textOfChunks, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { gauge } from '../support/turns.js';

/** Someone deletes the user in the database while answers are written. That is normal, and leaves nothing. */
describe('a user who is deleted during answers', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeEach(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.close());

  const lines = (...levels: string[]) =>
    app
      .log()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { level: string; msg: string })
      .filter(({ level }) => levels.includes(level));

  it('causes no error, and nothing is left', async () => {
    const text = Array.from({ length: 40 }, (_, index) => `word${index} `);
    const readers = await Promise.all(
      Array.from({ length: 6 }, async () => {
        app.double.enqueue({ text, chunkDelayMs: 60 }, { when: ({ stream }) => stream });
        const body = { id: randomUUID(), message: userMessage('go on', randomUUID()) };
        const reader = await app.open(user, body);
        await reader.until((chunks) => textOfChunks(chunks).includes('word1 '));
        return reader;
      }),
    );
    await app.database.query('delete from auth.users where id = $1', [user.id]);
    const answers = await Promise.all(readers.map((reader) => reader.rest()));
    expect(answers.map(({ done }) => done)).toEqual(readers.map(() => true));
    await eventually(async () => (await gauge(app, 'switchboard_active_streams')) === 0);
    const left = await app.database.query(
      `select (select count(*) from usage_logs)::int as calls, (select count(*) from switchboard.runs)::int as runs,
              (select count(*) from "Stream")::int as streams, (select count(*) from chat)::int as chats`,
    );
    expect(left).toEqual([{ calls: 0, runs: 0, streams: 0, chats: 0 }]);
    expect(lines('warn', 'error', 'fatal')).toEqual([]);
    expect(lines('info').filter(({ msg }) => msg.includes('was deleted'))).toHaveLength(1);
  });
});
