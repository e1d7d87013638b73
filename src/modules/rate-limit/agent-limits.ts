import type { AppConfig } from '../../config/app-config.js';
import type { AgentConfig, AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { enabledConfigs } from '../models/agent-configs.js';
import type { ModelProvider, Provider } from '../models/vendors/vendors.js';
import type { ExpectedCost } from '../usage/expected-cost.js';
import type { Budget, RequestLimits } from './admission.types.js';

/** The limits of a user for an agent. */
export interface AgentLimits {
  limits: RequestLimits;
  budget?: Budget;
}

/**
 * The limits and the budget of the configuration that a model of an agent runs on. The demo model has no configuration
 * of its own, so the tightest limits of the agent apply.
 */
export function limitsOf(
  agent: AnsweringAgent,
  { provider, agentConfig }: { provider: ModelProvider; agentConfig: AgentConfig },
  config: RuntimeConfig,
): AgentLimits {
  return tightestOf(provider === 'demo' ? allEnabled(agent, config) : [agentConfig]);
}

/**
 * The limits of an agent's default model: the one of the active provider, if the server has a key for it. Otherwise the
 * model depends on the keys that come with a request, and the tightest limits apply. Undefined if the agent is off.
 */
export function defaultLimitsOf(
  agent: AnsweringAgent,
  config: RuntimeConfig,
  { providers }: Pick<AppConfig<Provider>, 'providers'>,
): AgentLimits | undefined {
  const configs = allEnabled(agent, config);
  if (configs.length === 0) return undefined;
  const { activeProvider } = config.settings;
  const active = config.agents[agent][activeProvider];
  return active?.enabled && providers[activeProvider].apiKey ? tightestOf([active]) : tightestOf(configs);
}

/** USD. A budget that is too small for a prompt by less than this still allows it. */
const NEGLIGIBLE = 0.001;

/**
 * The USD to reserve from a budget. A budget that is smaller than the expected cost still allows one run, as long as
 * nothing else is spent or running, because the answer may be short. It must be large enough for the prompt, whose cost
 * is certain. A budget of zero allows nothing.
 *
 * @param besideCost the cost of calls beside the first one, for example for a title
 */
export function costsWithin(
  { daily, monthly }: Budget,
  { expectedCost, reservedCost, promptCost }: ExpectedCost,
  besideCost = 0,
): { expectedCost: number; reservedCost: number } {
  const most = Math.max(Math.min(daily || Infinity, monthly || Infinity), Number(promptCost) - NEGLIGIBLE);
  return {
    expectedCost: Math.min(most, Number(expectedCost) + besideCost),
    reservedCost: Math.min(most, Number(reservedCost) + besideCost),
  };
}

function allEnabled(agent: AnsweringAgent, config: RuntimeConfig): AgentConfig[] {
  return enabledConfigs(agent, config).map(([, agentConfig]) => agentConfig);
}

/** Each limit separately: the lowest value of any configuration. */
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
