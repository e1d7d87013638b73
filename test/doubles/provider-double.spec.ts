import { generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { type ProviderDouble, startProviderDouble } from './provider-double.js';
import type { Script } from './script.js';
import { call, clientModel, type Format, FORMATS, hearStream, hearWhole } from './sdk-clients.js';

/** The parts of a script that each format supports. */
const SHOWS_THOUGHTS: Record<Format, boolean> = {
  google: true,
  'openai-responses': true,
  'openai-chat': false,
  anthropic: true,
};
const COUNTS_CACHE_WRITES: Record<Format, boolean> = {
  google: false,
  'openai-responses': true,
  'openai-chat': true,
  anthropic: true,
};

const FULL: Script = {
  reasoning: ['Let me ', 'think.'],
  text: ['It is ', 'sunny ', 'in Paris.'],
  toolCalls: [
    { id: 'call_1', name: 'getWeather', input: { city: 'Paris', days: [1, 2], note: 'über "alles"' } },
  ],
  sources: [{ url: 'https://example.com/weather', title: 'Weather' }],
  usage: { input: 1000, cachedRead: 600, cacheWrite: 100, output: 50, reasoning: 20 },
};

// Chat completions cannot return reasoning, and the SDK warns about it on each call.
globalThis.AI_SDK_LOG_WARNINGS = false;
afterAll(() => {
  globalThis.AI_SDK_LOG_WARNINGS = undefined;
});

describe('provider double', () => {
  let double: ProviderDouble;

  beforeAll(async () => {
    double = await startProviderDouble();
  });

  afterEach(() => double.reset());
  afterAll(() => double.close());

  describe.each(FORMATS)('%s', (format) => {
    const cacheWrite = COUNTS_CACHE_WRITES[format] ? 100 : undefined;

    describe.each([
      ['streamed', hearStream],
      ['whole', hearWhole],
    ] as const)('%s', (_name, hear) => {
      it('streams everything that a script can contain', async () => {
        double.enqueue(FULL);
        const heard = await hear(clientModel(double, format), call('How is the weather?'));
        expect(heard).toMatchObject({
          text: 'It is sunny in Paris.',
          reasoning: SHOWS_THOUGHTS[format] ? 'Let me think.' : '',
          toolCalls: FULL.toolCalls,
          sources: FULL.sources,
          errors: [],
          broken: undefined,
          finishReason: 'tool-calls',
        });
      });

      it('reports the usage of the script, to the client and to the test', async () => {
        double.enqueue(FULL);
        const { usage } = await hear(clientModel(double, format), call('How is the weather?'));
        expect(usage?.inputTokens).toEqual({
          total: 1000,
          noCache: 400 - (cacheWrite ?? 0),
          cacheRead: 600,
          cacheWrite,
        });
        expect(usage?.outputTokens).toEqual({ total: 50, text: 30, reasoning: 20 });
        await double.until(() => double.reported().length === 1);
        expect(double.reported()).toEqual([
          {
            provider: format.split('-')[0],
            model: double.requests[0]?.model,
            input: 1000,
            cachedRead: 600,
            cacheWrite: cacheWrite ?? 0,
            output: 50,
            reasoning: 20,
            ended: 'complete',
          },
        ]);
      });

      it.each(['stop', 'length', 'content-filter'] as const)('ends because of %s', async (finishReason) => {
        double.enqueue({ text: ['So'], finishReason });
        const heard = await hear(clientModel(double, format), call('Go'));
        expect(heard.finishReason).toBe(finishReason);
      });

      it('repeats the message if nothing is programmed', async () => {
        const heard = await hear(clientModel(double, format), call('one two three four'));
        expect(heard.text).toBe('You said: one two three four');
        expect(heard.usage?.inputTokens.total).toBeGreaterThan(0);
        expect(heard.usage?.outputTokens.total).toBe(7);
      });

      it('hides its reasoning unless it is requested', async () => {
        double.enqueue(FULL);
        const heard = await hear(clientModel(double, format), call('Go', { providerOptions: {} }));
        expect(heard.reasoning).toBe('');
        expect(heard.usage?.outputTokens.reasoning).toBe(20);
      });

      it.each([
        ['a bad key', 'bad-key', { google: 400, openai: 401, anthropic: 401 }],
        ['no key', '', { google: 403, openai: 401, anthropic: 401 }],
      ])('refuses %s', async (_what, key, statuses) => {
        const model = clientModel(double, format, key);
        const provider = format.split('-')[0] as keyof typeof statuses;
        await expect(hear(model, call('Hello'))).rejects.toMatchObject({
          statusCode: statuses[provider],
          data: { error: { message: expect.any(String) } },
        });
        expect(double.requests).toMatchObject([{ provider, status: statuses[provider] }]);
      });
    });

    it('records the request', async () => {
      const before = Date.now();
      await hearStream(
        clientModel(double, format),
        call('ignored', {
          prompt: [
            { role: 'system', content: 'Be kind.' },
            { role: 'user', content: [{ type: 'text', text: 'Hello?' }] },
          ],
        }),
      );
      await double.until(() => double.requests[0]?.state === 'ended');
      const [record] = double.requests;
      expect(record).toMatchObject({
        stream: true,
        userText: 'Hello?',
        wantsReasoning: SHOWS_THOUGHTS[format],
        status: 200,
        chunks: 1,
        closedByClient: false,
      });
      expect(record?.instructions.trim()).toBe('Be kind.');
      expect(record?.startedAt).toBeGreaterThanOrEqual(before);
      expect(record?.endedAt).toBeGreaterThanOrEqual(record?.startedAt ?? Infinity);
      expect(JSON.stringify(record?.headers)).toContain('good-key');
      expect(JSON.stringify(record?.body)).toContain('Be kind.');
    });

    it('accepts the results of the tools that it called', async () => {
      double.enqueue({ reasoning: ['Hm.'], toolCalls: FULL.toolCalls });
      double.enqueue({ text: ['Done.'] }, { when: ({ afterTools }) => afterTools });
      const { text, steps } = await generateText({
        model: clientModel(double, format),
        prompt: 'How is the weather?',
        providerOptions: call('').providerOptions,
        tools: { getWeather: tool({ inputSchema: z.object({ city: z.string() }), execute: () => 'sunny' }) },
        stopWhen: stepCountIs(3),
      });
      expect(steps).toHaveLength(2);
      expect(text).toBe('Done.');
    });

    it('notices that the client disconnected', async () => {
      double.enqueue({ ...FULL, pauseAfter: 2 });
      const abort = new AbortController();
      const { stream } = await clientModel(double, format).doStream(
        call('Hello', { abortSignal: abort.signal }),
      );
      const drained = stream.pipeTo(new WritableStream()).catch(() => undefined);
      await double.until(() => double.requests[0]?.state === 'held');
      abort.abort();
      await drained;
      await double.until(() => double.requests[0]?.state === 'ended');
      expect(double.requests[0]).toMatchObject({ closedByClient: true, chunks: 2, status: 200 });
      // Google and Anthropic have reported figures by then. OpenAI only reports them at the end.
      const figures = double.reported();
      if (format.startsWith('openai')) expect(figures).toEqual([]);
      else expect(figures).toMatchObject([{ input: 1000, cachedRead: 600, ended: 'cut' }]);
    });

    it('holds a stream until it is told to continue', async () => {
      double.enqueue({ text: ['a', 'b', 'c'], pauseAfter: 2 });
      const heard = hearStream(clientModel(double, format), call('Hello'));
      await double.until(() => double.requests[0]?.state === 'held');
      expect(double.requests[0]?.chunks).toBe(2);
      double.resume();
      await expect(heard).resolves.toMatchObject({ text: 'abc', finishReason: 'stop' });
    });

    it('streams through the SDK from end to end', async () => {
      double.enqueue(FULL);
      const result = streamText({ model: clientModel(double, format), prompt: 'Hello' });
      expect(await result.text).toBe('It is sunny in Paris.');
      expect((await result.usage).outputTokens).toBe(50);
      expect((await result.sources).map((source) => source.sourceType === 'url' && source.url)).toEqual([
        'https://example.com/weather',
      ]);
    });
  });

  describe('programs', () => {
    const say = (text: string, instructions = '') =>
      hearStream(clientModel(double, 'google'), {
        prompt: [
          ...(instructions ? [{ role: 'system' as const, content: instructions }] : []),
          { role: 'user', content: [{ type: 'text', text }] },
        ],
      });

    it('answer in order, by what matches, as often as programmed', async () => {
      double.enqueue({ text: ['twice'] }, { times: 2 });
      double.enqueue({ text: ['special'] }, { when: ({ userText }) => userText.includes('special') });
      double.enqueue(({ userText }) => ({ text: [userText.toUpperCase()] }));
      const answers = [];
      for (const text of ['a', 'b', 'c', 'd', 'special']) answers.push((await say(text)).text);
      expect(answers).toEqual(['twice', 'twice', 'C', 'You said: d', 'special']);
    });

    it('are not used for a title', async () => {
      double.enqueue({ text: ['the answer'] });
      const title = await say(
        'How deep is the sea today my friend? [[double {"tokens":9}]]',
        'Write a short title for a chat.',
      );
      expect(title.text).toBe('About How deep is the sea today');
      expect((await say('How deep?')).text).toBe('the answer');
    });

    it('are not used for choosing an agent, which chooses the chat agent', async () => {
      double.enqueue({ text: ['the answer'] });
      const choice = await say(
        'How deep? [[double {"tokens":9}]]',
        'Answer with JSON: {"agent": one of chat, artifact, "reason": one short sentence}.',
      );
      expect(JSON.parse(choice.text)).toEqual({ agent: 'chat', reason: expect.any(String) });
      expect((await say('How deep?')).text).toBe('the answer');
    });

    it('reads directives in the text of the user', async () => {
      const started = performance.now();
      const heard = await say('Go [[double {"tokens":5,"delayMs":20,"firstDelayMs":30}]] on');
      expect(heard).toMatchObject({ text: 'token0 token1 token2 token3 token4 ', pieces: 5 });
      expect(heard.usage?.outputTokens.total).toBe(5);
      expect(performance.now() - started).toBeGreaterThanOrEqual(30 + 4 * 20);
      const calls = { toolCalls: [{ id: 'x', name: 'y', input: { deep: [[{ a: [1] }]] } }] };
      expect((await say(`[[double ${JSON.stringify(calls)}]]`)).toolCalls).toEqual(calls.toolCalls);
    });

    it('stamps chunks with the time they are sent at', async () => {
      const heard = await say('[[double {"tokens":4,"delayMs":15,"stamps":true}]]');
      expect(heard.text).toMatch(/^(?:t\d{13}\.\d{3};){4}$/);
      const stamps = heard.text.split(';').map((text) => Number(text.slice(1)));
      expect(stamps[3]! - stamps[0]!).toBeGreaterThanOrEqual(40);
      expect(Math.abs(stamps[0]! - Date.now())).toBeLessThan(10_000);
    });

    it('forgets everything when it is reset', async () => {
      double.enqueue({ text: ['a', 'b'], pauseAfter: 1 });
      double.enqueue({ text: ['never'] });
      const heard = say('Hello').catch((error: unknown) => ({ broken: error }));
      await double.until(() => double.requests[0]?.state === 'held');
      double.reset();
      expect((await heard).broken).toBeDefined();
      expect(double.requests).toEqual([]);
      expect((await say('there?')).text).toBe('You said: there?');
    });
  });
});
