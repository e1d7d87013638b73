import { type AgentConfig, ANSWERING_AGENTS, type AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { type Provider, PROVIDERS } from './vendors/vendors.js';

/** The parameters of the answering agents do not apply to routing, but every selected model needs some. */
export function anyConfig(provider: Provider, { agents }: RuntimeConfig): AgentConfig | undefined {
  return ANSWERING_AGENTS.map((agent) => agents[agent][provider]).find((config) => config !== undefined);
}

export function enabledConfigs(
  agent: AnsweringAgent,
  { agents }: RuntimeConfig,
): Array<[Provider, AgentConfig]> {
  return PROVIDERS.flatMap((provider): Array<[Provider, AgentConfig]> => {
    const agentConfig = agents[agent][provider];
    return agentConfig?.enabled ? [[provider, agentConfig]] : [];
  });
}

/** Accepts `provider/model`, and the vendor's id alone if only one provider has it. An id may contain slashes. */
export function findRequested(requested: string, configs: Array<[Provider, AgentConfig]>) {
  const all = configs.flatMap(([provider, agentConfig]) =>
    agentConfig.models.map(({ id: modelId }) => ({ provider, modelId, agentConfig })),
  );
  return (
    all.find(({ provider, modelId }) => requested === `${provider}/${modelId}`) ??
    all.find(({ modelId }) => requested === modelId)
  );
}
