import { randomUUID } from 'node:crypto';
import type { UIMessage } from 'ai';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import type { TestUser } from '../support/app.js';
import { lossyLine } from '../support/lossy-line.js';
import { answerCalls, messagesOf, readChat, stop, textOfParts } from '../support/turns.js';

/** The client of most chat interfaces, with its defaults: it only gets a URL and a token. */
describe('useChat', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  type Options = Partial<Parameters<typeof createChatClient>[1]>;
  const client = (options: Options = {}) => createChatClient(app.url, { token: user.token, ...options });

  /** What an interface loads when its page opens. */
  async function loaded(chatId: string): Promise<UIMessage[]> {
    const messages = await messagesOf(app, user, chatId);
    return messages.map(({ id, role, parts, metadata }) => ({ id, role, parts, metadata }));
  }

  /** A client that opens the chat anew. */
  const reload = async (chatId: string, options: Options = {}) =>
    client({ id: chatId, messages: await loaded(chatId), ...options });

  const until = (check: () => boolean) => eventually(() => Promise.resolve(check()));
  const said = (messages: UIMessage[]) => messages.map(textOf);
  /** As JSON: without undefined fields. */
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it('sends, streams, and ends with what is stored', async () => {
    const titles: unknown[] = [];
    const chat = client({
      onData: ({ type, data }) => {
        if (type === 'data-chat-title') titles.push(data);
      },
    });
    app.double.enqueue({ text: ['Fine, ', 'thanks.'], pauseAfter: 1, usage: { input: 1_000, output: 100 } });
    const sending = chat.sendMessage({ text: 'How are you?' });
    await until(() => textOf(chat.lastMessage) === 'Fine, ');
    expect(chat.status).toBe('streaming');
    app.double.resume();
    await sending;

    expect([chat.status, chat.error]).toEqual(['ready', undefined]);
    expect(said(chat.messages)).toEqual(['How are you?', 'Fine, thanks.']);
    expect(titles).toEqual([{ title: 'About How are you?' }]);
    expect((await readChat(app, user, chat.id)).title).toBe('About How are you?');
    const [question, answer] = chat.messages;
    expect(answer?.metadata).toEqual({
      agentType: 'chat',
      model: 'google/gemini-2.5-flash',
      usage: {
        inputTokens: 1_000,
        outputTokens: 100,
        totalTokens: 1_100,
        cachedInputTokens: 0,
        reasoningTokens: 0,
      },
      cost: 0.00055,
      finishReason: 'stop',
      status: 'complete',
      createdAt: expect.any(String),
    });
    // The answer is the same live and after a reload.
    const stored = await loaded(chat.id);
    expect(stored[1]).toEqual(plain(answer));
    expect(stored[0]).toMatchObject({ role: 'user', parts: question?.parts });
  });

  it('keeps its own ids and those that it loaded', async () => {
    const chat = client();
    await chat.sendMessage({ text: 'one' });
    await chat.sendMessage({ text: 'two' });
    const before = await loaded(chat.id);
    const own = chat.messages[2]!.id;
    await chat.sendMessage({ text: 'two, by its own id', messageId: own });
    const between = await loaded(chat.id);
    expect(between.slice(0, 3).map(({ id }) => id)).toEqual(before.slice(0, 3).map(({ id }) => id));
    expect(between.map(({ id }) => id)[3]).toBe(chat.messages[3]!.id);

    const again = await reload(chat.id);
    await again.sendMessage({ text: 'two, by its stored id', messageId: between[2]!.id });
    await again.sendMessage({ text: 'three' });
    const after = await loaded(chat.id);
    expect(said(after)).toEqual([
      'one',
      'You said: one',
      'two, by its stored id',
      'You said: two, by its stored id',
      'three',
      'You said: three',
    ]);
    expect(after[2]!.id).toBe(before[2]!.id);
    expect(said(again.messages)).toEqual(said(after));
    // The first client does not know about this, and still means the same messages.
    await chat.sendMessage({ text: 'one, edited', messageId: chat.messages[0]!.id });
    expect(said(await loaded(chat.id))).toEqual(['one, edited', 'You said: one, edited']);
  });

  it('resumes its answer after a reload in the middle', async () => {
    const first = client();
    app.double.enqueue({ text: ['Half ', 'and ', 'half.'], pauseAfter: 2 });
    const sending = first.sendMessage({ text: 'a glass of milk' });
    await until(() => textOf(first.lastMessage) === 'Half and ');
    // The loaded page may already have a part of the answer.
    await eventually(async () => textOf((await loaded(first.id)).at(-1)) === 'Half and ');
    const second = await reload(first.id);
    expect(second.messages).toHaveLength(2);
    const resuming = second.resumeStream();
    await until(() => second.status === 'streaming');
    app.double.resume();
    await Promise.all([sending, resuming]);

    expect([second.status, second.error]).toEqual(['ready', undefined]);
    expect(said(second.messages)).toEqual(['a glass of milk', 'Half and half.']);
    expect(plain(second.messages[1])).toEqual(plain(first.messages[1]));
    expect(await loaded(first.id)).toEqual(plain(second.messages));
    expect(answerCalls(app, 'a glass of milk')).toHaveLength(1);
    // Later there is nothing to resume, and nothing changes.
    await second.resumeStream();
    expect([second.status, second.messages.length]).toEqual(['ready', 2]);
  });

  it('resumes its answer after the connection was lost', async () => {
    const line = lossyLine();
    const chat = client({ fetch: line.fetch });
    app.double.enqueue({ text: ['Can you ', 'hear ', 'me?'], pauseAfter: 2 });
    const sending = chat.sendMessage({ text: 'hello' });
    await until(() => textOf(chat.lastMessage) === 'Can you hear ');
    line.drop();
    await sending;
    expect(chat.status).toBe('error');
    const resuming = chat.resumeStream();
    await until(() => chat.status === 'streaming');
    app.double.resume();
    await resuming;
    expect([chat.status, chat.error]).toEqual(['ready', undefined]);
    expect(said(chat.messages)).toEqual(['hello', 'Can you hear me?']);
    expect(await loaded(chat.id)).toMatchObject([{ role: 'user' }, plain(chat.messages[1]) as object]);
  });

  it('can send a message again if the connection was lost before the answer', async () => {
    const line = lossyLine();
    const chat = client({ fetch: line.fetch });
    app.double.enqueue({ text: ['Only ', 'once.'], pauseAfter: 0, chunkDelayMs: 500 });
    const sending = chat.sendMessage({ text: 'did you get this' });
    await app.double.until(() => answerCalls(app, 'did you get this')[0]?.state === 'held');
    line.drop();
    await sending;
    expect(chat.status).toBe('error');
    const [message] = chat.messages;
    const retrying = chat.sendMessage({ text: 'did you get this', messageId: message!.id });
    await until(() => line.requests === 2);
    app.double.resume();
    await retrying;
    expect([chat.status, chat.error]).toEqual(['ready', undefined]);
    expect(said(chat.messages)).toEqual(['did you get this', 'Only once.']);
    expect(answerCalls(app, 'did you get this')).toHaveLength(1);
    expect(said(await loaded(chat.id))).toEqual(['did you get this', 'Only once.']);
  });

  it("closes its connection with stop(), and the API's stop ends the answer", async () => {
    const chat = client();
    app.double.enqueue({ text: ['On and ', 'on and ', 'on.'], pauseAfter: 1 });
    const sending = chat.sendMessage({ text: 'never stop' });
    await until(() => textOf(chat.lastMessage) === 'On and ');
    await chat.stop();
    await sending;
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'On and ']);
    // On the server it continues, until another message takes its place.
    expect((await readChat(app, user, chat.id)).isStreaming).toBe(true);
    app.double.enqueue({ text: ['Done.'] });
    await chat.sendMessage({ text: 'are you done' });
    expect([chat.status, chat.error, textOf(chat.lastMessage)]).toEqual(['ready', undefined, 'Done.']);
    expect((await messagesOf(app, user, chat.id))[1]).toMatchObject({ status: 'stopped' });

    const other = client();
    app.double.enqueue({ text: ['On and ', 'on and ', 'on.'], pauseAfter: 1 });
    const asking = other.sendMessage({ text: 'stop, please' });
    await until(() => textOf(other.lastMessage) === 'On and ');
    expect(await stop(app, user, other.id)).toEqual({ stopped: true });
    await asking;
    expect([other.status, other.error]).toEqual(['ready', undefined]);
    const stored = await messagesOf(app, user, other.id);
    expect([stored[1]!.status, textOfParts(stored[1]!)]).toEqual(['stopped', 'On and ']);
    // Neither live nor stored is any part still marked as streaming.
    expect(plain(other.lastMessage?.parts)).toEqual(stored[1]!.parts);
    expect(stored[1]!.parts.at(-1).state).toBe('done');
    await other.sendMessage({ text: 'and now' });
    expect(textOf(other.lastMessage)).toBe('You said: and now');
  });

  it('edits and regenerates', async () => {
    const chat = client();
    for (const text of ['one', 'two', 'three']) await chat.sendMessage({ text });
    await chat.sendMessage({ text: 'two!', messageId: chat.messages[2]!.id });
    expect(said(chat.messages)).toEqual(['one', 'You said: one', 'two!', 'You said: two!']);
    expect(said(await loaded(chat.id))).toEqual(said(chat.messages));

    app.double.enqueue({ text: ['Two, then.'] });
    const replaced = chat.lastMessage!.id;
    await chat.regenerate();
    expect(said(chat.messages)).toEqual(['one', 'You said: one', 'two!', 'Two, then.']);
    expect(chat.lastMessage!.id).not.toBe(replaced);
    expect(await loaded(chat.id)).toMatchObject(
      chat.messages.map(({ role, parts }) => plain({ role, parts })),
    );

    app.double.enqueue({ text: ['One, again.'] });
    await chat.regenerate({ messageId: chat.messages[1]!.id });
    expect(said(chat.messages)).toEqual(['one', 'One, again.']);
    expect(said(await loaded(chat.id))).toEqual(['one', 'One, again.']);

    // A reloaded client knows the messages by their stored ids.
    const again = await reload(chat.id);
    await again.regenerate({ messageId: again.messages[0]!.id });
    expect(said(again.messages)).toEqual(['one', 'You said: one']);
    expect(said(await loaded(chat.id))).toEqual(['one', 'You said: one']);
  });

  it('shows readable errors, and continues after them', async () => {
    const errors: Error[] = [];
    const chat = client({ onError: (error) => errors.push(error) });
    app.double.enqueue({ fault: { type: 'status', status: 401 } });
    await chat.sendMessage({ text: 'before the first word' });
    expect(chat.status).toBe('error');
    expect(problemOf(chat.error)).toMatchObject({
      status: 400,
      code: 'api_key_missing',
      detail: expect.stringMatching(/^Google refused .* x-google-api-key\.$/),
    });

    app.double.enqueue({ text: ['It is ', 'well'], fault: { type: 'error-frame', chunks: 1 } });
    await chat.regenerate();
    expect(chat.status).toBe('error');
    expect(chat.error?.message).toMatch(/^Google .*\.$/);
    expect(textOf(chat.lastMessage)).toBe('It is ');
    expect(errors).toHaveLength(2);
    for (const { message } of errors) expect(message).not.toMatch(/stack|node_modules|server-key/);
    expect((await messagesOf(app, user, chat.id)).map(({ status }) => status)).toEqual([
      'complete',
      'failed',
    ]);

    await chat.regenerate();
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'You said: before the first word']);
    expect(said(await loaded(chat.id))).toEqual(said(chat.messages));
  });

  it('sends files without text', async () => {
    const url =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const files = [{ type: 'file' as const, mediaType: 'image/png', filename: 'dot.png', url }];
    for (const model of ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5']) {
      const chat = client({ id: randomUUID(), body: { model } });
      app.double.enqueue({ text: ['A dot.'] }, { times: 2 });
      await chat.sendMessage({ text: '', files });
      expect([model, chat.error?.message]).toEqual([model, undefined]);
      await chat.sendMessage({ files });
      expect(said(chat.messages)).toEqual(['', 'A dot.', '', 'A dot.']);
    }
  });
});

/** The problem document that the client's error is made from. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert its shape
function problemOf(error: Error | undefined): any {
  return JSON.parse(error?.message ?? 'null');
}
