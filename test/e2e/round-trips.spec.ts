import { randomUUID } from 'node:crypto';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { sentStatements } from '../support/statements.js';
import type { TestUser } from '../support/app.js';

const TO_CHAT = { body: { agent: 'chat' } };
/** Two commits: the opening and the end. */
const ANSWER = [
  ...['begin', 'select', 'select', 'with', 'select', 'with', 'with', 'commit'],
  ...['begin', 'with', 'commit'],
];

/** A call of the title that takes its time is noted, beside the answer. */
function withoutNote({ verbs, roundTrips }: { verbs: string[]; roundTrips: number }) {
  const all = verbs.join(' ');
  const others = all.replace(/ begin insert commit\b/, '');
  return { verbs: others.split(' '), roundTrips: roundTrips - (others === all ? 0 : 1) };
}

/** The database round trips of a message and a list. They must not increase unnoticed. */
describe('round trips', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  // The user's row and the configuration are reloaded every few seconds. This is not counted here.
  beforeEach(() => app.say(user, 'warm', 'up', TO_CHAT));
  afterAll(() => app.close());

  it('are two before the first token of a new chat', async () => {
    app.double.enqueue({ text: ['First', ' second'], pauseAfter: 1 });
    const body = {
      id: randomUUID(),
      agent: 'chat',
      message: { id: 'm', role: 'user', parts: [{ type: 'text', text: 'hi' }] },
    };
    let rest: (() => Promise<unknown>) | undefined;
    const sent = await sentStatements(async () => {
      const answer = await app.open(user, body);
      await answer.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
      rest = () => answer.rest();
    });
    app.double.resume();
    await rest?.();
    const transaction = ['begin', 'select', 'select', 'with', 'select', 'with', 'with', 'commit'];
    expect(withoutNote(sent)).toEqual({ verbs: transaction, roundTrips: 2 });
  });

  it('are three for an answer, from the question to the end', async () => {
    const sent = await sentStatements(() => app.say(user, 'warm', 'Again', TO_CHAT));
    expect(sent).toEqual({ verbs: ANSWER, roundTrips: 3 });
  });

  it('are no more for the title of a new chat that is written before the answer ends', async () => {
    app.double.enqueue({ text: ['Name', ' this'], pauseAfter: 1 }, { when: ({ stream }) => stream });
    const chatId = randomUUID();
    const sent = await sentStatements(async () => {
      const answer = await app.open(user, {
        id: chatId,
        agent: 'chat',
        message: { id: 'm', role: 'user', parts: [{ type: 'text', text: 'hi' }] },
      });
      await answer.until((chunks) => chunks.some(({ type }) => type === 'data-chat-title'));
      app.double.resume();
      await answer.rest();
    });
    expect(withoutNote(sent).verbs).toEqual(ANSWER);
    const [chat] = await app.database.query(
      `select title, (select count(*)::int from usage_logs where chat_id = chat.id) as calls from chat where id = $1`,
      [(await app.request('GET', `/api/chats/${chatId}`, { user })).body.id],
    );
    expect(chat).toEqual({ title: expect.not.stringMatching('New chat'), calls: 2 });
  });

  it.each(['/api/chats', '/api/chats/warm', '/api/chats/warm/messages'])('is one for %s', async (path) => {
    const sent = await sentStatements(async () =>
      expect((await app.request('GET', path, { user })).status).toBe(200),
    );
    expect(sent).toEqual({ verbs: ['begin', 'select', 'select', 'commit'], roundTrips: 1 });
  });
});
