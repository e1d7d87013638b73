import { type Provider, PROVIDERS } from '../models/vendors/vendors.js';
import {
  type AgentConfig,
  agentKey,
  ANSWERING_AGENTS,
  type AnsweringAgent,
  type AppSettings,
  type CatalogModel,
  CONFIG_SCHEMAS,
  type ConfigData,
  type ConfigKey,
  ROUTING_TIMEOUT,
} from './config-schemas.js';

export interface ConfigRow {
  configKey: string;
  configData: unknown;
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
  const byKey = new Map(rows.map(({ configKey, configData }) => [configKey, configData]));
  const read = <Key extends ConfigKey>(key: Key): ConfigData[Key] | undefined => {
    if (!byKey.has(key)) return undefined;
    const result = CONFIG_SCHEMAS[key].safeParse(byKey.get(key));
    if (!result.success) onInvalid(key, result.error.message);
    return result.data;
  };
  const agentEntries = ANSWERING_AGENTS.map((agent) => {
    const configs = PROVIDERS.flatMap((provider) => {
      const config = read(agentKey(agent, provider));
      return config ? [[provider, config] as const] : [];
    });
    return [agent, Object.fromEntries(configs)] as const;
  });
  const models = read('model_catalog')?.models ?? [];
  const routing = read('routing_agent');
  return {
    settings: read('app_settings') ?? { activeProvider: PROVIDERS[0] },
    catalog: new Map(models.map((model) => [`${model.provider}/${model.id}`, model])),
    agents: Object.fromEntries(agentEntries) as unknown as RuntimeConfig['agents'],
    routing: routing ? { ...routing, models: routing.models.map(({ id }) => id) } : NO_ROUTING,
  };
}
