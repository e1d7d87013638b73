import type { FieldError } from '../../common/errors/app-error.js';
import {
  type AgentConfig,
  agentKey,
  ANSWERING_AGENTS,
  type AnsweringAgent,
  type AppSettings,
  type ConfigData,
  type ConfigKey,
} from './config-schemas.js';
import { type Provider, PROVIDERS } from '../models/vendors/vendors.js';

/** The whole configuration, without missing keys. */
export type ConfigSet = Partial<ConfigData>;

/** Keys that are always required. */
const REQUIRED_KEYS: readonly ConfigKey[] = ['app_settings', 'model_catalog'];

/** A model that a configuration key depends on. */
interface UsedModel {
  key: ConfigKey;
  /** Path in `configData` of that key. */
  path: string;
  /** `provider/model`. */
  id: string;
  /** It must be able to generate images. */
  needsImageOutput?: boolean;
}

/** The parts of a configuration that name models. */
interface NamingModels {
  agentConfig: (
    agent: AnsweringAgent,
    provider: Provider,
  ) => Pick<AgentConfig, 'models' | 'fallbackModels'> | undefined;
  /** `provider/model`. */
  routing: readonly string[];
  settings?: AppSettings;
}

/** Finds conflicts in the configuration `next` that the change of `key` causes. */
export function findConflicts(key: ConfigKey, next: ConfigSet): FieldError[] {
  if (next[key] === undefined && REQUIRED_KEYS.includes(key)) {
    return [{ path: 'key', message: `${key} cannot be deleted: it is required` }];
  }
  return [...modelConflicts(key, next), ...activeProviderConflicts(key, next)];
}

function modelConflicts(key: ConfigKey, next: ConfigSet): FieldError[] {
  const catalog = new Map(
    next.model_catalog?.models.map((model) => [`${model.provider}/${model.id}`, model]),
  );
  const used = usedModels({
    agentConfig: (agent, provider) => next[agentKey(agent, provider)],
    routing: next.routing_agent?.models.map(({ id }) => id) ?? [],
    settings: next.app_settings,
  });
  const missing = used.flatMap((use) => {
    const model = catalog.get(use.id);
    if (!model) return [{ ...use, what: use.id, problem: 'is not in model_catalog' }];
    if (!use.needsImageOutput || model.capabilities['imageOutput']) return [];
    return [{ ...use, what: `the imageOutput of ${use.id}`, problem: 'has no imageOutput in model_catalog' }];
  });
  if (key !== 'model_catalog') {
    return missing
      .filter((used) => used.key === key)
      .map(({ path, id, problem }) => ({ path: `configData.${path}`, message: `${id} ${problem}` }));
  }
  const users = Map.groupBy(missing, ({ what }) => what);
  return [...users].map(([what, uses]) => ({
    path: 'configData.models',
    message: `must keep ${what}: it is used by ${[...new Set(uses.map((used) => used.key))].join(', ')}`,
  }));
}

/** All models that a configuration names. */
export function usedModels({ agentConfig, routing, settings }: NamingModels): UsedModel[] {
  const ofAgents = ANSWERING_AGENTS.flatMap((agent) =>
    PROVIDERS.flatMap((provider) => {
      const key = agentKey(agent, provider);
      const { models = [], fallbackModels = [] } = agentConfig(agent, provider) ?? {};
      return [
        ...models.map(({ id }, index) => ({ key, path: `models.${index}.id`, id: `${provider}/${id}` })),
        ...fallbackModels.map(({ id }, index) => ({ key, path: `fallbackModels.${index}.id`, id })),
      ];
    }),
  );
  const ofRouting = routing.map((id, index) => ({
    key: 'routing_agent' as const,
    path: `models.${index}.id`,
    id,
  }));
  const ofSettings = (
    path: string,
    models: Partial<Record<Provider, string>> = {},
    needsImageOutput = false,
  ) =>
    PROVIDERS.flatMap((provider) => {
      const id = models[provider];
      if (id === undefined) return [];
      const key = 'app_settings' as const;
      return [{ key, path: `${path}.${provider}`, id: `${provider}/${id}`, needsImageOutput }];
    });
  return [
    ...ofAgents,
    ...ofRouting,
    ...ofSettings('titleModels', settings?.titleModels),
    ...ofSettings('compaction.models', settings?.compaction?.models),
    ...ofSettings('imageModels', settings?.imageModels, true),
  ];
}

/** At least the chat agent of the active provider must be able to answer. */
function activeProviderConflicts(key: ConfigKey, next: ConfigSet): FieldError[] {
  const active = next.app_settings?.activeProvider;
  if (active === undefined) return [];
  const needed = agentKey('chat', active);
  if (next[needed]?.enabled) return [];
  if (key === 'app_settings') {
    return [
      {
        path: 'configData.activeProvider',
        message: `must have an enabled chat agent; ${needed} is missing or disabled`,
      },
    ];
  }
  if (key !== needed) return [];
  const others = PROVIDERS.filter((provider) => next[agentKey('chat', provider)]?.enabled);
  const reason =
    others.length === 0
      ? 'no enabled chat agent would be left'
      : `${active} is the activeProvider of app_settings; make it ${others.join(' or ')} first`;
  return next[key] === undefined
    ? [{ path: 'key', message: `${key} cannot be deleted: ${reason}` }]
    : [{ path: 'configData.enabled', message: `must stay true: ${reason}` }];
}
