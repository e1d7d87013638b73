import type { LanguageModelV4CallOptions, LanguageModelV4Usage } from '@ai-sdk/provider';
import { costOf, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import type { CallFigures } from '../usage/usage.types.js';
import type { CatalogModel } from '../admin-config/config-schemas.js';
import { count } from './vendors/vendor.js';

/** A rule of thumb for Latin text, used only where the provider reports nothing. */
const CHARACTERS_PER_TOKEN = 4;

/** What Gemini bills for a picture; OpenAI bills 1,056 for one of medium quality. Only where nothing is reported. */
export const CHARACTERS_PER_IMAGE = 1_290 * CHARACTERS_PER_TOKEN;

/** What the provider reported, with the parts of the whole as parts. */
export function toTokenUsage(usage: LanguageModelV4Usage): TokenUsage {
  const { inputTokens: input, outputTokens: output } = usage;
  return consistent({
    inputTokens: count(input.total ?? sum(input.noCache, input.cacheRead, input.cacheWrite)),
    cachedInputTokens: count(input.cacheRead),
    cacheWriteTokens: count(input.cacheWrite),
    outputTokens: count(output.total ?? sum(output.text, output.reasoning)),
    reasoningTokens: count(output.reasoning),
  });
}

/** Whether the figures of both directions are there and can be right: no prompt, and no text, is without tokens. */
export function isReported(usage: LanguageModelV4Usage, outputCharacters: number): boolean {
  const { inputTokens: input, outputTokens: output } = usage;
  const isEmpty = output.total === 0 && outputCharacters === 0;
  return count(input.total) > 0 && (count(output.total) > 0 || isEmpty);
}

/** Parts that are more than their whole can not be right: then all of it is taken for plain. */
export function consistent(usage: TokenUsage): TokenUsage {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const { imageInputTokens = 0 } = usage;
  const fits = cachedInputTokens + cacheWriteTokens + imageInputTokens <= inputTokens;
  return {
    ...usage,
    ...(imageInputTokens > 0 ? { imageInputTokens: fits ? imageInputTokens : 0 } : {}),
    cachedInputTokens: fits ? cachedInputTokens : 0,
    cacheWriteTokens: fits ? cacheWriteTokens : 0,
    reasoningTokens: reasoningTokens <= outputTokens ? reasoningTokens : 0,
  };
}

export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** What a call costs at least that is given a prompt of so many characters. */
export function leastFigures(characters: number, pricing: CatalogModel['pricing'] | undefined): CallFigures {
  const tokens = { ...NO_TOKENS, inputTokens: estimateTokens(characters) };
  return { tokens, cost: costOf(tokens, pricing) };
}

/** Characters of all text in a prompt, tool results included; files are not text. */
export function promptCharacters(prompt: LanguageModelV4CallOptions['prompt']): number {
  let characters = 0;
  for (const message of prompt) {
    if (typeof message.content === 'string') characters += message.content.length;
    else {
      for (const part of message.content) {
        if (part.type === 'text' || part.type === 'reasoning') characters += part.text.length;
        else if (part.type === 'tool-call' || part.type === 'tool-result')
          characters += JSON.stringify(part).length;
      }
    }
  }
  return characters;
}

function sum(...values: Array<number | undefined>): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
