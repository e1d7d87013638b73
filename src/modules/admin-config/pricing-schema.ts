import { z } from 'zod';
import { positive, usd } from './schema-parts.js';

const price = usd.nullable().optional();

export const date = z
  .string()
  .max(10)
  .regex(/^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/, 'must be a day as 2027-01-31');

/** By kind of token. Those that are not named cost as much as plain input or output. */
const rates = {
  input: usd,
  cachedInput: price,
  cacheWrite: price,
  cacheWriteHour: price.describe('Of what is kept in the cache for an hour.'),
  imageInput: price.describe('Of pictures that the model is given.'),
  audioInput: price.describe('Of sound that the model is given.'),
  cachedAudioInput: price,
  output: usd,
  imageOutput: price.describe('Of pictures that an image model draws.'),
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
    .describe('Prices of the whole call when its input has more tokens than this.'),
  fees: z
    .strictObject({ webSearch: usd.optional().describe('USD for one search.') })
    .optional()
    .describe('What is paid beside the tokens.'),
};

export const pricingSchema = z
  .strictObject({
    ...presentPricing,
    scheduled: z
      .array(z.strictObject({ from: date, ...presentPricing }))
      .max(20)
      .optional()
      .describe('Prices that the vendor has announced, each in place of all others from its day on (UTC).'),
  })
  .describe('USD per million tokens; null where the vendor has no such price.');
/** List prices of one model: USD per million tokens, by kind of token. */
export type Pricing = z.output<typeof pricingSchema>;
