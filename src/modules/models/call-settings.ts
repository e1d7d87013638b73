import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { SelectedModel } from './model-selector.js';
import { providerOptionsFor, thinkingOf } from './provider-options.js';
import type { Vendor } from './vendors/vendor.js';
import { VENDORS } from './vendors/vendors.js';

type CallSettings = Pick<
  LanguageModelV4CallOptions,
  'temperature' | 'topP' | 'topK' | 'maxOutputTokens' | 'providerOptions'
>;

/** Tokens that one call may come to, its thoughts among them; undefined where the configuration sets no limit. */
export function outputLimit(model: SelectedModel): number | undefined {
  const { maxOutputTokens } = callSettings(model);
  if (maxOutputTokens === undefined) return undefined;
  const { tokens, addedByClient } = thoughtsOf(model);
  return addedByClient ? maxOutputTokens + tokens : maxOutputTokens;
}

/**
 * What the configuration says of every call of a model. Sampling that a model refuses (while it thinks, say) is left out
 * by the vendor's client. `maxOutputTokens` is about the answer: thoughts come on top of it, so that they leave some of it
 * over.
 */
export function callSettings(model: SelectedModel): CallSettings {
  const { topK, maxOutputTokens, ...sampling } = model.agentConfig.parameters ?? {};
  const { maxOutputTokens: most = Infinity } = model.catalog ?? {};
  const { tokens, addedByClient } = thoughtsOf(model);
  const thoughts = addedByClient ? 0 : tokens;
  return {
    ...sampling,
    ...(topK === undefined || !takesTopK(model) ? {} : { topK }),
    // One configuration holds for large and small models; more than a model can say is refused by some vendors.
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens: Math.min(maxOutputTokens + thoughts, most) }),
    providerOptions: providerOptionsFor(model),
  };
}

/** What the thoughts of a call may take, on top of its answer. */
function thoughtsOf(model: SelectedModel): Vendor['thoughts'] {
  if (model.provider === 'demo' || !thinkingOf(model)) return { tokens: 0, addedByClient: false };
  return VENDORS[model.provider].thoughts;
}

function takesTopK({ provider }: SelectedModel): boolean {
  return provider === 'demo' || VENDORS[provider].takesTopK;
}
