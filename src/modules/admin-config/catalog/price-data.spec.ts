import { readFileSync } from 'node:fs';
import { calcPrice, findProvider, type Provider as PricedProvider } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { costOf, NO_TOKENS, type TokenUsage } from '../../usage/pricing.js';
import { DEFAULT_CATALOG } from '../defaults/default-catalog.js';
import { parsePriceData, pricingFrom } from './price-data.js';
import { RETIREMENTS } from './retirements.js';

const file = JSON.parse(readFileSync('scripts/catalog/price-data.json', 'utf8')) as {
  takenOn: string;
  providers: PricedProvider[];
};
const prices = parsePriceData(file.providers);
const takenOn = new Date(file.takenOn);

/** Any usage that a vendor can report: parts that fit into their wholes. */
const usages = fc
  .record({
    plain: fc.nat(400_000),
    cached: fc.nat(300_000),
    written: fc.nat(100_000),
    keptForAnHour: fc.double({ min: 0, max: 1, noNaN: true }),
    audio: fc.oneof(fc.constant(0), fc.nat(50_000)),
    cachedAudio: fc.double({ min: 0, max: 1, noNaN: true }),
    images: fc.oneof(fc.constant(0), fc.nat(50_000)),
    output: fc.nat(100_000),
    drawn: fc.double({ min: 0, max: 1, noNaN: true }),
    webSearches: fc.nat(5),
  })
  .map(
    ({ plain, cached, written, keptForAnHour, audio, cachedAudio, images, output, drawn, webSearches }) => ({
      inputTokens: plain + cached + written + audio + images,
      cachedInputTokens: cached + Math.floor(audio * cachedAudio),
      cacheWriteTokens: written,
      cacheWriteHourTokens: Math.floor(written * keptForAnHour),
      audioInputTokens: audio,
      cachedAudioInputTokens: Math.floor(audio * cachedAudio),
      imageInputTokens: images,
      outputTokens: output,
      reasoningTokens: 0,
      imageOutputTokens: Math.floor(output * drawn),
      webSearches,
    }),
  );

/** What genai-prices says of a usage. It is told only of what it has a price for: the rest is plain to both. */
function priceBy(
  provider: PricedProvider,
  id: string,
  usage: TokenUsage,
  timestamp: Date,
): number | undefined {
  const model = provider.models.find((entry) => entry.id === id);
  const known = JSON.stringify(model?.prices);
  const result = calcPrice(
    {
      input_tokens: usage.inputTokens,
      cache_read_tokens: usage.cachedInputTokens,
      ...(known.includes('cache_write_mtok') ? { cache_write_tokens: usage.cacheWriteTokens } : {}),
      ...(known.includes('cache_write_1h_mtok') ? { cache_write_1h_tokens: usage.cacheWriteHourTokens } : {}),
      ...(known.includes('audio_mtok')
        ? {
            input_audio_tokens: usage.audioInputTokens,
            cache_audio_read_tokens: usage.cachedAudioInputTokens,
          }
        : {}),
      ...(known.includes('input_image_mtok')
        ? { input_image_tokens: usage.imageInputTokens, cache_image_read_tokens: 0 }
        : {}),
      output_tokens: usage.outputTokens,
      ...(known.includes('output_image_mtok') ? { output_image_tokens: usage.imageOutputTokens } : {}),
      ...(known.includes('web_searches') ? { web_searches: usage.webSearches } : {}),
    },
    id,
    { provider, timestamp },
  );
  // Some of its entries are for names that are matched to another.
  return result?.model.id === id ? result.total_price : undefined;
}

const providerOf = (id: string) => file.providers.find((provider) => provider.id === id)!;
const DAYS = ['2026-11-27', '2026-12-01', '2026-12-31', '2027-01-01', '2027-08-01'];

describe('the model catalog', () => {
  it.each(DEFAULT_CATALOG.models.map((model) => [`${model.provider}/${model.id}`, model] as const))(
    'costs what genai-prices says: %s',
    (_, { provider, id, pricing }) => {
      fc.assert(
        fc.property(usages, fc.constantFrom(...DAYS), (usage, day) => {
          const at = new Date(`${day}T12:00:00Z`);
          const ours = Number(costOf(usage, pricing, at).unrounded.totalCost);
          expect(ours).toBeCloseTo(priceBy(providerOf(provider), id, usage, at)!, 9);
        }),
        { numRuns: 200 },
      );
    },
  );

  it('has the prices of the committed price data, and nothing that was typed', () => {
    for (const { provider, id, pricing } of DEFAULT_CATALOG.models)
      expect([id, pricing]).toEqual([id, pricingFrom(prices, provider, id, takenOn)]);
  });

  it('agrees with the package where the package has the model', () => {
    let compared = 0;
    for (const { provider, id, pricing } of DEFAULT_CATALOG.models) {
      const packaged = findProvider({ providerId: provider });
      if (!packaged?.models.some((model) => model.id === id)) continue;
      compared++;
      // Its release is older than the day from which Gemini's searches have a price.
      const usage = { ...NO_TOKENS, inputTokens: 20_000, cachedInputTokens: 5_000, outputTokens: 3_000 };
      expect(Number(costOf(usage, pricing, takenOn).totalCost)).toBeCloseTo(
        priceBy(packaged, id, usage, takenOn)!,
        6,
      );
    }
    expect(compared).toBeGreaterThanOrEqual(5);
  });

  it('offers nothing that its vendor has announced to switch off', () => {
    const leaving = new Set(RETIREMENTS.map(({ provider, id }) => `${provider}/${id}`));
    expect(DEFAULT_CATALOG.models.filter(({ provider, id }) => leaving.has(`${provider}/${id}`))).toEqual([]);
  });

  it('recommends what it has in the place of what is switched off', () => {
    const offered = new Set(DEFAULT_CATALOG.models.map(({ provider, id }) => `${provider}/${id}`));
    const dangling = RETIREMENTS.filter(
      ({ provider, replacement }) => replacement && !offered.has(`${provider}/${replacement}`),
    );
    expect(dangling).toEqual([]);
  });
});

describe('pricingFrom', () => {
  it('knows the tiers of models that are no longer offered', () => {
    const pricing = pricingFrom(prices, 'google', 'gemini-2.5-pro', takenOn);
    const usage = { ...NO_TOKENS, inputTokens: 250_000, outputTokens: 1_000 };
    expect(costOf(usage, pricing).totalCost).toBe('0.640000');
  });

  it('is right for every model of text that the package has, today and next year', () => {
    const providers = ['google', 'openai', 'anthropic'].map((providerId) => findProvider({ providerId })!);
    const data = parsePriceData(JSON.parse(JSON.stringify(providers)));
    let compared = 0;
    for (const provider of providers) {
      for (const { id, prices: packaged } of provider.models) {
        if (!/"input_mtok"/.test(JSON.stringify(packaged))) continue;
        for (const timestamp of [takenOn, new Date('2027-06-01')]) {
          const pricing = pricingFrom(data, provider.id, id, timestamp);
          for (const inputTokens of [100_000, 150_000, 260_000, 300_000]) {
            const usage = { ...NO_TOKENS, inputTokens, outputTokens: 1_000, webSearches: 1 };
            const expected = priceBy(provider, id, usage, timestamp);
            if (expected === undefined) continue;
            expect([id, Number(costOf(usage, pricing, timestamp).totalCost)]).toEqual([
              id,
              expect.closeTo(expected, 6),
            ]);
            compared++;
          }
        }
      }
    }
    expect(compared).toBeGreaterThan(500);
  });

  it('takes the price of the day, and keeps those that are to come', () => {
    const models = [
      {
        id: 'm',
        prices: [
          { prices: { input_mtok: 1, output_mtok: 2 } },
          { constraint: { start_date: '2027-01-01' }, prices: { input_mtok: 3, output_mtok: 4 } },
        ],
      },
    ];
    const data = parsePriceData([{ id: 'google', models }]);
    const plain = { cachedInput: null, cacheWrite: null };
    expect(pricingFrom(data, 'google', 'm', new Date('2026-11-27'))).toEqual({
      input: 1,
      output: 2,
      ...plain,
      scheduled: [{ from: '2027-01-01', input: 3, output: 4, ...plain }],
    });
    expect(pricingFrom(data, 'google', 'm', new Date('2027-01-01'))).toEqual({
      input: 3,
      output: 4,
      ...plain,
    });
    expect(pricingFrom(data, 'google', 'n', new Date())).toBeUndefined();
  });

  it('refuses what it cannot express, and what is no price data', () => {
    const constraint = { start_time: '10:00', end_time: '12:00' };
    const data = parsePriceData([
      { id: 'google', models: [{ id: 'm', prices: [{ constraint, prices: { input_mtok: 1 } }] }] },
    ]);
    expect(() => pricingFrom(data, 'google', 'm', new Date())).toThrow('depends on the time of day');
    expect(() => parsePriceData({ models: [] })).toThrow('this is not price data');
  });
});
