import type { Pricing } from '../admin-config/pricing-schema.js';
import { costOf, NO_TOKENS } from '../usage/pricing.js';
import { pricedUncached } from './prompt-caching.js';
import type { SelectedModel } from './model-selector.js';
import { VENDORS } from './vendors/vendors.js';

type Caching = SelectedModel['agentConfig']['caching'];

const PRICING: Pricing = {
  input: 2,
  cachedInput: 0.2,
  cacheWrite: 2.5,
  cacheWriteHour: 4,
  output: 10,
  tiers: [
    { aboveInputTokens: 1_000, input: 4, cacheWrite: 5 },
    { aboveInputTokens: 2_000, input: 6 },
  ],
  scheduled: [{ from: '2027-01-01', input: 3, cacheWrite: 3.75, output: 15 }],
};

const model = (
  provider: SelectedModel['provider'],
  caching?: Caching,
  pricing: Pricing | undefined = PRICING,
) => ({ provider, agentConfig: { caching }, catalog: pricing && { pricing } }) as unknown as SelectedModel;

describe('pricedUncached', () => {
  const costs = (selected: SelectedModel, inputTokens: number, day = '2026-12-01', isPrepared?: boolean) =>
    Number(
      costOf({ ...NO_TOKENS, inputTokens }, pricedUncached(selected, isPrepared)?.pricing, new Date(day))
        .unrounded.totalCost,
    ) * 1e6;

  it.each([
    ['anthropic', undefined, 2.5],
    ['anthropic', { ttl: '1h' }, 4],
    ['anthropic', { enabled: false, ttl: '1h' }, 2],
    // OpenAI writes to its cache by itself.
    ['openai', undefined, 2.5],
    ['openai', { enabled: false }, 2.5],
    // Gemini does not bill it.
    ['google', undefined, 2],
    ['demo', undefined, 2],
  ] as const)('is what all of a prompt costs that %s writes to its cache: %j', (provider, caching, price) => {
    expect(costs(model(provider, caching), 100)).toBeCloseTo(100 * price, 6);
  });

  it('is never less than the call costs, whatever of it is written, by any tier and from any day on', () => {
    for (const ttl of ['5m', '1h'] as const)
      for (const day of ['2026-12-01', '2027-02-01'])
        for (const inputTokens of [500, 1_500, 2_500]) {
          const hour = ttl === '1h' ? inputTokens : 0;
          for (const cacheWriteTokens of [0, inputTokens]) {
            const usage = { ...NO_TOKENS, inputTokens, cacheWriteTokens };
            const tokens = { ...usage, cacheWriteHourTokens: cacheWriteTokens && hour };
            const real = Number(costOf(tokens, PRICING, new Date(day)).unrounded.totalCost) * 1e6;
            expect(costs(model('anthropic', { ttl }), inputTokens, day)).toBeGreaterThanOrEqual(real);
          }
        }
  });

  it('is the plain price for a call that asks for no caching, where the vendor must be asked', () => {
    expect(costs(model('anthropic'), 100, undefined, false)).toBeCloseTo(200, 6);
    expect(costs(model('openai'), 100, undefined, false)).toBeCloseTo(250, 6);
  });

  it('leaves models alone that have no price, or none for what is written', () => {
    expect(pricedUncached(model('anthropic', undefined, { input: 3, output: 15 }))?.pricing).toMatchObject({
      input: 3,
      output: 15,
    });
    expect(pricedUncached({ ...model('anthropic'), catalog: undefined })).toBeUndefined();
  });
});

describe('the cache key of OpenAI', () => {
  async function sentBy(api: string, baseURL?: string): Promise<unknown> {
    let sent: unknown;
    const client = VENDORS.openai.connect({
      apiKey: 'key',
      api,
      ...(baseURL === undefined ? {} : { baseURL }),
      fetch: (_url, init) => {
        sent = JSON.parse(init?.body as string);
        return Promise.resolve(Response.json({ error: { message: 'No.' } }, { status: 400 }));
      },
    });
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello' }] }];
    const options = VENDORS.openai.caching?.prepare(
      { prompt, providerOptions: { openai: { store: false } } },
      { ttl: '5m', conversation: 'a-chat' },
    );
    await expect(client.language('gpt-4o-mini').doStream(options ?? { prompt })).rejects.toThrow('No.');
    return sent;
  }

  it.each([
    ['responses', undefined],
    ['responses', 'https://gateway.example/v1'],
    ['chat', undefined],
    ['chat', 'https://api.openai.com/v1'],
    ['chat', 'https://eu.api.openai.com/v1'],
  ])('is sent to an interface that has it: %s at %s', async (api, baseURL) => {
    expect(await sentBy(api, baseURL)).toMatchObject({ prompt_cache_key: 'a-chat', store: false });
  });

  it.each(['http://localhost:8000/v1', 'https://openai.com.example/v1'])(
    'is not sent to a compatible server, which may refuse it: %s',
    async (baseURL) => {
      const sent = await sentBy('chat', baseURL);
      expect(sent).toMatchObject({ model: 'gpt-4o-mini', store: false });
      expect(sent).not.toHaveProperty('prompt_cache_key');
    },
  );
});
