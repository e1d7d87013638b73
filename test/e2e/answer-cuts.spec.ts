import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { PROVIDERS, VENDORS } from '../../src/modules/models/vendors/vendors.js';
import { type ProviderDouble, startProviderDouble } from '../doubles/provider-double.js';
import type { Script } from '../doubles/script.js';
import { call } from '../doubles/sdk-clients.js';

const MODELS = {
  google: 'gemini-2.5-flash',
  openai: 'gpt-5-mini',
  anthropic: 'claude-sonnet-4-5',
} as const;

const SCRIPT: Script = {
  overture: ': connected\n\n',
  reasoning: ['Let me ', 'think of 𝄞.'],
  sources: [{ url: 'https://example.com/tides', title: 'Gezeiten — größer' }],
  text: ['Zwei ', 'Häfen, ', '二つの港。'],
  toolCalls: [{ id: 'call_1', name: 'weather', input: { city: 'Zürich' } }],
  interludes: [{ after: 1, data: ': still here\n\n' }],
};

/** Newer than the client, which ends if an answer begins so. */
const NEWS = 'event: news\ndata: {"type":"news"}\n\n';

/** The lengths of the chunks, in bytes. */
const CUTS = [1, 7, 300, Infinity];

const APIS = PROVIDERS.flatMap((provider) =>
  (VENDORS[provider].variables.api?.values ?? [undefined]).map((api) => ({ provider, api })),
);

let double: ProviderDouble;

beforeAll(async () => {
  double = await startProviderDouble();
});
afterAll(() => double.close());

/** Networks and proxies cut and join as they like. The first read may contain the whole answer. */
it.each(APIS)(
  'an answer is the same however its bytes are cut: $provider $api',
  async ({ provider, api }) => {
    double.enqueue(scriptFor(provider, api));
    let answer: Promise<Response> | undefined;
    const parts = await Promise.all(
      CUTS.map((length) => {
        const client = VENDORS[provider].connect({
          apiKey: 'good-key',
          baseURL: double[`${provider}Url`],
          fetch: async (input, init) => cut((await (answer ??= fetch(input, init))).clone(), length),
          api,
        });
        return partsOf(client.language(MODELS[provider]));
      }),
    );
    const whole = parts.at(-1)!;
    const types = new Set(whole.map(({ type }) => type));
    for (const type of ['reasoning-delta', 'text-delta', 'tool-call', 'finish'])
      expect(types).toContain(type);
    if (api !== 'chat') expect(types).toContain('source');
    for (const others of parts) expect(others).toEqual(whole);
  },
);

function scriptFor(provider: string, api: string | undefined): Script {
  if (api === 'chat') return { ...SCRIPT, thoughtsIn: 'reasoning_content' };
  if (provider !== 'anthropic') return SCRIPT;
  return { ...SCRIPT, overture: SCRIPT.overture + NEWS, interludes: [{ after: 1, data: NEWS }] };
}

async function partsOf(model: LanguageModelV4): Promise<LanguageModelV4StreamPart[]> {
  const { stream } = await model.doStream(call('Cite'));
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of stream) {
    // The client creates these.
    if (part.type === 'source') part.id = '';
    if (part.type === 'response-metadata') part.timestamp = undefined;
    parts.push(part);
  }
  return parts;
}

async function cut(response: Response, length: number): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += length) controller.enqueue(bytes.subarray(at, at + length));
      controller.close();
    },
  });
  return new Response(body, response);
}
