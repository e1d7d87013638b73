import type { LanguageModelV4CallOptions, SharedV4ProviderOptions } from '@ai-sdk/provider';
import type { PromptCache } from './vendor.js';

/**
 * Marks the places up to which Anthropic caches a prompt: behind the tools, behind the system prompt, and behind the last two
 * messages of the user's side, which are questions or results of tools. That is all four that Anthropic allows.
 *
 * The last one is written for the next call. The one before is where the previous call has ended: Anthropic looks for an
 * earlier place only 20 blocks back, and an answer may have more. A prompt that is too short to be cached is not an error.
 */
export function withBreakpoints(
  options: LanguageModelV4CallOptions,
  { ttl }: PromptCache,
): LanguageModelV4CallOptions {
  // Five minutes is Anthropic's default.
  const cacheControl = { type: 'ephemeral', ...(ttl === '5m' ? {} : { ttl }) };
  const marked = <Item extends { providerOptions?: SharedV4ProviderOptions }>(item: Item): Item => ({
    ...item,
    providerOptions: {
      ...item.providerOptions,
      anthropic: { ...item.providerOptions?.['anthropic'], cacheControl },
    },
  });
  const { prompt, tools } = options;
  const system = prompt.findLastIndex(({ role }) => role === 'system');
  const asked = prompt.flatMap(({ role }, index) => (role === 'user' || role === 'tool' ? [index] : []));
  const places = new Set([system, ...asked.slice(-2)]);
  // Anthropic's own tools accept no mark. They come before the system prompt, so its mark includes them.
  const lastTool = tools?.findLastIndex(({ type }) => type === 'function') ?? -1;
  return {
    ...options,
    prompt: prompt.map((message, index) => (places.has(index) ? marked(message) : message)),
    tools: tools?.map((tool, index) =>
      index === lastTool && tool.type === 'function' ? marked(tool) : tool,
    ),
  };
}
