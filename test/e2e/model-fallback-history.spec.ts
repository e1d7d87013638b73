import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { configureAgent } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import {
  answerRows,
  ANTHROPIC,
  askedModels,
  GOOGLE,
  idsOf,
  liveMetadata,
  OPENAI,
  script,
  SHORT_COOL_DOWN,
  status,
  withFallbacks,
} from '../support/fallbacks.js';

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const file = (mediaType: string, base64: string, filename: string) => ({
  type: 'file',
  mediaType,
  filename,
  url: `data:${mediaType};base64,${base64}`,
});

/** What is sent to the model of another vendor: the double refuses what the vendor would refuse. */
describe('a conversation that another vendor goes on with', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp(SHORT_COOL_DOWN);
    user = await app.createUser();
  });

  beforeEach(async () => {
    app.double.reset();
    await sleep(60);
  });

  afterAll(() => app.close());

  const say = (chatId: string, parts: object[], agent = 'chat') =>
    app.post(user, { id: chatId, agent, message: { id: randomUUID(), role: 'user', parts } });
  const text = (words: string) => ({ type: 'text', text: words });
  const lastBody = () => JSON.stringify(app.double.requests.filter(({ stream }) => stream).at(-1)?.body);

  it('reads reasoning, searches, pictures and text files in its own format', async () => {
    const chatId = randomUUID();
    await withFallbacks(app, [ANTHROPIC, OPENAI], {
      capabilities: { thinking: true, fileInput: true, googleSearch: true },
      models: [{ id: 'gemini-2.5-flash', isDefault: true }],
    });
    script(app, 'google', {
      reasoning: ['A secret thought.'],
      text: ['It is a pixel.'],
      sources: [{ url: 'https://example.com/pixel', title: 'Pixel' }],
    });
    await say(chatId, [
      text('What is this?'),
      file('image/png', PIXEL, 'pixel.png'),
      file('text/csv', Buffer.from('a,b\n1,2').toString('base64'), 'table.csv'),
    ]);

    for (const [failing, next, answering] of [
      ['google', 'anthropic', ANTHROPIC],
      ['anthropic', 'openai', OPENAI],
    ] as const) {
      await sleep(60);
      script(app, 'google', status(503));
      if (failing === 'anthropic') script(app, 'anthropic', status(529));
      script(app, next, { reasoning: ['Hm.'], text: [`From ${next}.`] });
      const answer = await say(chatId, [text('And now?')]);
      expect([answer.status, answer.text]).toEqual([200, `From ${next}.`]);
      expect(liveMetadata(answer.chunks)).toMatchObject({ model: answering });
      const body = lastBody();
      expect(body).toContain(PIXEL);
      expect(body).toContain('1,2');
      expect(body).toContain('It is a pixel.');
      expect(body).not.toContain('A secret thought.');
      // The configuration allows web search, which has another name there.
      expect(body).toMatch(/web_search/);
    }
    // Then the first vendor goes on with what the others said.
    await sleep(60);
    const back = await say(chatId, [text('Still there?')]);
    expect(liveMetadata(back.chunks)).toMatchObject({ model: GOOGLE });
    expect(lastBody()).toContain('From openai.');
  });

  it('has the settings and the cache of the model that is asked', async () => {
    await withFallbacks(app, [ANTHROPIC], {
      systemPrompt: 'You are terse.',
      parameters: { temperature: 0.3, topK: 7, maxOutputTokens: 500 },
      capabilities: { thinking: false, fileInput: true },
      caching: { ttl: '1h' },
    });
    script(app, 'google', status(500));
    await say(randomUUID(), [text('Hello')]);
    const [google, anthropic] = app.double.requests.filter(({ stream }) => stream);
    expect(google!.body).toMatchObject({ generationConfig: { temperature: 0.3, maxOutputTokens: 500 } });
    expect(anthropic!.body).toMatchObject({
      max_tokens: 500,
      system: [{ text: 'You are terse.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    });
  });

  it('does not go to a model that does not take the files of the question', async () => {
    const audio = file('audio/wav', Buffer.from('RIFF0000WAVEfmt ').toString('base64'), 'sound.wav');
    await withFallbacks(app, [ANTHROPIC, 'google/gemini-2.5-pro'], {
      models: [{ id: 'gemini-2.5-flash', isDefault: true }],
    });
    script(app, 'google', status(500));
    const answer = await say(randomUUID(), [text('What is this?'), audio]);
    expect(answer.status).toBe(200);
    expect(askedModels(app)).toEqual([GOOGLE, 'google/gemini-2.5-pro']);
  });

  describe('with tools', () => {
    const writes = ({ instructions }: { instructions: string }) =>
      instructions.includes('You write the content of a document');
    const DOCUMENT = { title: 'Tides', kind: 'text', description: 'An essay on tides' };
    const toolCall = { toolCalls: [{ id: 'call-1', name: 'createDocument', input: DOCUMENT }] };

    beforeAll(() => configureAgent(app, 'google', { fallbackModels: idsOf(ANTHROPIC, OPENAI) }, 'artifact'));

    it('has one model for all steps of an answer, and for the documents that it writes', async () => {
      const chatId = randomUUID();
      script(app, 'google', status(500));
      app.double.enqueue({ text: ['# Tides'] }, { when: writes });
      script(app, 'anthropic', toolCall);
      script(app, 'anthropic', { text: ['Done.'] });
      const answer = await say(chatId, [text('Write an essay')], 'artifact');
      expect([answer.status, answer.text]).toEqual([200, 'Done.']);
      expect(askedModels(app)).toEqual([GOOGLE, ANTHROPIC, ANTHROPIC, ANTHROPIC]);
      expect(answer.chunks.filter(({ type }) => type === 'start-step')).toHaveLength(2);
      expect(liveMetadata(answer.chunks)).toMatchObject({ model: ANTHROPIC });

      // The next question of the chat goes back to the first vendor, with the calls of the other one.
      await sleep(60);
      const next = await say(chatId, [text('Thanks')], 'artifact');
      expect([next.status, askedModels(app).at(-1)]).toEqual([200, GOOGLE]);
      expect(lastBody()).toContain('createDocument');
    });

    it('does not change the model between two steps', async () => {
      app.double.enqueue({ text: ['# Tides'] }, { when: writes });
      script(app, 'google', toolCall);
      script(app, 'google', status(429, 9));
      const chatId = randomUUID();
      const answer = await say(chatId, [text('Write an essay')], 'artifact');
      expect(answer.chunks.at(-1)).toMatchObject({
        type: 'error',
        errorText: expect.stringMatching(/^Google is rate limiting/),
      });
      expect(new Set(askedModels(app))).toEqual(new Set([GOOGLE]));
    });

    it('lets another model write the document if the writing call fails', async () => {
      app.double.enqueue(status(500), { when: (request) => writes(request) });
      app.double.enqueue({ text: ['# Tides'] }, { when: (request) => writes(request) });
      script(app, 'google', toolCall);
      script(app, 'google', { text: ['Done.'] });
      const chatId = randomUUID();
      const answer = await say(chatId, [text('Write an essay')], 'artifact');
      expect(answer.text).toBe('Done.');
      expect(askedModels(app)).toEqual([GOOGLE, GOOGLE, ANTHROPIC, GOOGLE]);
      const { body } = await app.request('GET', '/api/documents', { user });
      expect(body.items[0]).toMatchObject({ title: 'Tides' });
      // The answer is by the model that the user talks to.
      expect(liveMetadata(answer.chunks)).toMatchObject({ model: GOOGLE });
      expect(await answerRows(app, chatId)).toHaveLength(4);
    });

    it('makes suggestions in place of a model that fails', async () => {
      const content = 'The moon pulls the sea.';
      const document = await app.request('POST', '/api/documents', {
        user,
        body: { title: 'Tides', kind: 'text', content },
      });
      const isSuggesting = ({ body }: { body: unknown }) => JSON.stringify(body).includes(content);
      app.double.enqueue(status(500), { when: (request) => isSuggesting(request) });
      app.double.enqueue(
        { text: ['[{"originalText":"pulls","suggestedText":"draws"}]'] },
        { when: (request) => isSuggesting(request) },
      );
      const made = await app.request('POST', `/api/documents/${document.body.id}/suggestions`, {
        user,
        body: {},
      });
      expect([made.status, made.body.items]).toMatchObject([
        expect.any(Number),
        [{ suggestedText: 'draws' }],
      ]);
      expect(app.double.requests.map(({ provider }) => provider)).toEqual(['google', 'anthropic']);
    });
  });
});
