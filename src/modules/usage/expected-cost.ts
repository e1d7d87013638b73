import type { CatalogModel } from '../admin-config/catalog-schema.js';
import type { Pricing } from '../admin-config/pricing-schema.js';
import { type Provider, VENDORS } from '../models/vendors/vendors.js';
import { costOf, NO_TOKENS } from './pricing.js';

/** Tokens of a long answer, for a model that is given no limit. */
const LONG_ANSWER = 2_000;

/** For a model that nothing is known of. */
const TYPICAL_PICTURE = { tokens: 1_290, cost: '0.040000' };

/** A call that writes: what it is given, in tokens, and how long its answer may become. */
export interface ExpectedWriting {
  promptTokens: number;
  /** Of a text that is written anew with changes: the answer is about as long. */
  rewrittenTokens?: number;
  maxOutputTokens?: number;
  /** Searches that the vendor may make, for a fee each. */
  webSearches?: number;
}

/** USD: what a call is expected to cost, and what it can come to, which is reserved before it is made. */
export interface ExpectedCost {
  expectedCost: string;
  reservedCost: string;
}

/**
 * What a call that writes costs, by the prices that hold for a prompt of its size. Without a limit in the configuration a
 * long answer is expected, and as many tokens as the model can say at all are reserved: what it really costs is settled.
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
  // One search is expected where they are allowed, and as many as may be made are reserved.
  return {
    expectedCost: cost(expected, Math.min(1, webSearches)),
    reservedCost: cost(most, webSearches),
  };
}

/** USD of one picture, drawn from a prompt and, when it `changes` one, from a picture. */
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
