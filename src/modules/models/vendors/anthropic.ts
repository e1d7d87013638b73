import { createAnthropic } from '@ai-sdk/anthropic';
import type { LanguageModelV4StreamPart, SharedV4ProviderMetadata } from '@ai-sdk/provider';
import type { TokenUsage } from '../../usage/pricing.js';
import { dataOf, type Rewrite, rewritingEvents, splitEvents } from './server-events.js';
import { type CalledModel, count, type ProviderOptions, providerTool, type Vendor } from './vendor.js';

/** Tokens that the models may think before they answer, where they are to be told. */
const THINKING_BUDGET = 4_096;

/** Searches and pages of one answer: each is paid beside its tokens. */
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

  takesTopK: true,
  thoughts: { tokens: THINKING_BUDGET, addedByClient: true },
  options: ({ modelId, thinking }: CalledModel): ProviderOptions =>
    thinking === undefined ? {} : thinkingOptions(modelId, thinking),
  tools: {
    webSearch: providerTool('anthropic.web_search_20250305', 'web_search', { maxUses: MAX_USES }),
    urlContext: providerTool('anthropic.web_fetch_20250910', 'web_fetch', { maxUses: MAX_USES }),
    codeExecution: providerTool('anthropic.code_execution_20250825', 'code_execution'),
  },

  usage: { inRawChunks: false, partial: partialUsage },
  endings: { pause_turn: 'pause' },
  resuming: inTheSameContainer,
  ignores: isUnknownEvent,
  code: { input: ['code', 'command', 'file_text'], output: ['stdout', 'stderr'] },

  models: [
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
  ],
  defaultModel: 'claude-sonnet-4-5',
  titleModel: 'claude-haiku-4-5',
} as const satisfies Vendor;

function thinkingOptions(modelId: string, thinking: boolean): ProviderOptions {
  // Since 4.6 the models find by themselves how much thought a question needs, and some do so unless they are told not to.
  const adaptive = modelId.startsWith('claude-') && !/^claude-3|-4(?:-[0-5])?(?:-\d{8})?$/.test(modelId);
  if (!thinking) return adaptive ? { anthropic: { thinking: { type: 'disabled' } } } : {};
  return {
    anthropic: {
      thinking: adaptive
        ? { type: 'adaptive', display: 'summarized' }
        : { type: 'enabled', budgetTokens: THINKING_BUDGET },
    },
  };
}

/** After a pause, code continues in the container that has its files. */
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

/** Removes unknown events before the first event of the answer. Later ones are ignored by `CallStream`. */
const withoutUnknownEvents: Rewrite = (events) => {
  const kept = splitEvents(events).filter((event) => !isUnknownEvent(dataOf(event)));
  return { events: kept.join(''), isDone: events.includes('message_start') };
};

/** Anthropic opens a stream with the figures of its input. */
function partialUsage(part: LanguageModelV4StreamPart): Partial<TokenUsage> | undefined {
  if (part.type !== 'custom' || part.kind !== 'anthropic.message_start') return undefined;
  const usage = part.providerMetadata?.['anthropic']?.['usage'] as Record<string, unknown> | undefined;
  const cached = count(usage?.['cache_read_input_tokens']);
  const written = count(usage?.['cache_creation_input_tokens']);
  return {
    inputTokens: count(usage?.['input_tokens']) + cached + written,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
  };
}
