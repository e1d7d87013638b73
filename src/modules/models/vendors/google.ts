import { createGoogleGenerativeAI } from '@ai-sdk/google';
import type { ImageModelV4Result, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { PictureSize } from '../media-tokens.js';
import type { TokenUsage } from '../../usage/pricing.js';
import { GOOGLE_IMAGE_MODEL, GOOGLE_MODELS } from './offered-models.js';
import { throwingFetch } from './throwing-fetch.js';
import { type CalledModel, count, type ProviderOptions, providerTool, type Vendor } from './vendor.js';

export const google = {
  id: 'google',
  name: 'Google',
  keyHeader: 'x-google-api-key',
  variables: { apiKey: 'GOOGLE_GENERATIVE_AI_API_KEY', baseUrl: 'GOOGLE_BASE_URL' },
  connect: ({ api: _api, ...settings }) => {
    const client = createGoogleGenerativeAI(settings);
    const uploader = createGoogleGenerativeAI({ ...settings, fetch: throwingFetch(settings.fetch) });
    return {
      language: (id) => client(id),
      image: (id) => client.image(id),
      files: () => uploader.files(),
    };
  },

  streamEnd: { possiblyLast: /"finishReason": ?"[A-Z]/ },
  takesTopK: true,
  thoughts: { tokens: 16_384, addedByClient: false },
  options: ({ modelId, thinking }: CalledModel): ProviderOptions =>
    thinking === undefined ? {} : { google: { thinkingConfig: thinkingConfig(modelId, thinking) } },
  tools: {
    googleSearch: providerTool('google.google_search', 'google_search'),
    urlContext: providerTool('google.url_context', 'url_context'),
    codeExecution: providerTool('google.code_execution', 'code_execution'),
  },
  searchTool: 'googleSearch',

  usage: {
    inRawChunks: true,
    partial: partialUsage,
    details,
    searches,
    answeredBy: (part) => text(rawValueOf(part)?.['modelVersion']),
  },
  media: {
    picture: pictureTokens,
    tokensOfPage: (id) => (isBeforeGemini3(id) ? 258 : 560),
    tokensOfSecond: 32,
    // One frame a second, and its sound.
    tokensOfVideoSecond: 290,
  },
  files: {
    types: [
      'image/png',
      'image/jpeg',
      'image/webp',
      'image/heic',
      'image/heif',
      'application/pdf',
      ...['wav', 'mp3', 'mpeg', 'aiff', 'aac', 'ogg', 'flac'].map((type) => `audio/${type}`),
      ...['mp4', 'mpeg', 'mov', 'quicktime', 'avi', 'x-flv', 'mpg', 'webm', 'wmv', '3gpp'].map(
        (type) => `video/${type}`,
      ),
    ],
    textModels: /^(?:gemma-3-1b|text-|gemini-embedding)/,
    maxImages: 3_000,
    maxTotalSize: 18_000_000,
    uploads: {
      maxTotalSize: 45_000_000,
      lifetime: 48 * 3_600_000,
      expiryOf: ({ providerMetadata }) =>
        Date.parse(text(providerMetadata?.['google']?.['expirationTime']) ?? '') || undefined,
      unknown: /permission to access the file\b.*may not exist|\bnot in an? active state/is,
    },
    refusal:
      /unable to process input (?:image|file|video|audio)|provided (?:image|video|audio|file) is not valid|unsupported mime type|inline_?data|the document has no pages/i,
  },
  history: {
    namespace: 'google',
    text: ['thoughtSignature'],
    toolCall: ['thoughtSignature'],
    reasoning: { notes: ['thoughtSignature'], proofs: ['thoughtSignature'] },
  },
  // The client reads any object. Some proxies send events that are not objects.
  ignores: (event) => typeof event !== 'object' || event === null,
  endings: {
    IMAGE_PROHIBITED_CONTENT: 'content-filter',
    IMAGE_RECITATION: 'content-filter',
    MODEL_ARMOR: 'content-filter',
  },
  code: { input: ['code'], output: ['output'] },

  models: GOOGLE_MODELS,
  defaultModel: 'gemini-3.8-flash',
  titleModel: 'gemini-3.5-flash-lite',
  images: {
    model: GOOGLE_IMAGE_MODEL,
    tokens: 1_290,
    details: imageDetails,
  },
} as const satisfies Vendor;

/** Thinking cannot be switched off in some models. They get the smallest budget that they accept. */
function thinkingConfig(modelId: string, thinking: boolean): Record<string, boolean | number | string> {
  // This model does not think by default. -1 means "as much as the question needs".
  if (thinking && /^gemini-2\.5-flash-lite/.test(modelId))
    return { includeThoughts: true, thinkingBudget: -1 };
  if (thinking) return { includeThoughts: true };
  if (/^gemini-2\.5/.test(modelId)) return { thinkingBudget: modelId.includes('pro') ? 128 : 0 };
  return { thinkingLevel: takesMinimalThought(modelId) ? 'minimal' : 'low' };
}

/** The Flash models up to 3.6, and all Flash-Lite ones. */
function takesMinimalThought(modelId: string): boolean {
  const [, minor] = /^gemini-3(?:\.(\d+))?-flash/.exec(modelId) ?? [];
  return modelId.includes('flash-lite') || (/^gemini-3[.-].*flash/.test(modelId) && Number(minor ?? 0) < 7);
}

/**
 * Up to Gemini 2.5, each tile has 258 tokens. A small picture is one tile. A larger one is cut into tiles of two thirds
 * of its shorter side. Since Gemini 3, a picture has at most 1,120 tokens.
 */
function pictureTokens({ width, height }: PictureSize, modelId: string): number {
  if (!isBeforeGemini3(modelId)) return 1_120;
  if (width <= 384 && height <= 384) return 258;
  const side = Math.max(1, Math.floor(Math.min(width, height) / 1.5));
  return 258 * Math.min(MAX_TILES, Math.ceil(width / side) * Math.ceil(height / side));
}

/** No picture that a model accepts has more tiles than this. */
const MAX_TILES = 64;

function isBeforeGemini3(modelId: string): boolean {
  return /^gemini-[12]\b/.test(modelId);
}

type Json = Record<string, unknown>;

/** Gemini repeats its counts in each chunk. */
function partialUsage(part: LanguageModelV4StreamPart): Partial<TokenUsage> | undefined {
  const metadata = rawValueOf(part)?.['usageMetadata'] as Json | null | undefined;
  if (!metadata) return undefined;
  const reasoningTokens = count(metadata['thoughtsTokenCount']);
  return {
    // Gemini counts the results of its own tools in the prompt separately, and bills them like the prompt.
    inputTokens: count(metadata['promptTokenCount']) + count(metadata['toolUsePromptTokenCount']),
    cachedInputTokens: count(metadata['cachedContentTokenCount']),
    outputTokens: count(metadata['candidatesTokenCount']) + reasoningTokens,
    reasoningTokens,
    ...details(metadata),
  };
}

function details(metadata: Json): Partial<TokenUsage> {
  const audioInputTokens =
    tokensOf('AUDIO', metadata['promptTokensDetails']) +
    tokensOf('AUDIO', metadata['toolUsePromptTokensDetails']);
  const cachedAudioInputTokens = tokensOf('AUDIO', metadata['cacheTokensDetails']);
  const imageOutputTokens = tokensOf('IMAGE', metadata['candidatesTokensDetails']);
  return {
    ...(audioInputTokens > 0 ? { audioInputTokens, cachedAudioInputTokens } : {}),
    ...(imageOutputTokens > 0 ? { imageOutputTokens } : {}),
  };
}

function tokensOf(modality: string, list: unknown): number {
  if (!Array.isArray(list)) return 0;
  return (list as Array<Json | null>).reduce(
    (sum, entry) => sum + (entry?.['modality'] === modality ? count(entry['tokenCount']) : 0),
    0,
  );
}

/** Since Gemini 3, each query has a fee. Before, each prompt with searches had a fee. */
function searches(part: LanguageModelV4StreamPart, modelId: string): readonly string[] {
  const candidates = rawValueOf(part)?.['candidates'] as Array<Json | null> | null | undefined;
  const grounding = candidates?.[0]?.['groundingMetadata'] as Json | null | undefined;
  const queries = grounding?.['webSearchQueries'];
  if (!Array.isArray(queries) || queries.length === 0) return [];
  return isBeforeGemini3(modelId) ? ['prompt'] : queries.filter((query) => typeof query === 'string');
}

/**
 * Besides the picture, an image model writes text and reasoning. Unless Gemini reports the tokens by kind, only those
 * of reasoning are known.
 */
function imageDetails({ images, providerMetadata }: ImageModelV4Result): Partial<TokenUsage> {
  const { usageMetadata } = (providerMetadata?.['google'] ?? {}) as { usageMetadata?: Json | null };
  if (!usageMetadata) return {};
  const drawn = images.length > 0 ? count(usageMetadata['candidatesTokenCount']) : 0;
  return { imageOutputTokens: drawn, ...details(usageMetadata) };
}

function rawValueOf(part: LanguageModelV4StreamPart): Json | null | undefined {
  return part.type === 'raw' ? (part.rawValue as Json | null) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
