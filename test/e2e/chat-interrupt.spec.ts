import { randomUUID } from 'node:crypto';
import { configureAgent } from '../support/agent-config.js';
import {
  type AnswerReader,
  type ChatApp,
  eventually,
  startChatApp,
  userMessage,
} from '../support/chat-app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import type { TestUser } from '../support/app.js';
import { messagesOf, resume, saying, type StoredMessage, textOfParts } from '../support/turns.js';
import { usageDifferences } from '../support/usage-sums.js';

/** A message takes the place of a running answer that nobody reads, or that it interrupts. */
describe('another message while an answer is running', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  const USAGE = { input: 1_000, output: 90 };

  /** Starts an answer that stops after `Once upon `. */
  async function begin(chatId: string, message: object = userMessage('a long story')): Promise<AnswerReader> {
    app.double.enqueue({ text: ['Once upon ', 'a time.'], pauseAfter: 1, usage: USAGE });
    const reader = await app.open(user, { id: chatId, message });
    await reader.until(saying('Once upon '));
    return reader;
  }

  const summaryOf = (messages: StoredMessage[]) =>
    messages.map((message) => [message.role, message.status, textOfParts(message)]);

  async function expectKept(chatId: string, question: string): Promise<void> {
    const messages = await messagesOf(app, user, chatId);
    expect(summaryOf(messages)).toEqual([
      ['user', 'complete', 'a long story'],
      ['assistant', 'stopped', 'Once upon '],
      ['user', 'complete', question],
      ['assistant', 'complete', `You said: ${question}`],
    ]);
    // What the interrupted answer has used is in the books, and in its message.
    expect(messages[1]!.inputTokens).toBeGreaterThan(0);
    expect(messages[1]!.metadata).toMatchObject({
      status: 'stopped',
      usage: { inputTokens: messages[1]!.inputTokens },
    });
    expect(await usageDifferences(app.database)).toEqual([]);
  }

  it('is answered after stop() of useChat, which only closes its connection', async () => {
    const chat = createChatClient(app.url, { token: user.token });
    app.double.enqueue({ text: ['Once upon ', 'a time.'], pauseAfter: 1, usage: USAGE });
    const sending = chat.sendMessage({ text: 'a long story' });
    await eventually(() => Promise.resolve(textOf(chat.lastMessage) === 'Once upon '));
    await chat.stop();
    await sending;
    await chat.sendMessage({ text: 'something else' });
    expect([chat.status, chat.error?.message, textOf(chat.lastMessage)]).toEqual([
      'ready',
      undefined,
      'You said: something else',
    ]);
    await expectKept(chat.id, 'something else');
  });

  it('is answered if the client has left before the first word', async () => {
    const chatId = randomUUID();
    const controller = new AbortController();
    app.double.enqueue({ text: ['Too ', 'late.'], pauseAfter: 0 });
    const sent = fetch(`${app.url}/api/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...user.headers },
      body: JSON.stringify({ id: chatId, message: userMessage('think') }),
      signal: controller.signal,
    }).catch(() => undefined);
    await app.double.until(() => app.double.requests.some(({ userText }) => userText === 'think'));
    controller.abort();
    await sent;
    expect((await app.say(user, chatId, 'never mind')).text).toContain('never mind');
    expect((await messagesOf(app, user, chatId)).map(({ status }) => status)).toEqual([
      'complete',
      'stopped',
      'complete',
      'complete',
    ]);
  });

  it('regenerates and edits after stop(), too', async () => {
    const chat = createChatClient(app.url, { token: user.token });
    for (const change of ['regenerate', 'edit']) {
      app.double.enqueue({ text: ['Once upon ', 'a time.'], pauseAfter: 1 });
      const sending = chat.sendMessage({ text: change });
      await eventually(() => Promise.resolve(textOf(chat.lastMessage) === 'Once upon '));
      await chat.stop();
      await sending;
      if (change === 'regenerate') await chat.regenerate();
      else await chat.sendMessage({ text: 'edited', messageId: chat.messages.at(-2)!.id });
      expect([chat.error, textOf(chat.lastMessage)]).toEqual([
        undefined,
        `You said: ${change === 'edit' ? 'edited' : change}`,
      ]);
    }
    expect(await messagesOf(app, user, chat.id)).toHaveLength(4);
  });

  it('is refused while anyone reads, also after a reload', async () => {
    const chatId = randomUUID();
    const first = await begin(chatId);
    expect((await app.say(user, chatId, 'let me in')).problem.code).toBe('stream_in_progress');
    const second = await resume(app, user, chatId);
    await second.until(saying('Once upon '));
    await first.leave();
    expect((await app.say(user, chatId, 'let me in')).problem.code).toBe('stream_in_progress');
    await second.leave();
    expect((await app.say(user, chatId, 'let me in')).text).toBe('You said: let me in');
    await expectKept(chatId, 'let me in');
  });

  it('interrupts if it says so, and readers learn of it', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId);
    const next = await app.say(user, chatId, 'now', { body: { interrupt: true } });
    expect([next.status, next.text]).toEqual([200, 'You said: now']);
    const { chunks, done } = await reader.rest();
    expect(done).toBe(true);
    expect(chunks.slice(-2)).toEqual([
      { type: 'message-metadata', messageMetadata: expect.objectContaining({ status: 'stopped' }) },
      { type: 'abort', reason: 'stopped' },
    ]);
    await expectKept(chatId, 'now');
    const wrong = await app.say(user, chatId, 'now', { body: { interrupt: 'yes' } });
    expect([wrong.status, wrong.problem.errors]).toEqual([
      400,
      [{ path: 'interrupt', message: 'must be true or false' }],
    ]);
  });

  it.each(['says so', 'finds it unread'])('stops nothing if it is refused itself: it %s', async (how) => {
    const chatId = randomUUID();
    const reader = await begin(chatId);
    const body = how === 'says so' ? { interrupt: true } : {};
    if (how !== 'says so') await reader.leave();
    const refusals = [
      await app.say(user, chatId, 'now', { body: { ...body, model: 'google/unknown' } }),
      await limited(() => app.say(user, chatId, 'now', { body: { ...body, agent: 'chat' } })),
    ];
    expect(refusals.map(({ status, problem }) => [status, problem.code])).toEqual([
      [400, 'model_not_allowed'],
      [429, 'rate_limited'],
    ]);
    app.double.resume();
    await eventually(async () => (await messagesOf(app, user, chatId)).at(-1)?.status !== 'streaming');
    expect(summaryOf(await messagesOf(app, user, chatId))).toEqual([
      ['user', 'complete', 'a long story'],
      ['assistant', 'complete', 'Once upon a time.'],
    ]);
  });

  async function limited<T>(work: () => Promise<T>): Promise<T> {
    await configureAgent(app, 'google', { rateLimit: { hourly: 1, daily: 1 } });
    try {
      return await work();
    } finally {
      await configureAgent(app, 'google', { rateLimit: { hourly: 1_000, daily: 1_000 } });
    }
  }

  it('attaches if it is the same message, even if it would interrupt', async () => {
    const chatId = randomUUID();
    const message = userMessage('a long story', randomUUID());
    const reader = await begin(chatId, message);
    const again = await app.open(user, { id: chatId, message, interrupt: true });
    await again.until(saying('Once upon '));
    app.double.resume();
    for (const answer of await Promise.all([reader.rest(), again.rest()]))
      expect([answer.text, answer.chunks.at(-1).type]).toEqual(['Once upon a time.', 'finish']);
    expect(await messagesOf(app, user, chatId)).toHaveLength(2);
  });

  it('of two that interrupt at the same moment, the last one is answered, and all are kept', async () => {
    for (let round = 0; round < 5; round++) {
      const chatId = randomUUID();
      const reader = await begin(chatId);
      const rivals = await Promise.all(
        ['left', 'right'].map((side) => app.say(user, chatId, side, { body: { interrupt: true } })),
      );
      await reader.rest();
      for (const { status, done } of rivals) expect([status, done]).toEqual([200, true]);
      const messages = await messagesOf(app, user, chatId);
      expect(messages.map(({ role }) => role)).toEqual([
        'user',
        'assistant',
        'user',
        'assistant',
        'user',
        'assistant',
      ]);
      expect(
        messages
          .filter(({ role }) => role === 'user')
          .map(textOfParts)
          .sort(),
      ).toEqual(['a long story', 'left', 'right']);
      expect(messages.at(-1)?.status).toBe('complete');
    }
    expect(await usageDifferences(app.database)).toEqual([]);
  });

  it('of two at the same moment that find an answer unread, one is answered and one is refused', async () => {
    for (let round = 0; round < 5; round++) {
      const chatId = randomUUID();
      const reader = await begin(chatId);
      await reader.leave();
      app.double.enqueue({ text: ['Here.'], chunkDelayMs: 600 });
      const rivals = await Promise.all(['left', 'right'].map((side) => app.say(user, chatId, side)));
      expect(rivals.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(await messagesOf(app, user, chatId)).toHaveLength(4);
    }
  });

  it('at the very end of an answer does it no harm', async () => {
    for (let round = 0; round < 10; round++) {
      const chatId = randomUUID();
      const reader = await begin(chatId);
      app.double.resume();
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      const next = await app.say(user, chatId, 'and?', { body: { interrupt: true } });
      expect([next.status, next.text]).toEqual([200, 'You said: and?']);
      const ended = await reader.rest();
      expect(ended.done).toBe(true);
      const [, answer, , last] = await messagesOf(app, user, chatId);
      // What its readers were told is what is stored.
      const told = ended.chunks.at(-1).type === 'finish' ? 'complete' : 'stopped';
      expect([answer?.status, last?.status]).toEqual([told, 'complete']);
      expect(textOfParts(answer!)).toBe(ended.text);
    }
    expect(await usageDifferences(app.database)).toEqual([]);
  });
});
