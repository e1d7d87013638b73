import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import type { Pricing } from '../admin-config/pricing-schema.js';
import { costOf, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import type { CallFigures } from '../usage/usage.types.js';
import { count, type Vendor } from './vendors/vendor.js';

/** The figures that the provider reported. Each partial count is a part of its total. */
export function toTokenUsage(usage: LanguageModelV4Usage, vendor?: Vendor['usage']): TokenUsage {
  const { inputTokens: input, outputTokens: output, raw } = usage;
  return consistent({
    inputTokens: count(input.total ?? sum(input.noCache, input.cacheRead, input.cacheWrite)),
    cachedInputTokens: count(input.cacheRead),
    cacheWriteTokens: count(input.cacheWrite),
    outputTokens: count(output.total ?? sum(output.text, output.reasoning)),
    reasoningTokens: count(output.reasoning),
    ...(raw && vendor?.details?.(raw)),
  });
}

/** Whether both totals were reported and are possible: a prompt, or a text, always has tokens. */
export function isReported(usage: LanguageModelV4Usage, outputCharacters: number): boolean {
  const { inputTokens: input, outputTokens: output } = usage;
  const isEmpty = output.total === 0 && outputCharacters === 0;
  return count(input.total) > 0 && (count(output.total) > 0 || isEmpty);
}

/** A part that exceeds its total cannot be right. All tokens then count as plain tokens. */
export function consistent(usage: TokenUsage): TokenUsage {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const { cacheWriteHourTokens = 0, imageInputTokens = 0, imageOutputTokens = 0 } = usage;
  const { audioInputTokens = 0, cachedAudioInputTokens = 0 } = usage;
  const freshAudio = audioInputTokens - cachedAudioInputTokens;
  const fits =
    cachedInputTokens + cacheWriteTokens + imageInputTokens + freshAudio <= inputTokens &&
    freshAudio >= 0 &&
    cachedAudioInputTokens <= cachedInputTokens &&
    cacheWriteHourTokens <= cacheWriteTokens;
  const input = (tokens: number) => (fits ? tokens : 0);
  return {
    ...usage,
    cachedInputTokens: input(cachedInputTokens),
    cacheWriteTokens: input(cacheWriteTokens),
    reasoningTokens: reasoningTokens <= outputTokens ? reasoningTokens : 0,
    ...some('cacheWriteHourTokens', input(cacheWriteHourTokens)),
    ...some('imageInputTokens', input(imageInputTokens)),
    ...some('audioInputTokens', input(audioInputTokens)),
    ...some('cachedAudioInputTokens', input(cachedAudioInputTokens)),
    ...some('imageOutputTokens', imageOutputTokens <= outputTokens ? imageOutputTokens : 0),
  };
}

/** The minimum cost of a call that reads this many tokens. */
export function leastFigures(inputTokens: number, pricing: Pricing | undefined): CallFigures {
  const tokens = { ...NO_TOKENS, inputTokens };
  return { tokens, cost: costOf(tokens, pricing) };
}

/** Parts that few calls have are left out if they are zero. */
function some<Name extends keyof TokenUsage>(name: Name, tokens: number): Partial<TokenUsage> {
  return { [name]: tokens > 0 ? tokens : undefined };
}

function sum(...values: Array<number | undefined>): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
