import type { LanguageModelV4ProviderTool } from '@ai-sdk/provider';
import type { AppConfig } from '../../config/app-config.js';
import type { SelectedModel } from './model-selector.js';
import { type Provider, type ProviderCapability, VENDORS } from './vendors/vendors.js';

/** One vendor gets this as a limit. The others rarely make more searches. */
const MAX_SEARCHES = 5;

/** The vendor's tools that the configuration enables. Undefined if there are none. */
export function providerToolsFor(
  { provider, agentConfig: { capabilities }, catalog }: SelectedModel,
  { providers }: Pick<AppConfig<Provider>, 'providers'>,
): LanguageModelV4ProviderTool[] | undefined {
  if (provider === 'demo' || !capabilities || catalog?.capabilities['tools'] === false) return undefined;
  const { tools, apisWithTools } = VENDORS[provider];
  const { api } = providers[provider];
  if (api !== undefined && apisWithTools?.includes(api) === false) return undefined;
  const allowed = Object.entries(tools).filter(([name]) => capabilities[name as ProviderCapability]);
  return allowed.length > 0 ? allowed.map(([, tool]) => tool) : undefined;
}

/** The number of searches that one call may make, if the configuration allows them and each one has a fee. */
export function paidSearches({ provider, agentConfig: { capabilities } }: SelectedModel): number {
  if (provider === 'demo') return 0;
  const { searchTool } = VENDORS[provider];
  return searchTool !== undefined && capabilities?.[searchTool as ProviderCapability] ? MAX_SEARCHES : 0;
}
