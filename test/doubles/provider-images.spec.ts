import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import type { ImageModelV4, ImageModelV4CallOptions } from '@ai-sdk/provider';
import { type ProviderDouble, startProviderDouble } from './provider-double.js';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1').toString('base64');
const FORMATS = ['google', 'openai'] as const;
type Format = (typeof FORMATS)[number];

describe('the provider double as an image model', () => {
  let double: ProviderDouble;

  beforeAll(async () => {
    double = await startProviderDouble();
  });

  beforeEach(() => double.reset());
  afterAll(() => double.close());

  /** The real client package, with the double as its server. */
  const client = (format: Format, apiKey = 'good-key'): ImageModelV4 =>
    format === 'google'
      ? createGoogleGenerativeAI({ apiKey, baseURL: double.googleUrl }).image('gemini-2.5-flash-image')
      : createOpenAI({ apiKey, baseURL: double.openaiUrl }).image('gpt-image-1');

  const call = (more: Partial<ImageModelV4CallOptions> = {}): ImageModelV4CallOptions => ({
    prompt: 'A lighthouse',
    n: 1,
    size: undefined,
    aspectRatio: undefined,
    seed: undefined,
    files: undefined,
    mask: undefined,
    providerOptions: {},
    ...more,
  });

  it.each(FORMATS)('draws what is programmed, and reports its usage: %s', async (format) => {
    double.enqueue({ image: PNG, usage: { input: 12, output: 1_290 } });
    const { images, usage } = await client(format).doGenerate(call());
    expect(images).toEqual([PNG]);
    expect(usage).toEqual({ inputTokens: 12, outputTokens: 1_290, totalTokens: 1_302 });
    expect(double.reported()).toMatchObject([
      { provider: format, input: 12, output: 1_290, ended: 'complete' },
    ]);
    expect(double.requests).toMatchObject([{ userText: 'A lighthouse', wantsImage: true, stream: false }]);
    expect((await client(format).doGenerate(call())).images).toEqual([expect.stringMatching(/^iVBOR/)]);
  });

  it.each(FORMATS)('accepts an image to change: %s', async (format) => {
    double.enqueue({ image: PNG, usage: { input: 300, output: 1_056 }, imageInput: 258 });
    const files = [{ type: 'file' as const, mediaType: 'image/png', data: PNG }];
    const { images, usage, providerMetadata } = await client(format).doGenerate(call({ files }));
    expect([images, usage?.inputTokens]).toEqual([[PNG], 300]);
    const [request] = double.requests;
    if (format === 'google') {
      const data = { mimeType: 'image/png', data: PNG };
      expect(request?.body['contents'][0].parts).toEqual([{ text: 'A lighthouse' }, { inlineData: data }]);
    } else {
      expect(request?.path).toBe('/openai/images/edits');
      expect(request?.body['image']).toMatchObject({ type: 'image/png', data: PNG });
      expect(providerMetadata?.['openai']?.images).toMatchObject([{ imageTokens: 258, textTokens: 42 }]);
    }
  });

  it('refuses content as each service does: Gemini without an image, OpenAI with 400', async () => {
    double.enqueue({ finishReason: 'content-filter', usage: { input: 7, output: 0 } }, { times: 2 });
    const answer = await client('google').doGenerate(call());
    expect(answer).toMatchObject({ images: [], isRetryable: false, usage: { inputTokens: 7 } });
    await expect(client('openai').doGenerate(call())).rejects.toMatchObject({
      statusCode: 400,
      isRetryable: false,
      data: { error: { code: 'moderation_blocked', type: 'image_generation_user_error' } },
    });
  });

  it.each(FORMATS)('limits requests and refuses bad keys: %s', async (format) => {
    double.enqueue({ fault: { type: 'status', status: 429, retryAfterSeconds: 9 } });
    await expect(client(format).doGenerate(call())).rejects.toMatchObject({ statusCode: 429 });
    const status = format === 'google' ? 400 : 401;
    await expect(client(format, 'bad-key').doGenerate(call())).rejects.toMatchObject({ statusCode: status });
  });

  it('can hide its usage', async () => {
    double.enqueue({ fault: { type: 'usage-lies', lie: 'missing' } }, { times: 2 });
    expect((await client('openai').doGenerate(call())).usage).toBeUndefined();
    expect((await client('google').doGenerate(call())).usage?.inputTokens).toBeUndefined();
  });

  it.each([
    ['no prompt', { model: 'gpt-image-1' }, /parameter: 'prompt'/],
    ['a prompt that is too long', { model: 'gpt-image-1', prompt: 'x'.repeat(32_001) }, /string too long/],
    [
      'a format of its answer',
      { model: 'gpt-image-1', prompt: 'x', response_format: 'b64_json' },
      /Unknown parameter/,
    ],
  ])('does not accept %s', async (_what, body, said) => {
    const response = await fetch(`${double.openaiUrl}/images/generations`, {
      method: 'POST',
      headers: { authorization: 'Bearer good-key', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(said);
  });

  it.each([
    ['no picture', undefined, /parameter: 'image'/],
    ['a picture that is text', new Blob(['x'], { type: 'text/plain' }), /unsupported mimetype/],
  ])('does not change %s', async (_what, image, said) => {
    const form = new FormData();
    form.set('model', 'gpt-image-1');
    form.set('prompt', 'x');
    if (image) form.set('image', image);
    const response = await fetch(`${double.openaiUrl}/images/edits`, {
      method: 'POST',
      headers: { authorization: 'Bearer good-key' },
      body: form,
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(said);
  });
});
