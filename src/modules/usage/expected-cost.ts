import type { CatalogModel } from '../admin-config/catalog-schema.js';
import type { Pricing } from '../admin-config/pricing-schema.js';
import { type Provider, VENDORS } from '../models/vendors/vendors.js';
import { costOf, NO_TOKENS } from './pricing.js';

/** The tokens of a long answer, for a model without a limit. */
const LONG_ANSWER = 2_000;

/** For a model without any known limits. */
const TYPICAL_PICTURE = { tokens: 1_290, cost: '0.040000' };

/** A call that writes: the tokens that it reads, and the possible length of its answer. */
export interface ExpectedWriting {
  promptTokens: number;
  /** The length of a text that is rewritten with changes. The answer has about the same length. */
  rewrittenTokens?: number;
  maxOutputTokens?: number;
  /** The number of searches that the vendor may make, each with a fee. */
  webSearches?: number;
}

/** USD: the expected cost of a call, and its highest possible cost, which is reserved before the call. */
export interface ExpectedCost {
  expectedCost: string;
  reservedCost: string;
  /** The part for what the model reads. It is certain as soon as the call is sent. */
  promptCost: string;
}

/** The cost of a call with the user's own key, for the operator. */
export const NO_COST: ExpectedCost = { expectedCost: '0', reservedCost: '0', promptCost: '0' };

/**
 * The cost of a call that writes, by the prices for a prompt of its size. If the configuration has no limit, a long
 * answer is expected and the model's maximum is reserved. The actual cost is settled later.
 */
export function expectedCostOfWriting(
  { promptTokens, rewrittenTokens = 0, maxOutputTokens, webSearches = 0 }: ExpectedWriting,
  model: Pick<CatalogModel, 'pricing' | 'maxOutputTokens'> | undefined,
): ExpectedCost {
  const expected = maxOutputTokens ?? Math.max(LONG_ANSWER, rewrittenTokens);
  const most = Math.max(expected, maxOutputTokens ?? model?.maxOutputTokens ?? 0);
  const cost = (outputTokens: number, searches: number) =>
    costOf({ ...NO_TOKENS, inputTokens: promptTokens, outputTokens, webSearches: searches }, model?.pricing)
      .totalCost;
  // If searches are allowed, one is expected and the maximum is reserved.
  return {
    expectedCost: cost(expected, Math.min(1, webSearches)),
    reservedCost: cost(most, webSearches),
    promptCost: cost(0, 0),
  };
}

/** A call may write this many tokens even if its budget leaves less. Vendors refuse lower limits. */
const SHORTEST_ANSWER = 100;

/**
 * The tokens that a call may write, including reasoning, so that it costs no more than `room`, in USD. Undefined if
 * everything that the model can write fits.
 *
 * @param reading what the call reads; only called if `room` is defined
 */
export function outputWithin(
  room: number | undefined,
  reading: () => Pick<ExpectedWriting, 'promptTokens' | 'webSearches'>,
  model: Pick<CatalogModel, 'pricing' | 'maxOutputTokens'> | undefined,
): number | undefined {
  if (room === undefined) return undefined;
  const { promptTokens, webSearches = 0 } = reading();
  const cost = (outputTokens: number) =>
    Number(
      costOf({ ...NO_TOKENS, inputTokens: promptTokens, outputTokens, webSearches }, model?.pricing).unrounded
        .totalCost,
    );
  const withoutOutput = cost(0);
  const perToken = (cost(1_000_000) - withoutOutput) / 1_000_000;
  if (perToken <= 0) return undefined;
  const tokens = Math.max(SHORTEST_ANSWER, Math.floor((room - withoutOutput) / perToken));
  return tokens < (model?.maxOutputTokens ?? Infinity) ? tokens : undefined;
}

/** The cost in USD of one picture from a prompt and, if it `changes` one, from a picture. */
export function expectedCostOfPicture(
  { provider, promptTokens, changes }: { provider: Provider; promptTokens: number; changes: boolean },
  pricing: Pricing | undefined,
): string {
  if (pricing === undefined) return TYPICAL_PICTURE.cost;
  const outputTokens = VENDORS[provider].images?.tokens ?? TYPICAL_PICTURE.tokens;
  const imageInputTokens = changes ? outputTokens : 0;
  const usage = {
    ...NO_TOKENS,
    inputTokens: promptTokens + imageInputTokens,
    imageInputTokens,
    outputTokens,
    imageOutputTokens: outputTokens,
  };
  return costOf(usage, pricing).totalCost;
}
