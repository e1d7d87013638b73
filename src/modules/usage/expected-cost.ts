import type { CatalogModel } from '../admin-config/config-schemas.js';
import { type Provider, VENDORS } from '../models/vendors/vendors.js';
import { costOf, NO_TOKENS } from './pricing.js';

/** Fewer than words have: code, numbers and most other languages take more tokens than English. */
const CHARACTERS_A_TOKEN = 3;
/** Tokens of a long answer, for a model that is given no limit. */
const LONG_ANSWER = 2_000;

/** For a model that nothing is known of. */
const TYPICAL_PICTURE = { tokens: 1_290, cost: '0.040000' };

type Pricing = CatalogModel['pricing'];

/** A call that writes: what it is given, in characters, and how long its answer may become. */
export interface ExpectedWriting {
  promptCharacters: number;
  /** Of a text that is written anew with changes: the answer is about as long. */
  rewrittenCharacters?: number;
  maxOutputTokens?: number;
}

/** USD: what a call is expected to cost, and what it can come to, which is reserved before it is made. */
export interface ExpectedCost {
  expectedCost: string;
  reservedCost: string;
}

/**
 * What a call that writes costs. Without a limit in the configuration a long answer is expected, and as many tokens as the
 * model can say at all are reserved: what it really costs is settled.
 */
export function expectedCostOfWriting(
  { promptCharacters, rewrittenCharacters = 0, maxOutputTokens }: ExpectedWriting,
  model: Pick<CatalogModel, 'pricing' | 'maxOutputTokens'> | undefined,
): ExpectedCost {
  const inputTokens = tokensOf(promptCharacters);
  const expected = maxOutputTokens ?? Math.max(LONG_ANSWER, tokensOf(rewrittenCharacters));
  const most = Math.max(expected, maxOutputTokens ?? model?.maxOutputTokens ?? 0);
  const cost = (outputTokens: number) =>
    costOf({ ...NO_TOKENS, inputTokens, outputTokens }, model?.pricing).totalCost;
  return { expectedCost: cost(expected), reservedCost: cost(most) };
}

/** USD of one picture, drawn from a prompt and, when it `changes` one, from a picture. */
export function expectedCostOfPicture(
  { provider, promptCharacters, changes }: { provider: Provider; promptCharacters: number; changes: boolean },
  pricing: Pricing | undefined,
): string {
  if (pricing === undefined) return TYPICAL_PICTURE.cost;
  const outputTokens = VENDORS[provider].images?.tokens ?? TYPICAL_PICTURE.tokens;
  const imageInputTokens = changes ? outputTokens : 0;
  const inputTokens = tokensOf(promptCharacters) + imageInputTokens;
  return costOf({ ...NO_TOKENS, inputTokens, imageInputTokens, outputTokens }, pricing).totalCost;
}

function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_A_TOKEN);
}
