import { createHash } from 'node:crypto';
import type { AgentConfig } from '../../admin-config/config-schemas.js';
import type { SelectedModel } from '../model-selector.js';
import type { UserKeys } from '../user-keys.js';
import { type Provider, type ProviderCapability, VENDORS } from '../vendors/vendors.js';
import type { CoolDowns, CoolDownTarget } from './cool-downs.js';
import type { Fallback, FallbackModel } from './fallback.js';

/** All models of a chain together may be silent for this many times the timeout of a first token. */
const PATIENCE = 2;

/** Lets models answer in place of each other. @returns the first one */
export function chainOf(
  [model, ...others]: [SelectedModel, ...SelectedModel[]],
  keys: UserKeys,
  coolDowns: CoolDowns,
  firstByteTimeout: number,
): SelectedModel {
  if (others.length === 0) return model;
  const models: FallbackModel[] = [];
  const fallback: Fallback = { coolDowns, models, within: firstByteTimeout * PATIENCE };
  models.push({ ...model, fallback, coolDown: targetOf(model, keys) });
  for (const other of others)
    models.push({ ...other, fallback, standsInFor: model.id, coolDown: targetOf(other, keys) });
  return { ...model, fallback };
}

/** A limit of one user's own key says nothing about those of others. */
function targetOf({ id, provider, modelId, ownKey, catalog }: SelectedModel, keys: UserKeys): CoolDownTarget {
  const key = ownKey && provider !== 'demo' ? digestOf(keys[provider] ?? '') : 'server';
  return { id: `${key} ${id}`, provider, model: catalog ? modelId : 'other', ownKey };
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

/**
 * The configuration with which another provider's model answers: the same one. If it allows web search, the other
 * provider's search is allowed, which may have another name.
 */
export function fallbackConfig(config: AgentConfig, from: Provider, to: Provider): AgentConfig {
  const { capabilities } = config;
  const search = VENDORS[from].searchTool as ProviderCapability | undefined;
  const otherSearch = VENDORS[to].searchTool as ProviderCapability | undefined;
  if (!capabilities || from === to || !search || !otherSearch) return config;
  return { ...config, capabilities: { ...capabilities, [otherSearch]: capabilities[search] } };
}
