import type { AgentConfig, AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { PROVIDERS } from '../models/vendors/vendors.js';
import type { Budget } from './admission.types.js';

/**
 * The configuration whose limits and budget apply to an agent: that of the active provider, or of the first enabled one
 * where the agent is off there. One for all of the agent's models, so that choosing another one changes no limit;
 * undefined when the agent is off altogether.
 */
export function limitingConfig(
  agent: AnsweringAgent,
  { agents, settings }: RuntimeConfig,
): AgentConfig | undefined {
  return [settings.activeProvider, ...PROVIDERS]
    .map((provider) => agents[agent][provider])
    .find((config) => config?.enabled);
}

/**
 * What to reserve of a budget, in USD. One that is smaller than what is expected still allows it once, as long as nothing
 * else is spent or under way; a budget of nothing does not.
 */
export function expectedWithin(budget: Budget | undefined, expectedCost: number): number {
  return Math.min(expectedCost, budget?.daily || Infinity, budget?.monthly || Infinity);
}
