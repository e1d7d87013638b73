import { Decimal } from 'decimal.js';
import type { Pricing } from '../admin-config/pricing-schema.js';

/**
 * Tokens of one model call. `inputTokens` includes everything that was read, and `outputTokens` includes reasoning.
 * Never add the parts to these totals again.
 */
export interface TokenUsage {
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  /** A part of `cacheWriteTokens`: those that the vendor keeps for an hour. */
  cacheWriteHourTokens?: number;
  /** Tokens of pictures, if the vendor counts them separately. */
  imageInputTokens?: number;
  /** Tokens of sound, if the vendor counts them separately. Cached ones are included. */
  audioInputTokens?: number;
  /** A part of `cachedInputTokens` and of `audioInputTokens`. */
  cachedAudioInputTokens?: number;
  outputTokens: number;
  reasoningTokens: number;
  /** A part of `outputTokens`: those of pictures, if the vendor counts them separately. */
  imageOutputTokens?: number;
  /** Searches that the vendor made. Each is billed in addition to the tokens. */
  webSearches?: number;
}

export const NO_TOKENS: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** USD as decimal strings: rounded to the six places of the database, and exact. Only the total includes fees. */
export interface Cost {
  inputCost: string;
  outputCost: string;
  totalCost: string;
  unrounded: { inputCost: string; outputCost: string; totalCost: string; feeCost?: string };
}

/** The prices that apply to one call. */
type Rates = Omit<Pricing, 'tiers' | 'fees' | 'scheduled'>;

const PER_TOKEN = '0.000001';
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_UP });

/**
 * The list price of a call. Each token is billed once, at the price of its kind if the vendor has one, and otherwise
 * like plain input or output. A model without a price costs nothing.
 *
 * @param at when the call was made, because vendors announce price changes for a date
 */
export function costOf(usage: TokenUsage, pricing: Pricing | undefined, at = new Date()): Cost {
  const present = pricing && pricingAt(pricing, at);
  const rates = present ? ratesFor(present, usage.inputTokens) : { input: 0, output: 0 };
  const inputCost = sumOf(inputParts(usage, rates)).times(PER_TOKEN);
  const outputCost = sumOf(outputParts(usage, rates)).times(PER_TOKEN);
  const feeCost = new Exact(usage.webSearches ?? 0).times(present?.fees?.webSearch ?? 0);
  const totalCost = inputCost.plus(outputCost).plus(feeCost);
  return {
    inputCost: rounded(inputCost),
    outputCost: rounded(outputCost),
    totalCost: rounded(totalCost),
    unrounded: {
      inputCost: inputCost.toFixed(),
      outputCost: outputCost.toFixed(),
      totalCost: totalCost.toFixed(),
      ...(feeCost.isZero() ? {} : { feeCost: feeCost.toFixed() }),
    },
  };
}

/** The vendor's prices at that time. */
function pricingAt(pricing: Pricing, at: Date): Pricing {
  if (!pricing.scheduled) return pricing;
  const { scheduled, ...now } = pricing;
  const day = at.toISOString().slice(0, 10);
  let valid: Pricing = now;
  let since = '';
  for (const { from, ...later } of scheduled) {
    if (from <= day && from > since) [valid, since] = [later, from];
  }
  return valid;
}

/** A long prompt changes the prices of the whole call. Prices that a tier does not set come from the tier below. */
function ratesFor({ tiers = [], ...base }: Pricing, inputTokens: number): Rates {
  let rates: Rates = base;
  let reached = -1;
  for (const { aboveInputTokens, ...tier } of tiers) {
    if (inputTokens > aboveInputTokens && aboveInputTokens > reached) {
      rates = { ...base, ...tier };
      reached = aboveInputTokens;
    }
  }
  return rates;
}

type Part = [tokens: number, price: number | null | undefined, like: number];

function inputParts(usage: TokenUsage, rates: Rates): Part[] {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, cacheWriteHourTokens = 0 } = usage;
  const { imageInputTokens = 0, audioInputTokens = 0, cachedAudioInputTokens = 0 } = usage;
  const { input } = rates;
  const freshAudio = audioInputTokens - cachedAudioInputTokens;
  const plain = inputTokens - cachedInputTokens - cacheWriteTokens - imageInputTokens - freshAudio;
  const cacheWrite = rates.cacheWrite ?? input;
  const cachedInput = rates.cachedInput ?? input;
  return [
    [Math.max(0, plain), input, input],
    [cachedInputTokens - cachedAudioInputTokens, cachedInput, input],
    [cachedAudioInputTokens, rates.cachedAudioInput, cachedInput],
    [cacheWriteTokens - cacheWriteHourTokens, cacheWrite, input],
    [cacheWriteHourTokens, rates.cacheWriteHour, cacheWrite],
    [imageInputTokens, rates.imageInput, input],
    [freshAudio, rates.audioInput, input],
  ];
}

function outputParts({ outputTokens, imageOutputTokens = 0 }: TokenUsage, rates: Rates): Part[] {
  return [
    [outputTokens - imageOutputTokens, rates.output, 0],
    [imageOutputTokens, rates.imageOutput, rates.output],
  ];
}

function sumOf(parts: Part[]): Decimal {
  return parts.reduce(
    (sum, [tokens, price, like]) => (tokens === 0 ? sum : sum.plus(new Exact(tokens).times(price ?? like))),
    new Exact(0),
  );
}

/** The exact sum of decimal strings. */
export function addMoney(a: string, b: string): string {
  return new Exact(a).plus(b).toFixed();
}

function rounded(value: Decimal): string {
  return value.toFixed(6, Decimal.ROUND_HALF_UP);
}
