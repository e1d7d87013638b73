import { createGoogleGenerativeAI } from '@ai-sdk/google';
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { TokenUsage } from '../../usage/pricing.js';
import { type CalledModel, count, type ProviderOptions, providerTool, type Vendor } from './vendor.js';

export const google = {
  id: 'google',
  name: 'Google',
  keyHeader: 'x-google-api-key',
  variables: { apiKey: 'GOOGLE_GENERATIVE_AI_API_KEY', baseUrl: 'GOOGLE_BASE_URL' },
  connect: ({ api: _api, ...settings }) => {
    const client = createGoogleGenerativeAI(settings);
    return { language: (id) => client(id), image: (id) => client.image(id) };
  },

  takesTopK: true,
  thoughts: { tokens: 16_384, addedByClient: false },
  options: ({ modelId, thinking }: CalledModel): ProviderOptions =>
    thinking === undefined ? {} : { google: { thinkingConfig: thinkingConfig(modelId, thinking) } },
  tools: {
    googleSearch: providerTool('google.google_search', 'google_search'),
    urlContext: providerTool('google.url_context', 'url_context'),
    codeExecution: providerTool('google.code_execution', 'code_execution'),
  },

  usage: { inRawChunks: true, partial: partialUsage },
  // The client reads any object. Some proxies send events that are not objects.
  ignores: (event) => typeof event !== 'object' || event === null,
  endings: {
    IMAGE_PROHIBITED_CONTENT: 'content-filter',
    IMAGE_RECITATION: 'content-filter',
    MODEL_ARMOR: 'content-filter',
  },
  code: { input: ['code'], output: ['output'] },

  models: [
    {
      id: 'gemini-3-pro-preview',
      name: 'Gemini 3 Pro',
      contextWindow: 1_048_576,
      maxOutputTokens: 65_536,
      reasoning: true,
      input: 2,
      cachedInput: 0.2,
      cacheWrite: null,
      output: 12,
    },
    {
      id: 'gemini-3-flash-preview',
      name: 'Gemini 3 Flash',
      contextWindow: 1_048_576,
      maxOutputTokens: 65_536,
      reasoning: true,
      input: 0.5,
      cachedInput: 0.05,
      cacheWrite: null,
      output: 3,
    },
    {
      id: 'gemini-2.5-pro',
      name: 'Gemini 2.5 Pro',
      contextWindow: 1_048_576,
      maxOutputTokens: 65_536,
      reasoning: true,
      input: 1.25,
      cachedInput: 0.125,
      cacheWrite: null,
      output: 10,
    },
    {
      id: 'gemini-2.5-flash',
      name: 'Gemini 2.5 Flash',
      contextWindow: 1_048_576,
      maxOutputTokens: 65_536,
      reasoning: true,
      input: 0.3,
      cachedInput: 0.03,
      cacheWrite: null,
      output: 2.5,
    },
    {
      id: 'gemini-2.5-flash-lite',
      name: 'Gemini 2.5 Flash-Lite',
      contextWindow: 1_048_576,
      maxOutputTokens: 65_536,
      reasoning: true,
      input: 0.1,
      cachedInput: 0.01,
      cacheWrite: null,
      output: 0.4,
    },
  ],
  defaultModel: 'gemini-2.5-flash',
  titleModel: 'gemini-2.5-flash-lite',
  images: {
    model: {
      id: 'gemini-2.5-flash-image',
      name: 'Gemini 2.5 Flash Image',
      contextWindow: 65_536,
      maxOutputTokens: 32_768,
      pricing: { input: 0.3, cachedInput: null, cacheWrite: null, output: 30 },
    },
    tokens: 1_290,
  },
} as const satisfies Vendor;

/** Some models cannot be kept from thinking altogether: those get the smallest amount that is taken. */
function thinkingConfig(modelId: string, thinking: boolean): Record<string, boolean | number | string> {
  // Of its own accord this one does not think; -1 is "as much as the question needs".
  if (thinking && /^gemini-2\.5-flash-lite/.test(modelId))
    return { includeThoughts: true, thinkingBudget: -1 };
  if (thinking) return { includeThoughts: true };
  if (/^gemini-2\.5/.test(modelId)) return { thinkingBudget: modelId.includes('pro') ? 128 : 0 };
  return { thinkingLevel: modelId.includes('flash') ? 'minimal' : 'low' };
}

/** Gemini repeats its counts in each chunk. */
function partialUsage(part: LanguageModelV4StreamPart): Partial<TokenUsage> | undefined {
  if (part.type !== 'raw') return undefined;
  const metadata = (part.rawValue as { usageMetadata?: Record<string, unknown> } | null)?.usageMetadata;
  if (!metadata) return undefined;
  const reasoningTokens = count(metadata['thoughtsTokenCount']);
  return {
    inputTokens: count(metadata['promptTokenCount']),
    cachedInputTokens: count(metadata['cachedContentTokenCount']),
    outputTokens: count(metadata['candidatesTokenCount']) + reasoningTokens,
    reasoningTokens,
  };
}
