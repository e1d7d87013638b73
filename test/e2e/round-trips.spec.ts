import { randomUUID } from 'node:crypto';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { sentStatements } from '../support/statements.js';
import type { TestUser } from '../support/app.js';

const TO_CHAT = { body: { agent: 'chat' } };

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
    // The transaction, and the row of the call that has started, which nothing waits for.
    const transaction = ['begin', 'select', 'select', 'with', 'select', 'select', 'with', 'commit'];
    expect(sent.verbs.slice(0, 8)).toEqual(transaction);
    expect(sent.verbs.slice(8).every((verb) => verb === 'insert')).toBe(true);
    expect(sent.roundTrips).toBeLessThanOrEqual(4);
  });

  it('are four for an answer in a chat with a title, from the question to the end', async () => {
    const sent = await sentStatements(() => app.say(user, 'warm', 'Again', TO_CHAT));
    expect([...sent.verbs].sort()).toEqual(
      [
        'begin',
        'select',
        'select',
        'with',
        'select',
        'select',
        'with',
        'commit',
        'insert',
        'begin',
        'with',
        'with',
        'commit',
      ].sort(),
    );
    expect(sent.roundTrips).toBe(4);
  });

  it('are two more for the title of a new chat', async () => {
    const sent = await sentStatements(() => app.say(user, randomUUID(), 'Name this', TO_CHAT));
    // The rows of the two calls are sent together if the calls start in the same turn of the event loop.
    expect([17, 18]).toContain(sent.verbs.length);
    expect(sent.roundTrips).toBeLessThanOrEqual(6);
  });

  it.each(['/api/chats', '/api/chats/warm', '/api/chats/warm/messages'])('is one for %s', async (path) => {
    const sent = await sentStatements(async () =>
      expect((await app.request('GET', path, { user })).status).toBe(200),
    );
    expect(sent).toEqual({ verbs: ['begin', 'select', 'select', 'commit'], roundTrips: 1 });
  });
});
