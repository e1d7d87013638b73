import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { SelectedModel } from './model-selector.js';
import { providerOptionsFor, thinkingOf } from './provider-options.js';
import type { Vendor } from './vendors/vendor.js';
import { VENDORS } from './vendors/vendors.js';

type CallSettings = Pick<
  LanguageModelV4CallOptions,
  'temperature' | 'topP' | 'topK' | 'maxOutputTokens' | 'providerOptions'
>;

/** The maximum number of tokens of one call, including reasoning. Undefined if the configuration sets no limit. */
export function outputLimit(model: SelectedModel): number | undefined {
  const { maxOutputTokens } = callSettings(model);
  if (maxOutputTokens === undefined) return undefined;
  const { tokens, addedByClient } = thoughtsOf(model);
  return addedByClient ? maxOutputTokens + tokens : maxOutputTokens;
}

/**
 * The settings that the configuration defines for every call of a model. The vendor's client omits sampling settings
 * that a model refuses (for example while it thinks). `maxOutputTokens` limits the answer. Reasoning tokens are added
 * to it, so that reasoning does not use up the whole limit.
 */
export function callSettings(model: SelectedModel): CallSettings {
  const { topK, maxOutputTokens, ...sampling } = model.agentConfig.parameters ?? {};
  const { maxOutputTokens: most = Infinity } = model.catalog ?? {};
  const { tokens, addedByClient } = thoughtsOf(model);
  const thoughts = addedByClient ? 0 : tokens;
  return {
    ...sampling,
    ...(topK === undefined || !takesTopK(model) ? {} : { topK }),
    // One configuration applies to large and small models. Some vendors refuse a limit above the maximum of the model.
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens: Math.min(maxOutputTokens + thoughts, most) }),
    providerOptions: providerOptionsFor(model),
  };
}

type OutputSettings = Pick<CallSettings, 'maxOutputTokens' | 'providerOptions'>;

/**
 * The settings of a call that may write at most `most` tokens, including reasoning.
 *
 * @param settings of the call without that limit
 */
export function limitedTo(
  most: number | undefined,
  { provider }: Pick<SelectedModel, 'provider'>,
  settings: OutputSettings,
): OutputSettings {
  const { maxOutputTokens, providerOptions } = settings;
  if (most === undefined) return { maxOutputTokens, providerOptions };
  const thoughts = provider === 'demo' ? undefined : VENDORS[provider].limitThoughts?.(providerOptions, most);
  const { tokens, options } = thoughts ?? { tokens: 0, options: providerOptions };
  const own = Math.max(1, most - tokens);
  return { maxOutputTokens: Math.min(own, maxOutputTokens ?? Infinity), providerOptions: options };
}

/** The tokens that the reasoning of a call may use, in addition to its answer. */
function thoughtsOf(model: SelectedModel): Vendor['thoughts'] {
  if (model.provider === 'demo' || !thinkingOf(model)) return { tokens: 0, addedByClient: false };
  return VENDORS[model.provider].thoughts;
}

function takesTopK({ provider }: SelectedModel): boolean {
  return provider === 'demo' || VENDORS[provider].takesTopK;
}
