import { createAnthropic } from '@ai-sdk/anthropic';
import type {
  LanguageModelV4StreamPart,
  SharedV4ProviderMetadata,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider';
import type { TokenUsage } from '../../usage/pricing.js';
import { withBreakpoints } from './anthropic-breakpoints.js';
import { dataOf, type Rewrite, rewritingEvents, splitEvents } from './server-events.js';
import type { PictureSize } from '../media-tokens.js';
import { ANTHROPIC_MODELS } from './offered-models.js';
import { type CalledModel, count, type ProviderOptions, providerTool, type Vendor } from './vendor.js';

/** The reasoning budget in tokens, for models that need one. */
const THINKING_BUDGET = 4_096;
/** Anthropic refuses a lower one. */
const LEAST_THINKING_BUDGET = 1_024;

/** The maximum number of searches and pages in one answer. Each is billed in addition to its tokens. */
const MAX_USES = 5;

export const anthropic = {
  id: 'anthropic',
  name: 'Anthropic',
  keyHeader: 'x-anthropic-api-key',
  variables: { apiKey: 'ANTHROPIC_API_KEY', baseUrl: 'ANTHROPIC_BASE_URL' },
  connect: ({ api: _api, ...settings }) => {
    // The client fails if the first event is of an unknown type.
    const fetch = rewritingEvents(settings.fetch, () => withoutUnknownEvents);
    const client = createAnthropic({ ...settings, fetch });
    return { language: (id) => client(id) };
  },

  streamEnd: { lastEvent: /\nevent: ?message_stop(?=\r?\n)/ },
  takesTopK: true,
  thoughts: { tokens: THINKING_BUDGET, addedByClient: true },
  limitThoughts,
  options: ({ modelId, thinking }: CalledModel): ProviderOptions =>
    thinking === undefined ? {} : thinkingOptions(modelId, thinking),
  tools: {
    webSearch: providerTool('anthropic.web_search_20250305', 'web_search', { maxUses: MAX_USES }),
    urlContext: providerTool('anthropic.web_fetch_20250910', 'web_fetch', { maxUses: MAX_USES }),
    codeExecution: providerTool('anthropic.code_execution_20250825', 'code_execution'),
  },
  searchTool: 'webSearch',

  usage: { inRawChunks: false, partial: partialUsage, details },
  files: {
    types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'application/pdf'],
    maxImages: 100,
    maxImageSize: 5 * 1024 ** 2,
    maxImageSide: 8_000,
    manyImages: { above: 20, maxImageSide: 2_000 },
    maxTotalSize: 30_000_000,
    refusal:
      /could not process (?:image|pdf)|(?:image|document)\.source|\bthe (?:pdf|image|document) specified\b|\bpdf pages\b|image exceeds|image dimensions exceed|too much media/i,
  },
  history: {
    namespace: 'anthropic',
    reasoning: { notes: ['signature', 'redactedData'], proofs: ['signature', 'redactedData'] },
  },
  caching: { prepare: withBreakpoints, writesUnasked: false },
  endings: { pause_turn: 'pause' },
  resuming: inTheSameContainer,
  ignores: isUnknownEvent,
  // Anthropic says that its newer tokenizer makes about 30 % more tokens from the same text.
  tokensPerEstimate: (modelId) => (isNewer(modelId) ? 1.3 : 1),
  // A page is read as text and as a picture.
  media: { picture: pictureTokens, tokensOfPage: () => 3_000, tokensOfSecond: 0 },
  code: { input: ['code', 'command', 'file_text'], output: ['stdout', 'stderr'] },

  models: ANTHROPIC_MODELS,
  defaultModel: 'claude-sonnet-5-5',
  titleModel: 'claude-haiku-5-5',
} as const satisfies Vendor;

function thinkingOptions(modelId: string, thinking: boolean): ProviderOptions {
  // Since 4.6, the models decide by themselves how much reasoning a question needs. Some do so unless thinking is
  // switched off.
  const adaptive = modelId.startsWith('claude-') && !/^claude-3|-4(?:-[0-5])?(?:-\d{8})?$/.test(modelId);
  if (!thinking) return adaptive ? { anthropic: leastThought(modelId) } : {};
  return {
    anthropic: {
      thinking: adaptive
        ? { type: 'adaptive', display: 'summarized' }
        : { type: 'enabled', budgetTokens: THINKING_BUDGET },
    },
  };
}

/** Half of the tokens are left for the answer. Adaptive thinking has no budget: `max_tokens` limits both together. */
function limitThoughts(
  options: SharedV4ProviderOptions | undefined,
  most: number,
): { tokens: number; options: SharedV4ProviderOptions } | undefined {
  const { anthropic } = options ?? {};
  const thinking = anthropic?.['thinking'] as { budgetTokens?: number } | undefined;
  if (thinking?.budgetTokens === undefined) return undefined;
  const half = Math.max(LEAST_THINKING_BUDGET, Math.floor(most / 2));
  const budgetTokens = Math.min(thinking.budgetTokens, half);
  return {
    tokens: budgetTokens,
    options: { ...options, anthropic: { ...anthropic, thinking: { ...thinking, budgetTokens } } },
  };
}

/** After a pause, code continues in the container that holds its files. */
function inTheSameContainer({ anthropic }: SharedV4ProviderMetadata): ProviderOptions | undefined {
  const { id } = (anthropic?.['container'] ?? {}) as { id?: unknown };
  return typeof id === 'string' ? { anthropic: { container: { id } } } : undefined;
}

/** Event types that carry an answer. If one of them cannot be read, part of the answer is missing. */
const EVENTS = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'error',
]);
const DELTAS = new Set(['text_delta', 'thinking_delta', 'signature_delta', 'input_json_delta']);

/** Anthropic adds event types over time and requires clients to ignore unknown ones. */
function isUnknownEvent(event: unknown): boolean {
  const { type, delta } = (event ?? {}) as { type?: unknown; delta?: { type?: unknown } };
  if (typeof type !== 'string') return false;
  return !EVENTS.has(type) || (type === 'content_block_delta' && !DELTAS.has(String(delta?.type)));
}

/**
 * Removes unknown events before the first event of the answer. Later ones are ignored by `CallStream`, if the client
 * cannot read them: it reads more than the answer, for example the sources.
 */
export const withoutUnknownEvents: Rewrite = (events) => {
  const all = splitEvents(events);
  const first = all.findIndex((event) => isKnownEvent(dataOf(event)));
  const before = first === -1 ? all : all.slice(0, first);
  const kept = before.filter((event) => !isUnknownEvent(dataOf(event)));
  return { events: [...kept, ...all.slice(before.length)].join(''), isDone: first !== -1 };
};

function isKnownEvent(event: unknown): boolean {
  return event !== undefined && !isUnknownEvent(event);
}

/** Thinking cannot be switched off in some models. */
function leastThought(modelId: string): ProviderOptions[string] {
  if (/sonnet-5-5/.test(modelId)) return { thinking: { type: 'between_tools' } };
  return /opus-5-5|fable-5/.test(modelId) ? { effort: 'low' } : { thinking: { type: 'disabled' } };
}

/**
 * One token for 750 pixels, after a picture was scaled down to the largest size that the model accepts. Since Opus 4.7
 * and the models of the fifth generation, that size is larger.
 */
function pictureTokens({ width, height }: PictureSize, modelId: string): number {
  const [side, most] = isNewer(modelId) ? [2_576, 4_784] : [1_568, 1_600];
  const scale = Math.min(1, side / Math.max(width, height));
  return Math.min(most, Math.max(1, Math.ceil((width * scale * height * scale) / 750)));
}

function isNewer(modelId: string): boolean {
  return /^claude-(?:opus-4-[78]|[a-z]+-5)\b/.test(modelId);
}

/** Anthropic starts a stream with the figures of its input, and of the beginning of its output. */
function partialUsage(part: LanguageModelV4StreamPart): Partial<TokenUsage> | undefined {
  if (part.type !== 'custom' || part.kind !== 'anthropic.message_start') return undefined;
  const usage = part.providerMetadata?.['anthropic']?.['usage'] as Record<string, unknown> | undefined;
  const cached = count(usage?.['cache_read_input_tokens']);
  const written = count(usage?.['cache_creation_input_tokens']);
  return {
    inputTokens: count(usage?.['input_tokens']) + cached + written,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    outputTokens: count(usage?.['output_tokens']),
    ...details(usage ?? {}),
  };
}

function details({ cache_creation, server_tool_use }: Record<string, unknown>): Partial<TokenUsage> {
  const kept = cache_creation as Record<string, unknown> | null | undefined;
  const used = server_tool_use as Record<string, unknown> | null | undefined;
  const cacheWriteHourTokens = count(kept?.['ephemeral_1h_input_tokens']);
  const webSearches = count(used?.['web_search_requests']);
  return {
    ...(cacheWriteHourTokens > 0 ? { cacheWriteHourTokens } : {}),
    ...(webSearches > 0 ? { webSearches } : {}),
  };
}
