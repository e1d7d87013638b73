import type { AppConfig } from '../../config/app-config.js';
import type { AgentConfig, AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { type ModelProvider, type Provider, PROVIDERS } from '../models/vendors/vendors.js';
import type { Budget, RequestLimits } from './admission.types.js';

/** What a user may ask of an agent. */
export interface AgentLimits {
  limits: RequestLimits;
  budget?: Budget;
}

/**
 * The limits and the budget of the configuration that a model of an agent runs on. The demo model runs on none of its own:
 * the tightest of the agent's apply.
 */
export function limitsOf(
  agent: AnsweringAgent,
  { provider, agentConfig }: { provider: ModelProvider; agentConfig: AgentConfig },
  config: RuntimeConfig,
): AgentLimits {
  return provider === 'demo' ? tightestOf(enabledConfigs(agent, config)) : tightestOf([agentConfig]);
}

/**
 * Those of an agent's default model: of the active provider where the server has a key for it. Otherwise the model depends
 * on the keys that come with a request, and the tightest apply. Undefined for an agent that is off.
 */
export function defaultLimitsOf(
  agent: AnsweringAgent,
  config: RuntimeConfig,
  { providers }: Pick<AppConfig<Provider>, 'providers'>,
): AgentLimits | undefined {
  const configs = enabledConfigs(agent, config);
  if (configs.length === 0) return undefined;
  const { activeProvider } = config.settings;
  const active = config.agents[agent][activeProvider];
  return active?.enabled && providers[activeProvider].apiKey ? tightestOf([active]) : tightestOf(configs);
}

/**
 * What to reserve of a budget, in USD. One that is smaller than what is expected still allows it once, as long as nothing
 * else is spent or under way; a budget of nothing does not.
 */
export function expectedWithin(budget: Budget | undefined, expectedCost: number): number {
  return Math.min(expectedCost, budget?.daily || Infinity, budget?.monthly || Infinity);
}

function enabledConfigs(agent: AnsweringAgent, { agents }: RuntimeConfig): AgentConfig[] {
  return PROVIDERS.flatMap((provider) => {
    const config = agents[agent][provider];
    return config?.enabled ? [config] : [];
  });
}

/** Each limit by itself: the least that any of the configurations allows. */
function tightestOf(configs: AgentConfig[]): AgentLimits {
  const limits = {
    hourly: Math.min(...configs.map(({ rateLimit }) => rateLimit.hourly)),
    daily: Math.min(...configs.map(({ rateLimit }) => rateLimit.daily)),
  };
  const least = (period: 'daily' | 'monthly') => {
    const amounts = configs.flatMap(({ budget }) => budget?.[period] ?? []);
    return amounts.length > 0 ? { [period]: Math.min(...amounts) } : {};
  };
  const budget: Budget = { ...least('daily'), ...least('monthly') };
  return Object.keys(budget).length > 0 ? { limits, budget } : { limits };
}
