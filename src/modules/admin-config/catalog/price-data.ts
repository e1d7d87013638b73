import { z } from 'zod';
import type { Pricing } from '../pricing-schema.js';

/*
 * The price data of genai-prices (https://github.com/pydantic/genai-prices, MIT), which follows the vendors' price pages: the
 * file `prices/new_data/v2/data.json` there. It is read and never run: a list of vendors, their models, and their prices.
 */

const amount = z.number().min(0).max(1_000_000);
const tiered = z.object({ base: amount, tiers: z.array(z.object({ start: z.number(), price: amount })) });
const modelPrice = z.record(z.string(), z.union([amount, tiered]));
const conditional = z.object({
  constraint: z.looseObject({ start_date: z.string().optional() }).nullish(),
  prices: modelPrice,
});

const priceDataSchema = z.array(
  z.looseObject({
    id: z.string(),
    models: z.array(
      z.looseObject({ id: z.string(), prices: z.union([z.array(conditional).min(1), modelPrice]) }),
    ),
  }),
);

export type PriceData = z.output<typeof priceDataSchema>;
type ModelPrice = z.output<typeof modelPrice>;
type Present = Omit<Pricing, 'scheduled'>;
type Rate = keyof Omit<Present, 'tiers' | 'fees'>;

/** By our names. What is not here (batches, storage, minutes of video) is nothing that this server asks for. */
const RATES: Record<string, Rate> = {
  input_mtok: 'input',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cacheWrite',
  cache_write_1h_mtok: 'cacheWriteHour',
  input_image_mtok: 'imageInput',
  input_audio_mtok: 'audioInput',
  cache_audio_read_mtok: 'cachedAudioInput',
  output_mtok: 'output',
  output_image_mtok: 'imageOutput',
};

/** @throws Error when it is not price data of genai-prices */
export function parsePriceData(json: unknown): PriceData {
  const result = priceDataSchema.safeParse(json);
  if (!result.success) throw new Error(`this is not price data of genai-prices: ${result.error.message}`);
  return result.data;
}

/**
 * What a model costs from `at` on; undefined when the data has no price for it.
 *
 * @throws Error for a kind of price that cannot be expressed here
 */
export function pricingFrom(data: PriceData, provider: string, id: string, at: Date): Pricing | undefined {
  const model = data.find((entry) => entry.id === provider)?.models.find((entry) => entry.id === id);
  if (!model) return undefined;
  if (!Array.isArray(model.prices)) return presentPricing(model.prices);
  const day = at.toISOString().slice(0, 10);
  const dated = model.prices.map(({ constraint, prices }) => {
    if (constraint && constraint.start_date === undefined)
      throw new Error(`the price of ${provider}/${id} depends on the time of day`);
    return { from: constraint?.start_date ?? '', prices };
  });
  dated.sort((a, b) => (a.from < b.from ? -1 : 1));
  const present = dated.findLast(({ from }) => from <= day);
  if (!present) return undefined;
  const later = dated.filter(({ from }) => from > day);
  return {
    ...presentPricing(present.prices),
    ...(later.length > 0
      ? { scheduled: later.map(({ from, prices }) => ({ from, ...presentPricing(prices) })) }
      : {}),
  };
}

function presentPricing(prices: ModelPrice): Present {
  const base: Partial<Record<Rate, number>> = {};
  const tiers = new Map<number, Partial<Record<Rate, number>>>();
  for (const [key, name] of Object.entries(RATES)) {
    const price = prices[key];
    if (price === undefined) continue;
    if (typeof price === 'number') {
      base[name] = price;
      continue;
    }
    base[name] = price.base;
    for (const { start, price: above } of price.tiers)
      tiers.set(start, { ...tiers.get(start), [name]: above });
  }
  const { input = 0, cachedInput = null, cacheWrite = null, ...others } = base;
  const searches = prices['web_searches_kcount'];
  return {
    input,
    cachedInput,
    cacheWrite,
    output: 0,
    ...others,
    ...(tiers.size > 0
      ? {
          tiers: [...tiers]
            .sort(([a], [b]) => a - b)
            .map(([aboveInputTokens, rates]) => ({ aboveInputTokens, ...rates })),
        }
      : {}),
    ...(typeof searches === 'number' ? { fees: { webSearch: searches / 1_000 } } : {}),
  };
}
