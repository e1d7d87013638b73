import { APICallError } from 'ai';
import { type ProviderDouble, startProviderDouble } from './provider-double.js';
import type { ErrorReason, Fault, FaultStatus } from './script.js';
import { call, clientModel, FORMATS, hearStream, hearWhole } from './sdk-clients.js';

globalThis.AI_SDK_LOG_WARNINGS = false;
afterAll(() => {
  globalThis.AI_SDK_LOG_WARNINGS = undefined;
});

const TEXT = ['one ', 'two ', 'three ', 'four'];

/** The provider's own message for a context that is too long. */
const TOO_LONG = {
  google: /input token count .* exceeds the maximum/,
  'openai-responses': /exceeds the context window/,
  'openai-chat': /maximum context length/,
  anthropic: /prompt is too long/,
};

/** The code of the innermost error. */
function rootCode(error: unknown): unknown {
  const { cause, code } = error as { cause?: unknown; code?: unknown };
  return cause === undefined ? code : rootCode(cause);
}

describe('faults of the provider double', () => {
  let double: ProviderDouble;

  beforeAll(async () => {
    double = await startProviderDouble();
  });

  afterEach(() => double.reset());
  afterAll(() => double.close());

  describe.each(FORMATS)('%s', (format) => {
    const model = () => clientModel(double, format);
    const stream = (fault: Fault, text = TEXT) => {
      double.enqueue({ text, fault });
      return hearStream(model(), call('Hello'));
    };
    const failure = (fault: Fault, hear: typeof hearStream = hearStream) => {
      double.enqueue({ text: TEXT, fault });
      return hear(model(), call('Hello')).then(
        () => undefined,
        (error: unknown) => error,
      );
    };
    const ended = () => double.until(() => double.requests[0]?.state === 'ended');

    it.each([400, 401, 403, 404, 429, 500, 503, 529] as FaultStatus[])('status %i', async (status) => {
      for (const hear of [hearStream, hearWhole]) {
        const error = await failure({ type: 'status', status }, hear);
        expect(APICallError.isInstance(error)).toBe(true);
        const expected = status === 529 && format !== 'anthropic' ? 503 : status;
        expect(error).toMatchObject({
          statusCode: expected,
          data: { error: { message: expect.any(String) } },
        });
        if (status === 400) expect((error as Error).message).toMatch(TOO_LONG[format]);
        if (status === 404) expect((error as Error).message).toContain(double.requests[0]?.model);
        if (status === 429) {
          expect((error as APICallError).responseHeaders).not.toHaveProperty('retry-after');
          expect((error as APICallError).responseBody).not.toContain('retryDelay');
        }
      }
    });

    it('status 429 with a wait', async () => {
      const error = (await failure({ type: 'status', status: 429, retryAfterSeconds: 7 })) as APICallError;
      if (format === 'google') expect(error.responseBody).toContain('"retryDelay":"7s"');
      else expect(error.responseHeaders).toMatchObject({ 'retry-after': '7' });
    });

    it('reset before the first byte', async () => {
      for (const hear of [hearStream, hearWhole]) {
        const error = await failure({ type: 'reset-before-first-byte' }, hear);
        expect(rootCode(error)).toBe('ECONNRESET');
      }
      await ended();
      expect(double.requests[0]).toMatchObject({ status: undefined, closedByClient: false, chunks: 0 });
    });

    it('reset in the middle', async () => {
      const heard = await stream({ type: 'reset-after', chunks: 2 });
      expect(heard.text).toBe('one two ');
      expect(rootCode(heard.broken)).toBe('ECONNRESET');
      expect(heard.finishReason).toBeUndefined();
      await ended();
      expect(double.requests[0]).toMatchObject({ status: 200, closedByClient: false, chunks: 2 });
    });

    it('end without an ending', async () => {
      const heard = await stream({ type: 'half-close', chunks: 2 });
      expect(heard).toMatchObject({ text: 'one two ', broken: undefined, finishReason: 'interrupted' });
      await ended();
      expect(double.requests[0]).toMatchObject({ closedByClient: false, chunks: 2 });
    });

    it('end of the connection in the middle of the body', async () => {
      const heard = await stream({ type: 'half-close', chunks: 2, abrupt: true });
      expect(heard.text).toBe('one two ');
      expect(rootCode(heard.broken)).toBe('UND_ERR_SOCKET');
      await ended();
      expect(double.requests[0]?.closedByClient).toBe(false);
    });

    it.each<[Fault, number | undefined, number]>([
      [{ type: 'stall-before-first-byte' }, undefined, 0],
      [{ type: 'stall-after', chunks: 0 }, 200, 0],
      [{ type: 'stall-after', chunks: 2 }, 200, 2],
    ])('silence: %j', async (fault, status, chunks) => {
      for (const hear of [hearStream, hearWhole]) {
        double.reset();
        double.enqueue({ text: TEXT, fault });
        const abort = new AbortController();
        const heard = hear(model(), call('Hello', { abortSignal: abort.signal })).catch((error: unknown) => ({
          broken: error,
        }));
        await double.until(() => double.requests[0]?.state === 'held');
        expect(double.requests[0]).toMatchObject({ status });
        if (hear === hearStream) expect(double.requests[0]).toMatchObject({ chunks });
        abort.abort();
        expect((await heard).broken).toMatchObject({ name: 'AbortError' });
        await ended();
        expect(double.requests[0]?.closedByClient).toBe(true);
      }
    });

    it('an event that is not JSON', async () => {
      const heard = await stream({ type: 'malformed', chunks: 2 });
      expect(heard.errors).toMatchObject([{ name: 'AI_JSONParseError' }]);
      expect(heard).toMatchObject({ text: 'one two three four', broken: undefined });
    });

    it.each<[ErrorReason, RegExp]>([
      ['overloaded', /overloaded/i],
      ['rate-limit', /quota|rate limit/i],
      ['context-length', TOO_LONG[format]],
      ['internal', /internal|server/i],
    ])('an error event: %s', async (reason, text) => {
      const heard = await stream({ type: 'error-frame', chunks: 2, reason });
      expect(heard).toMatchObject({ text: 'one two ', errors: [{ message: expect.stringMatching(text) }] });
      expect(heard.finishReason).not.toBe('stop');
    });

    it('an error event before anything else', async () => {
      const outcome = await stream({ type: 'error-frame', chunks: 0 }).catch((error: unknown) => ({
        errors: [error],
        text: '',
      }));
      expect(outcome).toMatchObject({
        text: '',
        errors: [{ message: expect.stringMatching(/overloaded/i) }],
      });
    });

    it('an empty answer', async () => {
      for (const hear of [hearStream, hearWhole]) {
        double.enqueue({ text: TEXT, fault: { type: 'empty' } });
        const heard = await hear(model(), call('Hello'));
        expect(heard).toMatchObject({ text: '', toolCalls: [], errors: [], finishReason: 'stop' });
      }
    });

    it('more text than requested', async () => {
      const heard = await stream({ type: 'flood', characters: 1_000_000 });
      expect(heard.text.length).toBeGreaterThanOrEqual(1_000_000);
      expect(heard.finishReason).toBe('stop');
    });

    it('impossible usage', async () => {
      const told = async (lie: 'negative' | 'absurd' | 'inconsistent' | 'missing') => {
        double.enqueue({ text: TEXT, usage: { input: 10, output: 5 }, fault: { type: 'usage-lies', lie } });
        return hearStream(model(), call('Hello'));
      };
      expect((await told('negative')).usage?.outputTokens.total).toBe(-5);
      expect((await told('absurd')).usage?.inputTokens.total).toBe(9e15);
      const inconsistent = (await told('inconsistent')).usage;
      expect(inconsistent?.inputTokens).toMatchObject({ total: 10, cacheRead: 1010 });
      expect(inconsistent?.outputTokens).toMatchObject({ total: 5, reasoning: 1005 });
      const missing = await told('missing');
      expect(missing.text).toBe(TEXT.join(''));
      expect(missing.errors).toEqual([]);
      expect(missing.usage?.inputTokens.total).toBe(format === 'anthropic' ? 0 : undefined);
      expect(double.reported()).toHaveLength(3);
    });

    it.each<Fault>([
      { type: 'reset-after', chunks: 1 },
      { type: 'half-close', chunks: 1 },
      { type: 'malformed', chunks: 1 },
      { type: 'error-frame', chunks: 1 },
    ])('a broken answer that is not streamed: %j', async (fault) => {
      const error = await failure(fault, hearWhole);
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ statusCode: fault.type === 'error-frame' ? 500 : 200 });
      await ended();
      expect(double.requests[0]?.closedByClient).toBe(false);
    });

    it('breaks before the end when the stream is shorter than the fault says', async () => {
      const heard = await stream({ type: 'half-close', chunks: 99 });
      expect(heard).toMatchObject({ text: 'one two three four', finishReason: 'interrupted' });
    });
  });

  it('sends a flood no faster than the client reads', async () => {
    const characters = 48_000_000;
    double.enqueue({ fault: { type: 'flood', characters } });
    const response = await fetch(`${double.anthropicUrl}/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'good-key', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({
        model: 'claude-sonnet-4-5',
        max_tokens: 100,
        stream: true,
        messages: [{ role: 'user', content: 'Go' }],
      }),
    });
    let read = 0;
    let farthestAhead = 0;
    for await (const piece of response.body as ReadableStream<Uint8Array>) {
      read += piece.length;
      // A slow reader: the double gets many turns for each of its own.
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      const sent = (double.requests[0]?.chunks ?? 0) * 8_400;
      farthestAhead = Math.max(farthestAhead, sent - read);
    }
    expect(read).toBeGreaterThan(characters);
    // What is in transit is limited by the buffers of the connection.
    expect(farthestAhead).toBeLessThan(characters / 3);
  });
});
