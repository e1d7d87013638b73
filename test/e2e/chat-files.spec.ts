import { randomUUID } from 'node:crypto';
import { BROKEN_PDF, BROKEN_PNG, FILES, file, PNG } from '../history/files.js';
import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import { type Answer, type ChatApp, startChatApp } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { messagesOf } from '../support/turns.js';

const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];
const NAMES = { google: 'Google', openai: 'OpenAI', anthropic: 'Anthropic' };

/** Files of a conversation, on their way to each vendor. */
describe.each(MODELS)('files for %s', (model) => {
  let app: ChatApp;
  let user: TestUser;
  const provider = model.split('/')[0] as keyof typeof NAMES;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  const send = (chatId: string, parts: object[], more: object = {}): Promise<Answer> =>
    app.post(user, {
      id: chatId,
      message: { id: randomUUID(), role: 'user', parts },
      model,
      agent: 'chat',
      ...more,
    });
  /** The calls that answer, not those that name the chat. */
  const calls = () => app.double.requests.filter(({ stream }) => stream);
  const told = () => JSON.stringify(calls().at(-1)?.body);

  it.each([
    ['csv', 'Rome,clear'],
    ['plain', 'plain words'],
    ['markdown', '# Title'],
    ['json', '{\\"a\\":1}'],
    ['yaml', 'a: 1'],
    ['xml', '<a/>'],
    ['typescript', 'export const a = 1;'],
    ['latin1', 'café'],
    ['svg', 'www.w3.org/2000/svg'],
  ])('writes text into the prompt: %s', async (kind, words) => {
    const chatId = randomUUID();
    const answer = await send(chatId, [text('Look.'), FILES[kind] ?? {}]);
    expect([answer.status, answer.problem]).toEqual([200, undefined]);
    expect(told()).toContain(words);
    expect((await send(chatId, [text('And now?')])).status).toBe(200);
    expect(told()).toContain(words);
  });

  it.each([
    ['zip', /application\/zip; .* takes image\/png, .* and text/],
    ['docx', /wordprocessingml\.document; .* takes image\/png, .* and text/],
    ['bmp', /image\/bmp; .* takes image\/png/],
    ['broken base64', /is not valid base64/],
    ['no data', /is empty/],
    ['text said to be an image', /is not an image/],
    ['no pdf', /is not a PDF document/],
    ['binary said to be text', /is not text/],
  ])('refuses what no one takes before anything is stored: %s', async (kind, said) => {
    const chatId = randomUUID();
    const answer = await send(chatId, [text('Look.'), FILES[kind] ?? {}]);
    expect(answer.problem).toMatchObject({
      status: 400,
      code: 'validation_failed',
      errors: [{ path: 'message.parts.1', message: expect.stringMatching(said) }],
    });
    expect(app.double.requests).toEqual([]);
    expect(await app.database.query('select from chat where id = $1', [chatId])).toEqual([]);
    expect((await send(chatId, [text('Never mind.')])).text).toBe('You said: Never mind.');
  });

  it.each([
    ['an image', BROKEN_PNG, 'broken.png'],
    ['a document', BROKEN_PDF, 'broken.pdf'],
  ])('remembers that the vendor could not process a file: %s', async (_what, broken, name) => {
    const chatId = randomUUID();
    const said = `${NAMES[provider]} could not process the file ${name}. Later questions leave it out.`;
    const answer = await send(chatId, [text('Look.'), broken]);
    expect(answer.problem).toMatchObject({
      status: 400,
      code: 'validation_failed',
      errors: [{ path: 'message.parts.1', message: said }],
    });
    expect(calls()).toHaveLength(1);

    const [question, failed] = await messagesOf(app, user, chatId);
    expect(question?.parts[1]).toMatchObject({
      type: 'file',
      providerMetadata: { switchboard: { refusedBy: [provider] } },
    });
    expect(failed?.metadata.error.message).toContain(said);

    const next = await send(chatId, [text('And now?')]);
    expect([next.status, next.chunks.filter(({ type }) => type === 'data-refusedFiles')]).toEqual([200, []]);
    expect(calls()).toHaveLength(2);
    expect(told()).toContain(`[omitted file: ${name}; ${NAMES[provider]} could not process it]`);
  });

  it('answers a question whose history has a file that it cannot process, names it, and leaves it out from then on', async () => {
    const chatId = await addChat(app, user);
    const parts = [text('See.'), file('image/png', PNG, 'good.png'), BROKEN_PNG];
    const messageId = await addMessage(app, chatId, {
      role: 'user',
      parts,
      createdAt: '2026-01-01T00:00:00Z',
    });
    await addMessage(app, chatId, { parts: [text('I see.')], createdAt: '2026-01-01T00:00:01Z' });
    const answer = await send(chatId, [text('And now?')]);
    expect([answer.status, answer.text, calls().length]).toEqual([200, 'You said: And now?', 2]);
    const named = answer.chunks.filter(({ type }) => type === 'data-refusedFiles');
    expect(named).toHaveLength(1);
    expect(named[0].data).toContainEqual({ messageId, name: 'broken.png' });

    const next = await send(chatId, [text('And then?')]);
    expect([next.status, calls().length]).toEqual([200, 3]);
    expect(told()).toContain('[omitted file: broken.png;');
    const stored = (await messagesOf(app, user, chatId)).find(
      ({ role }) => role === 'assistant' && role,
    )?.parts;
    expect(stored).toBeDefined();
    const reloaded = (await messagesOf(app, user, chatId))[3]?.parts as Array<{ type: string }>;
    expect(reloaded.map(({ type }) => type)).toContain('data-refusedFiles');
  });

  it('gives the latest of many large pictures, and never more than the vendor takes', async () => {
    const chatId = await addChat(app, user);
    // About 3.4 MB each: all of them together are more than anyone takes, or this server keeps in memory.
    const picture = (name: string) =>
      file('image/png', Buffer.concat([PNG, Buffer.alloc(3_400_000, name)]), `${name}.png`);
    for (let index = 10; index < 26; index++) {
      const createdAt = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString();
      await addMessage(app, chatId, { role: 'user', parts: [text('See.'), picture(`p${index}`)], createdAt });
    }
    const answer = await send(chatId, [text('Which was the last?')]);
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('Which was the last?')]);
    expect(calls()).toHaveLength(1);
    const prompt = told();
    expect(prompt.length).toBeLessThan({ google: 20, anthropic: 32, openai: 50 }[provider] * 1024 ** 2);
    const inside = { google: 3, anthropic: 6, openai: 9 }[provider];
    const uploaded = { google: 6, anthropic: 0, openai: 0 }[provider];
    const kept = inside + uploaded;
    expect(prompt.split('iVBORw0KGgo')).toHaveLength(inside + 1);
    expect(prompt.split('"fileUri"')).toHaveLength(uploaded + 1);
    expect(app.double.googleFiles.uploads).toHaveLength(uploaded);
    const leftOut = [...prompt.matchAll(/omitted file: p(\d+)\.png/g)].map(([, index]) => Number(index));
    expect(leftOut).toEqual(Array.from({ length: 16 - kept }, (_, index) => 10 + index));
  });
});
