import { createOpenAI } from '@ai-sdk/openai';
import type { ImageModelV4Result } from '@ai-sdk/provider';
import { readingCompatible, showingThoughts } from './openai-compatible.js';
import { type CalledModel, count, providerTool, type Vendor } from './vendor.js';

export const openai = {
  id: 'openai',
  name: 'OpenAI',
  keyHeader: 'x-openai-api-key',
  variables: {
    apiKey: 'OPENAI_API_KEY',
    baseUrl: 'OPENAI_BASE_URL',
    // Gateways and local servers often have `chat` only.
    api: { name: 'OPENAI_API', values: ['responses', 'chat'] },
  },
  connect: ({ api, ...settings }) => {
    const client = createOpenAI(settings);
    const compatible = createOpenAI({ ...settings, fetch: readingCompatible(settings.fetch) });
    return {
      language: (id) => (api === 'chat' ? showingThoughts(compatible.chat(id)) : client.responses(id)),
      image: (id) => client.image(id),
    };
  },

  takesTopK: false,
  thoughts: { tokens: 16_384, addedByClient: false },
  options: (model: CalledModel) => ({
    openai: {
      store: false,
      // All that was looked at, without titles, would come beside what is cited.
      includeWebSearchSources: false,
      ...(model.thinking === undefined ? {} : thinkingOptions(model, model.thinking)),
    },
  }),
  tools: {
    webSearch: providerTool('openai.web_search', 'web_search'),
    codeExecution: providerTool('openai.code_interpreter', 'code_interpreter'),
  },
  apisWithTools: ['responses'],

  usage: { inRawChunks: false },
  // Every chunk of an answer has `choices`, and every error has `error`.
  ignores: (event) =>
    typeof event !== 'object' || event === null || !('choices' in event || 'error' in event),
  code: { input: ['code'], output: [], outputList: ['outputs', 'logs'] },

  models: [
    {
      id: 'gpt-5.2',
      name: 'GPT-5.2',
      contextWindow: 400_000,
      maxOutputTokens: 128_000,
      reasoning: true,
      input: 1.75,
      cachedInput: 0.175,
      cacheWrite: null,
      output: 14,
    },
    {
      id: 'gpt-5.1',
      name: 'GPT-5.1',
      contextWindow: 400_000,
      maxOutputTokens: 128_000,
      reasoning: true,
      input: 1.25,
      cachedInput: 0.125,
      cacheWrite: null,
      output: 10,
    },
    {
      id: 'gpt-5',
      name: 'GPT-5',
      contextWindow: 400_000,
      maxOutputTokens: 128_000,
      reasoning: true,
      input: 1.25,
      cachedInput: 0.125,
      cacheWrite: null,
      output: 10,
    },
    {
      id: 'gpt-5-mini',
      name: 'GPT-5 mini',
      contextWindow: 400_000,
      maxOutputTokens: 128_000,
      reasoning: true,
      input: 0.25,
      cachedInput: 0.025,
      cacheWrite: null,
      output: 2,
    },
    {
      id: 'gpt-5-nano',
      name: 'GPT-5 nano',
      contextWindow: 400_000,
      maxOutputTokens: 128_000,
      reasoning: true,
      input: 0.05,
      cachedInput: 0.005,
      cacheWrite: null,
      output: 0.4,
    },
    {
      id: 'gpt-4.1',
      name: 'GPT-4.1',
      contextWindow: 1_047_576,
      maxOutputTokens: 32_768,
      reasoning: false,
      input: 2,
      cachedInput: 0.5,
      cacheWrite: null,
      output: 8,
    },
    {
      id: 'gpt-4o',
      name: 'GPT-4o',
      contextWindow: 128_000,
      maxOutputTokens: 16_384,
      reasoning: false,
      input: 2.5,
      cachedInput: 1.25,
      cacheWrite: null,
      output: 10,
    },
    {
      id: 'gpt-4o-mini',
      name: 'GPT-4o mini',
      contextWindow: 128_000,
      maxOutputTokens: 16_384,
      reasoning: false,
      input: 0.15,
      cachedInput: 0.075,
      cacheWrite: null,
      output: 0.6,
    },
  ],
  defaultModel: 'gpt-4o-mini',
  titleModel: 'gpt-4o-mini',
  images: {
    model: {
      id: 'gpt-image-1',
      name: 'GPT Image 1',
      pricing: { input: 5, cachedInput: 1.25, cacheWrite: null, imageInput: 10, output: 40 },
    },
    // Of its best quality, which it may choose.
    tokens: 4_160,
    refusal: /moderation_blocked|content_policy_violation/,
    inputTokens: imageInputTokens,
  },
} as const satisfies Vendor;

function thinkingOptions(model: CalledModel, thinking: boolean): Record<string, string | null> {
  const effort = thinking ? mediumEffort(model.modelId) : leastEffort(model);
  // Left out, the client would ask for a detailed one.
  return { reasoningEffort: effort, reasoningSummary: thinking ? 'auto' : null };
}

function mediumEffort(modelId: string): string {
  return isPro(modelId) ? 'high' : 'medium';
}

function leastEffort({ modelId, allows }: CalledModel): string {
  if (isPro(modelId)) return 'high';
  if (modelId.includes('codex')) return 'low';
  if (/^gpt-5\.\d/.test(modelId)) return 'none';
  // Its search does not go with less than this.
  const least = allows('webSearch') ? 'low' : 'minimal';
  return modelId.startsWith('gpt-5') ? least : 'low';
}

/** The pro models have this one effort. */
function isPro(modelId: string): boolean {
  return /-pro(?:-|$)/.test(modelId);
}

/** OpenAI counts the pictures that it is given apart, and bills them at a price of their own. */
function imageInputTokens({ providerMetadata }: ImageModelV4Result): number {
  const images = providerMetadata?.['openai']?.images ?? [];
  return images.reduce<number>(
    (sum, image) => sum + count((image as { imageTokens?: unknown } | null)?.imageTokens),
    0,
  );
}
