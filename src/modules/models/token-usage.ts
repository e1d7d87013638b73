import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import type { Pricing } from '../admin-config/pricing-schema.js';
import { costOf, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import type { CallFigures } from '../usage/usage.types.js';
import { count, type Vendor } from './vendors/vendor.js';

/** What the provider reported, with the parts of the whole as parts. */
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

/** Whether the figures of both directions are there and can be right: no prompt, and no text, is without tokens. */
export function isReported(usage: LanguageModelV4Usage, outputCharacters: number): boolean {
  const { inputTokens: input, outputTokens: output } = usage;
  const isEmpty = output.total === 0 && outputCharacters === 0;
  return count(input.total) > 0 && (count(output.total) > 0 || isEmpty);
}

/** Parts that are more than their whole cannot be right: then all of it is taken for plain. */
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

/** What a call costs at least that reads so many tokens. */
export function leastFigures(inputTokens: number, pricing: Pricing | undefined): CallFigures {
  const tokens = { ...NO_TOKENS, inputTokens };
  return { tokens, cost: costOf(tokens, pricing) };
}

/** Parts that few calls have are left out where there are none. */
function some<Name extends keyof TokenUsage>(name: Name, tokens: number): Partial<TokenUsage> {
  return { [name]: tokens > 0 ? tokens : undefined };
}

function sum(...values: Array<number | undefined>): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
