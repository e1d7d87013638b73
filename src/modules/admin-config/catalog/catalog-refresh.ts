import { isDeepStrictEqual } from 'node:util';
import type { CatalogModel, ModelCatalog } from '../catalog-schema.js';
import { usedModels } from '../config-rules.js';
import { DEFAULT_CATALOG } from '../defaults/default-catalog.js';
import type { Pricing } from '../pricing-schema.js';
import type { RuntimeConfig } from '../runtime-config.js';
import { type PriceData, pricingFrom } from './price-data.js';
import { RETIREMENTS } from './retirements.js';

/** What is different about one model. */
export interface CatalogChange {
  /** `provider/model`. */
  model: string;
  change: 'added' | 'price' | 'retirement';
  /** The price so far; null where there is none. */
  before: Pricing | null;
  /** The price that it would be. */
  after: Pricing;
  retiresAt?: string;
  replacement?: string;
  /** The keys of the configuration that use the model. */
  usedBy: string[];
}

export interface RefreshedCatalog {
  catalog: ModelCatalog;
  changes: CatalogChange[];
}

/**
 * The catalog with the prices of this version, or of newer price data, with the models that this version offers, and with a
 * mark at each model that its vendor switches off. Nothing is removed: what has been used must keep its name and its price.
 */
export function refreshCatalog(
  { catalog, config }: { catalog: ModelCatalog; config: RuntimeConfig },
  { prices, at = new Date() }: { prices?: PriceData; at?: Date } = {},
): RefreshedCatalog {
  const known = new Map(DEFAULT_CATALOG.models.map((model) => [idOf(model), model as CatalogModel]));
  const priceOf = ({ provider, id }: CatalogModel): Pricing | undefined =>
    prices ? pricingFrom(prices, provider, id, at) : known.get(`${provider}/${id}`)?.pricing;
  const users = usersOf(config);
  const changes: CatalogChange[] = [];
  const note = (model: CatalogModel, change: Omit<CatalogChange, 'model' | 'usedBy' | 'after'>) =>
    changes.push({
      model: idOf(model),
      after: model.pricing,
      usedBy: users.get(idOf(model)) ?? [],
      ...change,
    });

  const present = catalog.models.map((model) => {
    const pricing = priceOf(model) ?? model.pricing;
    const retirement = retirementOf(model);
    const next = { ...model, pricing, ...retirement };
    if (!isDeepStrictEqual(pricing, model.pricing)) note(next, { change: 'price', before: model.pricing });
    if (
      retirement &&
      (retirement.retiresAt !== model.retiresAt || retirement.replacement !== model.replacement)
    )
      note(next, { change: 'retirement', before: model.pricing, ...retirement });
    return next;
  });
  const listed = new Set(present.map(idOf));
  const added = [...known.values()]
    .filter((model) => !listed.has(idOf(model)))
    .map((model) => ({ ...model, pricing: priceOf(model) ?? model.pricing }));
  for (const model of added) note(model, { change: 'added', before: null });
  return { catalog: { models: [...present, ...added] }, changes };
}

/** What is used by which keys. */
function usersOf({ agents, routing, settings }: RuntimeConfig): Map<string, string[]> {
  const used = usedModels({
    agentConfig: (agent, provider) => agents[agent][provider],
    routing: routing.models,
    settings,
  });
  const users = Map.groupBy(used, ({ id }) => id);
  return new Map([...users].map(([id, uses]) => [id, [...new Set(uses.map(({ key }) => key))].sort()]));
}

function retirementOf({
  provider,
  id,
}: CatalogModel): { retiresAt: string; replacement?: string } | undefined {
  const found = RETIREMENTS.find((retirement) => retirement.provider === provider && retirement.id === id);
  if (!found) return undefined;
  const { retiresAt, replacement } = found;
  return replacement === undefined ? { retiresAt } : { retiresAt, replacement };
}

function idOf({ provider, id }: Pick<CatalogModel, 'provider' | 'id'>): string {
  return `${provider}/${id}`;
}
