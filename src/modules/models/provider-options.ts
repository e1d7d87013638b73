import type { SelectedModel } from './model-selector.js';
import type { ProviderOptions } from './vendors/vendor.js';
import { type ProviderCapability, VENDORS } from './vendors/vendors.js';

/** The same for calls that must be quick, whatever the request or the configuration says. */
export function withoutThinking(model: SelectedModel): ProviderOptions {
  return providerOptionsFor({ ...model, thinking: false });
}

/**
 * Whether the model should think. The request decides, or else the configuration. Undefined if neither sets it, or if
 * the model cannot think. The vendor's default then applies.
 */
export function thinkingOf({ thinking, agentConfig, catalog }: SelectedModel): boolean | undefined {
  if (catalog?.capabilities['reasoning'] !== true) return undefined;
  return thinking ?? agentConfig.capabilities?.thinking;
}

/** The options in the vendor's own format. */
export function providerOptionsFor(model: SelectedModel): ProviderOptions {
  const { provider, modelId, agentConfig } = model;
  if (provider === 'demo') return {};
  return VENDORS[provider].options({
    modelId,
    thinking: thinkingOf(model),
    allows: (tool) => agentConfig.capabilities?.[tool as ProviderCapability] === true,
  });
}
