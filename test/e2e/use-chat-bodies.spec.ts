import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import type { TestUser } from '../support/app.js';
import { messagesOf } from '../support/turns.js';

const LIMIT = 256 * 1024;
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** The default transport of `useChat` sends the whole conversation with every message. */
describe('the body of useChat', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp({ BODY_LIMIT: String(LIMIT) });
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  /** A picture of about this size as a data URL. */
  const picture = (size: number) => {
    const bytes = Buffer.concat([Buffer.from(DOT, 'base64'), Buffer.alloc((size * 3) / 4)]);
    const url = `data:image/png;base64,${bytes.toString('base64')}`;
    return { type: 'file' as const, mediaType: 'image/png', filename: 'dot.png', url };
  };

  it('may have any number of pictures: only the last message counts', async () => {
    const sizes: number[] = [];
    const chat = createChatClient(app.url, {
      token: user.token,
      fetch: (input, init) => {
        sizes.push((init?.body as string).length);
        return fetch(input, init);
      },
    });
    for (let index = 1; index <= 5; index++) {
      await chat.sendMessage({ text: `picture ${index}`, files: [picture(LIMIT / 3)] });
      expect([index, chat.error?.message]).toEqual([index, undefined]);
    }
    // One that is too large is refused, but not the messages after it.
    await chat.sendMessage({ text: 'too large', files: [picture(LIMIT)] });
    expect(JSON.parse(chat.error?.message ?? '{}')).toMatchObject({ status: 413, code: 'payload_too_large' });
    await chat.sendMessage({ text: 'and now?' });
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, 'You said: and now?']);
    await chat.regenerate();
    expect(chat.error).toBeUndefined();
    expect(sizes.at(-1)).toBeGreaterThan(2 * LIMIT);
    const stored = await messagesOf(app, user, chat.id);
    expect(stored.filter(({ role }) => role === 'user')).toHaveLength(6);
    // The model has got the earlier pictures from the server.
    const last = app.double.requests.findLast(({ stream }) => stream);
    expect(JSON.stringify(last?.body).length).toBeGreaterThan(LIMIT);
  });

  it('may have any number of messages and keys before the last message', async () => {
    const parts = Array.from({ length: 200 }, () => ({ type: 'text', text: '', a: 1, b: 2, c: 3, d: 4 }));
    const earlier = Array.from({ length: 100 }, (_, index) => ({
      id: `m${index}`,
      role: index % 2 ? 'assistant' : 'user',
      parts,
    }));
    const messages = [...earlier, userMessage('the last one')];
    const answer = await app.post(user, { id: 'long', messages, trigger: 'submit-message' });
    expect([answer.status, answer.text]).toEqual([200, 'You said: the last one']);
    expect(await messagesOf(app, user, 'long')).toHaveLength(2);
    // Errors name the place in the body as it was sent.
    const wrong = { id: 'x', role: 'user', parts: [{ type: 'text' }] };
    const refused = await app.post(user, { id: 'long', messages: [...earlier.slice(0, 3), wrong] });
    expect(refused.problem.errors).toEqual([
      { path: 'messages.3.parts.0.text', message: 'must be a string' },
    ]);
  });

  it('is bounded nevertheless', async () => {
    const messages = [userMessage('x'.repeat(20 * LIMIT)), userMessage('y')];
    const { status } = await app.post(user, { id: 'huge', messages }).catch(() => ({ status: 413 }));
    expect(status).toBe(413);
    const large = await app.post(user, { id: 'large', message: userMessage('x'.repeat(LIMIT)) });
    expect(large.problem.code).toBe('payload_too_large');
  });
});
