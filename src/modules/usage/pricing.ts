import { Decimal } from 'decimal.js';
import type { CatalogModel } from '../admin-config/config-schemas.js';

/**
 * Tokens of one model call. `inputTokens` includes the cached ones, `outputTokens` includes reasoning: the parts are
 * never added to the whole again.
 */
export interface TokenUsage {
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  /** Those of pictures, where the vendor counts them apart; a part of `inputTokens` too. */
  imageInputTokens?: number;
  outputTokens: number;
  reasoningTokens: number;
}

export const NO_TOKENS: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** USD as decimal strings: rounded to the six places of the database, and as computed. */
export interface Cost {
  inputCost: string;
  outputCost: string;
  totalCost: string;
  unrounded: { inputCost: string; outputCost: string; totalCost: string };
}

const MILLION = 1_000_000;
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_UP });

/**
 * The list price of a call. Cached input, cache writes and pictures are billed once, at their own price where the vendor
 * has one and as plain input otherwise; a model without a price costs nothing.
 */
export function costOf(usage: TokenUsage, pricing: CatalogModel['pricing'] | undefined): Cost {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, imageInputTokens = 0 } = usage;
  const plainInput = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens - imageInputTokens);
  const input = pricing?.input ?? 0;
  const inputCost = new Exact(plainInput)
    .times(input)
    .plus(new Exact(cachedInputTokens).times(pricing?.cachedInput ?? input))
    .plus(new Exact(cacheWriteTokens).times(pricing?.cacheWrite ?? input))
    .plus(new Exact(imageInputTokens).times(pricing?.imageInput ?? input))
    .dividedBy(MILLION);
  const outputCost = new Exact(usage.outputTokens).times(pricing?.output ?? 0).dividedBy(MILLION);
  const totalCost = inputCost.plus(outputCost);
  return {
    inputCost: rounded(inputCost),
    outputCost: rounded(outputCost),
    totalCost: rounded(totalCost),
    unrounded: {
      inputCost: inputCost.toFixed(),
      outputCost: outputCost.toFixed(),
      totalCost: totalCost.toFixed(),
    },
  };
}

/** The sum of decimal strings, exact. */
export function addMoney(a: string, b: string): string {
  return new Exact(a).plus(b).toFixed();
}

function rounded(value: Decimal): string {
  return value.toFixed(6, Decimal.ROUND_HALF_UP);
}
