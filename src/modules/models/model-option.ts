import type { CatalogModel } from '../admin-config/catalog-schema.js';
import type { Pricing } from '../admin-config/pricing-schema.js';
import { type Provider, VENDORS } from './vendors/vendors.js';

/** One entry of `GET /api/models`. */
export interface ModelOption {
  id: string;
  name: string;
  provider: string;
  isDefault: boolean;
  capabilities: Record<string, boolean>;
  /** Null if the price is unknown. The cost of calls is then not counted. */
  pricing: Pricing | null;
  /** The day on which the vendor switches the model off, and the replacement that it recommends. */
  retiresAt?: string;
  replacement?: string;
  available: boolean;
  reason?: string;
}

/** What the catalog says about a model. */
export function describe(id: string, modelId: string, provider: Provider, catalog: CatalogModel | undefined) {
  const { name = modelId, capabilities = {}, pricing, retiresAt, replacement } = catalog ?? {};
  return {
    id,
    name,
    provider,
    capabilities,
    pricing: pricing
      ? { ...pricing, cachedInput: pricing.cachedInput ?? null, cacheWrite: pricing.cacheWrite ?? null }
      : null,
    ...(retiresAt === undefined ? {} : { retiresAt, ...(replacement === undefined ? {} : { replacement }) }),
  };
}

/** Why a model cannot be called: its provider has no key. */
export function noKey(provider: Provider): string {
  const { name, keyHeader } = VENDORS[provider];
  return `No ${name} key is configured. Send your own key in the header ${keyHeader}.`;
}

/** A vendor may still answer to this name, with another model. */
export function retiredBecause(provider: Provider, catalog: CatalogModel | undefined): string | undefined {
  const { retiresAt, replacement } = catalog ?? {};
  if (retiresAt === undefined || retiresAt > new Date().toISOString().slice(0, 10)) return undefined;
  const instead = replacement === undefined ? '' : ` Use ${replacement} instead.`;
  return `${VENDORS[provider].name} switched it off on ${retiresAt}.${instead}`;
}

export function demoOption(id: string, isDefault: boolean): ModelOption {
  return {
    id,
    name: 'Demo (not a language model)',
    provider: 'demo',
    isDefault,
    capabilities: {},
    pricing: { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 },
    available: true,
  };
}
