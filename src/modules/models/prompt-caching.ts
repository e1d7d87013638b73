import { createHash } from 'node:crypto';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { currentPart } from '../accounting/run-context.js';
import type { CatalogModel } from '../admin-config/catalog-schema.js';
import type { Pricing } from '../admin-config/pricing-schema.js';
import type { SelectedModel } from './model-selector.js';
import type { CachingRules, PromptCache } from './vendors/vendor.js';
import { VENDORS } from './vendors/vendors.js';

/** A call of a conversation, so that the vendor reads the part that it knows from its cache. */
export function withPromptCaching(
  options: LanguageModelV4CallOptions,
  model: SelectedModel,
): LanguageModelV4CallOptions {
  const { caching = {} } = model.agentConfig;
  const rules = rulesOf(model);
  if (!rules || caching.enabled === false) return options;
  return rules.prepare(options, {
    ttl: caching.ttl ?? '5m',
    conversation: nameOf(currentPart().name.chatId),
  });
}

/**
 * The model at the price of a prompt that the vendor has not cached and writes to its cache completely. Before the call, it
 * is unknown what the cache still contains, so this price is reserved.
 *
 * @param isPrepared whether the call asks for caching, see {@link withPromptCaching}
 */
export function pricedUncached(
  model: Pick<SelectedModel, 'provider' | 'agentConfig' | 'catalog'>,
  isPrepared = true,
): CatalogModel | undefined {
  const { catalog } = model;
  const { caching = {} } = model.agentConfig;
  const rules = rulesOf(model);
  const writes = rules && (rules.writesUnasked || (isPrepared && caching.enabled !== false));
  if (!writes || !catalog?.pricing) return catalog;
  return { ...catalog, pricing: readAsWritten(catalog.pricing, caching.ttl ?? '5m') };
}

function rulesOf({ provider }: Pick<SelectedModel, 'provider'>): CachingRules | undefined {
  return provider === 'demo' ? undefined : VENDORS[provider].caching;
}

/** A name for the chat, of 43 characters, that does not reveal its id. */
function nameOf(chatId: string | undefined): string | undefined {
  if (chatId === undefined) return undefined;
  return createHash('sha256').update(`prompt cache of chat ${chatId}`).digest('base64url');
}

/** Prices at which input costs as much as a cache write. */
function readAsWritten<Prices extends Pricing>(pricing: Prices, ttl: PromptCache['ttl']): Prices {
  const { tiers, scheduled } = pricing;
  const inputOf = ({ input, cacheWrite, cacheWriteHour }: Pricing) =>
    Math.max(input, (ttl === '1h' ? cacheWriteHour : undefined) ?? cacheWrite ?? 0);
  return {
    ...pricing,
    input: inputOf(pricing),
    // Prices that a tier does not set come from the tier below.
    ...(tiers && { tiers: tiers.map((tier) => ({ ...tier, input: inputOf({ ...pricing, ...tier }) })) }),
    ...(scheduled && { scheduled: scheduled.map((later) => readAsWritten(later, ttl)) }),
  };
}
