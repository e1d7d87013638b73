/** USD per million tokens. Prices of prompts up to 200,000 tokens where a vendor has tiers. */
interface Row {
  id: string;
  name: string;
  contextWindow: number;
  maxOutputTokens: number;
  reasoning: boolean;
  input: number;
  cachedInput: number | null;
  cacheWrite: number | null;
  output: number;
}

const GOOGLE: Row[] = [
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
];

const OPENAI: Row[] = [
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
];

const ANTHROPIC: Row[] = [
  {
    id: 'claude-opus-4-6',
    name: 'Claude Opus 4.6',
    contextWindow: 200_000,
    maxOutputTokens: 128_000,
    reasoning: true,
    input: 5,
    cachedInput: 0.5,
    cacheWrite: 6.25,
    output: 25,
  },
  {
    id: 'claude-opus-4-5',
    name: 'Claude Opus 4.5',
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    reasoning: true,
    input: 5,
    cachedInput: 0.5,
    cacheWrite: 6.25,
    output: 25,
  },
  {
    id: 'claude-sonnet-4-6',
    name: 'Claude Sonnet 4.6',
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    reasoning: true,
    input: 3,
    cachedInput: 0.3,
    cacheWrite: 3.75,
    output: 15,
  },
  {
    id: 'claude-sonnet-4-5',
    name: 'Claude Sonnet 4.5',
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    reasoning: true,
    input: 3,
    cachedInput: 0.3,
    cacheWrite: 3.75,
    output: 15,
  },
  {
    id: 'claude-haiku-4-5',
    name: 'Claude Haiku 4.5',
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    reasoning: true,
    input: 1,
    cachedInput: 0.1,
    cacheWrite: 1.25,
    output: 5,
  },
];

/** The models that are offered from the start, by vendor, the flagship first. */
export const DEFAULT_MODELS = { google: GOOGLE, openai: OPENAI, anthropic: ANTHROPIC };

/** No agent offers them: they draw, they do not answer. Anthropic has none. */
export const DEFAULT_IMAGE_MODELS = { google: 'gemini-2.5-flash-image', openai: 'gpt-image-1' };

const IMAGE_CATALOG = [
  {
    id: DEFAULT_IMAGE_MODELS.google,
    provider: 'google',
    name: 'Gemini 2.5 Flash Image',
    contextWindow: 65_536,
    maxOutputTokens: 32_768,
    capabilities: { reasoning: false, fileInput: true, tools: false, imageOutput: true },
    pricing: { input: 0.3, cachedInput: null, cacheWrite: null, output: 30 },
  },
  {
    id: DEFAULT_IMAGE_MODELS.openai,
    provider: 'openai',
    name: 'GPT Image 1',
    capabilities: { reasoning: false, fileInput: true, tools: false, imageOutput: true },
    pricing: { input: 5, cachedInput: 1.25, cacheWrite: null, imageInput: 10, output: 40 },
  },
];

const ANSWERING_CATALOG = Object.entries(DEFAULT_MODELS).flatMap(([provider, rows]) =>
  rows.map(
    ({ id, name, contextWindow, maxOutputTokens, reasoning, input, cachedInput, cacheWrite, output }) => ({
      id,
      provider,
      name,
      contextWindow,
      maxOutputTokens,
      capabilities: { reasoning, fileInput: true, tools: true, imageOutput: false },
      pricing: { input, cachedInput, cacheWrite, output },
    }),
  ),
);

export const DEFAULT_CATALOG = { models: [...ANSWERING_CATALOG, ...IMAGE_CATALOG] };
