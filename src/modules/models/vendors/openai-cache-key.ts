import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { wrapLanguageModel } from 'ai';
import type { PromptCache } from './vendor.js';

/** OpenAI caches by itself. The key brings the calls of a chat to the machine that has read it before. */
export function withCacheKey(
  options: LanguageModelV4CallOptions,
  { conversation }: PromptCache,
): LanguageModelV4CallOptions {
  return conversation === undefined ? options : withKey(options, conversation);
}

/**
 * A model of chat completions that is only given the key if it is OpenAI's own: some compatible servers refuse parameters
 * that they do not know.
 */
export function knowingCacheKeys(model: LanguageModelV4, baseURL: string | undefined): LanguageModelV4 {
  if (baseURL === undefined || new URL(baseURL).hostname.endsWith('.openai.com')) return model;
  return wrapLanguageModel({
    model,
    middleware: {
      specificationVersion: 'v4',
      transformParams: ({ params }) => Promise.resolve(withKey(params, undefined)),
    },
  });
}

function withKey(
  options: LanguageModelV4CallOptions,
  promptCacheKey: string | undefined,
): LanguageModelV4CallOptions {
  const { providerOptions } = options;
  const { promptCacheKey: _before, ...openai } = providerOptions?.['openai'] ?? {};
  return {
    ...options,
    providerOptions: {
      ...providerOptions,
      openai: { ...openai, ...(promptCacheKey === undefined ? {} : { promptCacheKey }) },
    },
  };
}
