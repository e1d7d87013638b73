import { type Provider, PROVIDERS } from '../models/vendors/vendors.js';
import type { CatalogModel } from './catalog-schema.js';
import {
  type AgentConfig,
  agentKey,
  ANSWERING_AGENTS,
  type AnsweringAgent,
  type AppSettings,
  CONFIG_SCHEMAS,
  type ConfigData,
  type ConfigKey,
  ROUTING_TIMEOUT,
} from './config-schemas.js';
import { withOwnModelIds } from './own-model-ids.js';

export interface ConfigRow {
  configKey: string;
  configData: unknown;
  version: number;
}

/** How the answering agent is chosen. */
export interface RuntimeRouting {
  enabled: boolean;
  systemPrompt: string;
  /** `provider/model`, in order of preference. */
  models: string[];
  timeoutMs: number;
}

/** Everything in `admin_config` that a turn needs, read at one moment. */
export interface RuntimeConfig {
  settings: AppSettings;
  /** By `provider/model`. */
  catalog: ReadonlyMap<string, CatalogModel>;
  /** The version of `model_catalog` that the prices are from. */
  catalogVersion?: number;
  agents: Readonly<Record<AnsweringAgent, Readonly<Partial<Record<Provider, AgentConfig>>>>>;
  routing: RuntimeRouting;
}

const NO_ROUTING: RuntimeRouting = {
  enabled: false,
  systemPrompt: '',
  models: [],
  timeoutMs: ROUTING_TIMEOUT,
};

/**
 * Builds the typed configuration from rows. A row that violates its schema (older than the database's own check) is
 * omitted and reported: its agent is disabled, and the others continue to work.
 */
export function toRuntimeConfig(
  rows: ConfigRow[],
  onInvalid: (key: string, reason: string) => void,
): RuntimeConfig {
  const byKey = new Map(rows.map((row) => [row.configKey, row]));
  const read = <Key extends ConfigKey>(key: Key): ConfigData[Key] | undefined => {
    const row = byKey.get(key);
    if (!row) return undefined;
    const result = CONFIG_SCHEMAS[key].safeParse(row.configData);
    if (!result.success) onInvalid(key, result.error.message);
    return result.data && withOwnModelIds(key, result.data, catalog);
  };
  const catalog = new Map<string, CatalogModel>();
  for (const model of read('model_catalog')?.models ?? [])
    catalog.set(`${model.provider}/${model.id}`, model);
  const agentEntries = ANSWERING_AGENTS.map((agent) => {
    const configs = PROVIDERS.flatMap((provider) => {
      const config = read(agentKey(agent, provider));
      return config ? [[provider, config] as const] : [];
    });
    return [agent, Object.fromEntries(configs)] as const;
  });
  const routing = read('routing_agent');
  return {
    settings: read('app_settings') ?? { activeProvider: PROVIDERS[0] },
    catalog,
    catalogVersion: byKey.get('model_catalog')?.version,
    agents: Object.fromEntries(agentEntries) as unknown as RuntimeConfig['agents'],
    routing: routing ? { ...routing, models: routing.models.map(({ id }) => id) } : NO_ROUTING,
  };
}
