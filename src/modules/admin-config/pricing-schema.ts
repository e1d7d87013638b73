import { z } from 'zod';
import { positive, usd } from './schema-parts.js';

const price = usd.nullable().optional();

export const date = z
  .string()
  .max(10)
  .regex(/^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/, 'must be a day, such as 2027-01-31');

/** By kind of token. Those that are not named cost as much as plain input or output. */
const rates = {
  input: usd,
  cachedInput: price,
  cacheWrite: price,
  cacheWriteHour: price.describe('For tokens that are cached for an hour.'),
  imageInput: price.describe('For input images.'),
  audioInput: price.describe('For input audio.'),
  cachedAudioInput: price,
  output: usd,
  imageOutput: price.describe('For images that an image model generates.'),
};

const presentPricing = {
  ...rates,
  tiers: z
    .array(
      z.strictObject({
        aboveInputTokens: positive,
        ...rates,
        input: usd.optional(),
        output: usd.optional(),
      }),
    )
    .max(20)
    .optional()
    .describe('These prices apply to a whole call if its input has more tokens than `aboveInputTokens`.'),
  fees: z
    .strictObject({ webSearch: usd.optional().describe('USD for one search.') })
    .optional()
    .describe('Fees in addition to the price of tokens.'),
};

export const pricingSchema = z
  .strictObject({
    ...presentPricing,
    scheduled: z
      .array(z.strictObject({ from: date, ...presentPricing }))
      .max(20)
      .optional()
      .describe(
        'Price changes that the vendor has announced. Each replaces all other prices from its day on (UTC).',
      ),
  })
  .describe('USD per million tokens; null where the vendor has no such price.');
/** List prices of one model: USD per million tokens, by kind of token. */
export type Pricing = z.output<typeof pricingSchema>;
