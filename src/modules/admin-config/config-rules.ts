import { PROVIDERS } from '../../config/app-config.js';
import type { FieldError } from '../../common/errors/app-error.js';
import { agentKey, ANSWERING_AGENTS, type ConfigData, type ConfigKey } from './config-schemas.js';

/** The whole configuration, without what is not there. */
export type ConfigSet = Partial<ConfigData>;

/** Keys that nothing works without. */
const INDISPENSABLE: readonly ConfigKey[] = ['app_settings', 'model_catalog'];

/** A model that some key of the configuration counts on. */
interface UsedModel {
  key: ConfigKey;
  /** Below `configData` of that key. */
  path: string;
  /** `provider/model`. */
  id: string;
}

/** What would not fit together if `next` were the configuration, as far as the change of `key` is the reason. */
export function findConflicts(key: ConfigKey, next: ConfigSet): FieldError[] {
  if (next[key] === undefined && INDISPENSABLE.includes(key)) {
    return [{ path: 'key', message: `${key} can not be deleted: nothing works without it` }];
  }
  return [...modelConflicts(key, next), ...activeProviderConflicts(key, next)];
}

function modelConflicts(key: ConfigKey, next: ConfigSet): FieldError[] {
  const known = new Set(next.model_catalog?.models.map(({ provider, id }) => `${provider}/${id}`));
  const unknown = usedModels(next).filter(({ id }) => !known.has(id));
  if (key !== 'model_catalog') {
    return unknown
      .filter((used) => used.key === key)
      .map(({ path, id }) => ({ path: `configData.${path}`, message: `${id} is not in model_catalog` }));
  }
  const users = Map.groupBy(unknown, ({ id }) => id);
  return [...users].map(([id, uses]) => ({
    path: 'configData.models',
    message: `must keep ${id}: it is used by ${[...new Set(uses.map((used) => used.key))].join(', ')}`,
  }));
}

function usedModels(config: ConfigSet): UsedModel[] {
  const ofAgents = ANSWERING_AGENTS.flatMap((agent) =>
    PROVIDERS.flatMap((provider) => {
      const key = agentKey(agent, provider);
      const models = config[key]?.models ?? [];
      return models.map(({ id }, index) => ({ key, path: `models.${index}.id`, id: `${provider}/${id}` }));
    }),
  );
  const ofRouting = (config.routing_agent?.models ?? []).map(({ id }, index) => ({
    key: 'routing_agent' as const,
    path: `models.${index}.id`,
    id,
  }));
  const ofTitles = PROVIDERS.flatMap((provider) => {
    const id = config.app_settings?.titleModels?.[provider];
    const path = `titleModels.${provider}`;
    return id === undefined ? [] : [{ key: 'app_settings' as const, path, id: `${provider}/${id}` }];
  });
  return [...ofAgents, ...ofRouting, ...ofTitles];
}

/** Somebody must be there to answer: the chat agent of the active provider, at least. */
function activeProviderConflicts(key: ConfigKey, next: ConfigSet): FieldError[] {
  const active = next.app_settings?.activeProvider;
  if (active === undefined) return [];
  const needed = agentKey('chat', active);
  if (next[needed]?.enabled) return [];
  if (key === 'app_settings') {
    return [
      { path: 'configData.activeProvider', message: `must have an enabled chat agent; ${needed} is not one` },
    ];
  }
  if (key !== needed) return [];
  const others = PROVIDERS.filter((provider) => next[agentKey('chat', provider)]?.enabled);
  const reason =
    others.length === 0
      ? 'no chat agent would be left that is enabled'
      : `${active} is the activeProvider of app_settings; make it ${others.join(' or ')} first`;
  return next[key] === undefined
    ? [{ path: 'key', message: `${key} can not be deleted: ${reason}` }]
    : [{ path: 'configData.enabled', message: `must stay true: ${reason}` }];
}
