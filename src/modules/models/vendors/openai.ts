import { createOpenAI } from '@ai-sdk/openai';
import type { ImageModelV4Result, LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider';
import { knowingCacheKeys, withCacheKey } from './openai-cache-key.js';
import { readingCompatible, showingThoughts } from './openai-compatible.js';
import type { PictureSize } from '../media-tokens.js';
import type { TokenUsage } from '../../usage/pricing.js';
import { OPENAI_IMAGE_MODEL, OPENAI_MODELS } from './offered-models.js';
import { type CalledModel, count, providerTool, type Vendor } from './vendor.js';

export const openai = {
  id: 'openai',
  name: 'OpenAI',
  keyHeader: 'x-openai-api-key',
  variables: {
    apiKey: 'OPENAI_API_KEY',
    baseUrl: 'OPENAI_BASE_URL',
    // Gateways and local servers often have only `chat`.
    api: { name: 'OPENAI_API', values: ['responses', 'chat'] },
  },
  connect: ({ api, ...settings }) => {
    const client = createOpenAI(settings);
    const compatible = createOpenAI({ ...settings, fetch: readingCompatible(settings.fetch) });
    const chat = (id: string) => showingThoughts(knowingCacheKeys(compatible.chat(id), settings.baseURL));
    return {
      language: (id) => (api === 'chat' ? chat(id) : client.responses(id)),
      image: (id) => client.image(id),
    };
  },

  /** The end of the chat interface, and the three of the responses interface. */
  streamEnd: {
    lastEvent: /\n(?:data: ?\[DONE\]|event: ?response\.(?:completed|incomplete|failed)(?=\r?\n))/,
  },
  takesTopK: false,
  thoughts: { tokens: 16_384, addedByClient: false },
  options: (model: CalledModel) => ({
    openai: {
      store: false,
      // True would list everything that was read, without titles, in addition to the citations.
      includeWebSearchSources: false,
      ...(model.thinking === undefined ? {} : thinkingOptions(model, model.thinking)),
    },
  }),
  tools: {
    webSearch: providerTool('openai.web_search', 'web_search'),
    codeExecution: providerTool('openai.code_interpreter', 'code_interpreter'),
  },
  searchTool: 'webSearch',
  apisWithTools: ['responses'],

  usage: { inRawChunks: false, ofFailure, details, searches },
  media: { picture: pictureTokens, tokensOfPage: () => 1_500, tokensOfSecond: 10 },
  files: {
    types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'application/pdf'],
    textModels: /^(?:gpt-3\.5|gpt-4(?:$|-0|-32k)|o1-mini|o1-preview|o3-mini)/,
    maxImages: 500,
    maxTotalSize: 45_000_000,
    refusal:
      /invalid_image|image_parse_error|invalid_base64|unsupported image|valid image|image data|image_url|input_file|file_data/i,
  },
  history: {
    namespace: 'openai',
    text: ['phase'],
    reasoning: {
      notes: ['itemId', 'reasoningEncryptedContent'],
      proofs: ['reasoningEncryptedContent'],
      item: 'itemId',
    },
  },
  // Since GPT-5.6, OpenAI bills cache writes.
  caching: { prepare: withCacheKey, writesUnasked: true },
  // Every chunk of an answer has `choices`, and every error has `error`.
  ignores: (event) =>
    typeof event !== 'object' || event === null || !('choices' in event || 'error' in event),
  code: { input: ['code'], output: [], outputList: ['outputs', 'logs'] },

  models: OPENAI_MODELS,
  defaultModel: 'gpt-6.1-terra',
  titleModel: 'gpt-6-luna',
  images: {
    model: OPENAI_IMAGE_MODEL,
    // For the highest quality, which the model may choose.
    tokens: 4_160,
    refusal: /moderation_blocked|content_policy_violation/,
    details: imageDetails,
  },
} as const satisfies Vendor;

function thinkingOptions(model: CalledModel, thinking: boolean): Record<string, string | null> {
  const effort = thinking ? mediumEffort(model.modelId) : leastEffort(model);
  // If it is omitted, the client asks for a detailed summary.
  return { reasoningEffort: effort, reasoningSummary: thinking ? 'auto' : null };
}

function mediumEffort(modelId: string): string {
  return isPro(modelId) ? 'high' : 'medium';
}

function leastEffort({ modelId, allows }: CalledModel): string {
  if (isPro(modelId)) return 'high';
  if (modelId.includes('codex')) return 'low';
  if (/^gpt-5\.\d|^gpt-6(?:\.\d)?-(?:terra|luna)|^gpt-6-sol/.test(modelId)) return 'none';
  // Its search requires at least this effort.
  const least = allows('webSearch') ? 'low' : 'minimal';
  return modelId.startsWith('gpt-5') ? least : 'low';
}

/** The pro models only have this effort. */
function isPro(modelId: string): boolean {
  return /-pro(?:-|$)/.test(modelId);
}

/** The tokens of a picture, and of each of its tiles. */
const TILES: Array<[model: RegExp, base: number, tile: number]> = [
  [/^gpt-4o-mini/, 2_833, 5_667],
  [/^o\d/, 75, 150],
  [/^gpt-5(?:-chat|-\d|$)/, 70, 140],
];

/** Tiles of 512 pixels, after the picture was scaled to fit into 2,048 pixels and its shorter side to 768. */
function pictureTokens({ width, height }: PictureSize, modelId: string): number {
  const [, base, tile] = TILES.find(([model]) => model.test(modelId)) ?? [undefined, 85, 170];
  const fit = Math.min(1, 2_048 / Math.max(width, height));
  const scale = fit * Math.min(1, 768 / (Math.min(width, height) * fit));
  const tiles = Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512);
  return base + tile * Math.max(1, tiles);
}

/** An answer that fails before its first part. OpenAI also bills the reasoning of such an answer. */
function ofFailure(data: unknown): LanguageModelV4Usage | undefined {
  const { response } = (data ?? {}) as { response?: { usage?: Record<string, unknown> | null } | null };
  if (!response?.usage) return undefined;
  const { input_tokens, output_tokens, input_tokens_details, output_tokens_details } = response.usage;
  const input = input_tokens_details as Record<string, unknown> | null | undefined;
  const output = output_tokens_details as Record<string, unknown> | null | undefined;
  return {
    inputTokens: {
      total: count(input_tokens),
      noCache: undefined,
      cacheRead: count(input?.['cached_tokens']),
      cacheWrite: count(input?.['cache_write_tokens']),
    },
    outputTokens: {
      total: count(output_tokens),
      text: undefined,
      reasoning: count(output?.['reasoning_tokens']),
    },
  };
}

/** Only the chat interface accepts sound and counts it. */
function details({ prompt_tokens_details }: Record<string, unknown>): Partial<TokenUsage> {
  const audioInputTokens = count(
    (prompt_tokens_details as { audio_tokens?: unknown } | null | undefined)?.audio_tokens,
  );
  return audioInputTokens > 0 ? { audioInputTokens } : {};
}

/** A search has a fee. Opening a page that was found, or searching for words in it, has none. */
function searches(part: LanguageModelV4StreamPart): readonly string[] {
  if (part.type !== 'tool-result') return [];
  const { action } = (part.result ?? {}) as { action?: { type?: unknown } | null };
  return action?.type === 'search' ? [part.toolCallId] : [];
}

/** OpenAI counts input pictures separately. Its output consists of pictures only. */
function imageDetails({ providerMetadata, usage }: ImageModelV4Result): Partial<TokenUsage> {
  const images = providerMetadata?.['openai']?.images ?? [];
  const imageInputTokens = images.reduce<number>(
    (sum, image) => sum + count((image as { imageTokens?: unknown } | null)?.imageTokens),
    0,
  );
  return { imageInputTokens, imageOutputTokens: count(usage?.outputTokens) };
}
