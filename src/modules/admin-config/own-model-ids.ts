import { agentKey, ANSWERING_AGENTS, type ConfigData, type ConfigKey } from './config-schemas.js';
import { type Provider, PROVIDERS } from '../models/vendors/vendors.js';

/** Whether the catalog has a model, by `provider/model`. */
interface Catalog {
  has(id: string): boolean;
}

const AGENT_PROVIDER = new Map<ConfigKey, Provider>(
  ANSWERING_AGENTS.flatMap((agent) =>
    PROVIDERS.map((provider) => [agentKey(agent, provider), provider] as const),
  ),
);

/**
 * The data of a key with the vendors' own ids of its models. `google/gemini` is accepted where the key names the provider
 * already, but an id can begin like that itself, as `openai/gpt-oss-120b` of a gateway: the catalog says which it is.
 */
export function withOwnModelIds<Key extends ConfigKey>(
  key: Key,
  data: ConfigData[Key],
  catalog: Catalog,
): ConfigData[Key] {
  const provider = AGENT_PROVIDER.get(key);
  if (provider !== undefined && 'models' in data) {
    const models = data.models.map((model) => ({ ...model, id: ownModelId(provider, model.id, catalog) }));
    return { ...data, models };
  }
  if (key !== 'app_settings') return data;
  const { titleModels, imageModels, compaction, ...settings } = data as ConfigData['app_settings'];
  return {
    ...settings,
    ...(titleModels && { titleModels: byProvider(titleModels, catalog) }),
    ...(imageModels && { imageModels: byProvider(imageModels, catalog) }),
    ...(compaction && {
      compaction: {
        ...compaction,
        ...(compaction.models && { models: byProvider(compaction.models, catalog) }),
      },
    }),
  } as ConfigData[Key];
}

function byProvider(models: Partial<Record<Provider, string>>, catalog: Catalog) {
  return Object.fromEntries(
    PROVIDERS.flatMap((provider) => {
      const id = models[provider];
      return id === undefined ? [] : [[provider, ownModelId(provider, id, catalog)]];
    }),
  );
}

function ownModelId(provider: Provider, id: string, catalog: Catalog): string {
  const prefix = `${provider}/`;
  return id.startsWith(prefix) && !catalog.has(`${prefix}${id}`) ? id.slice(prefix.length) : id;
}
