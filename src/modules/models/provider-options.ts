import type { SelectedModel } from './model-selector.js';
import type { ProviderOptions } from './vendors/vendor.js';
import { type ProviderCapability, VENDORS } from './vendors/vendors.js';

/** The same for calls that are to be quick, whatever the request or the configuration say. */
export function withoutThinking(model: SelectedModel): ProviderOptions {
  return providerOptionsFor({ ...model, thinking: false });
}

/**
 * Whether the model is to think: the request says it, else the configuration; undefined where neither does, or the model
 * can not, and the vendor's own default holds.
 */
export function thinkingOf({ thinking, agentConfig, catalog }: SelectedModel): boolean | undefined {
  if (catalog?.capabilities['reasoning'] !== true) return undefined;
  return thinking ?? agentConfig.capabilities?.thinking;
}

/** What must be said to the vendor in its own words. */
export function providerOptionsFor(model: SelectedModel): ProviderOptions {
  const { provider, modelId, agentConfig } = model;
  if (provider === 'demo') return {};
  return VENDORS[provider].options({
    modelId,
    thinking: thinkingOf(model),
    allows: (tool) => agentConfig.capabilities?.[tool as ProviderCapability] === true,
  });
}
