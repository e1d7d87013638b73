import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { SelectedModel } from './model-selector.js';
import { providerOptionsFor, thinkingOf, THINKING_BUDGET } from './provider-options.js';

/** Tokens for the thoughts of models that count them among those of the answer. */
const THOUGHTS = 16_384;

type CallSettings = Pick<
  LanguageModelV4CallOptions,
  'temperature' | 'topP' | 'topK' | 'maxOutputTokens' | 'providerOptions'
>;

/** Tokens that one call may come to, its thoughts among them; undefined where the configuration sets no limit. */
export function outputLimit(model: SelectedModel): number | undefined {
  const { maxOutputTokens } = callSettings(model);
  if (maxOutputTokens === undefined || model.provider !== 'anthropic' || !thinkingOf(model))
    return maxOutputTokens;
  return maxOutputTokens + THINKING_BUDGET;
}

/**
 * What the configuration says of every call of a model. Sampling that a model refuses (while it thinks, say) is left out
 * by the vendor's client. `maxOutputTokens` is about the answer: thoughts come on top of it, so that they leave some of it
 * over (Anthropic's client sees to that itself).
 */
export function callSettings(model: SelectedModel): CallSettings {
  const { topK, maxOutputTokens, ...sampling } = model.agentConfig.parameters ?? {};
  const { maxOutputTokens: most = Infinity } = model.catalog ?? {};
  const thoughts = thinkingOf(model) && model.provider !== 'anthropic' ? THOUGHTS : 0;
  return {
    ...sampling,
    // OpenAI has no such parameter.
    ...(topK === undefined || model.provider === 'openai' ? {} : { topK }),
    // One configuration holds for large and small models; more than a model can say is refused by some vendors.
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens: Math.min(maxOutputTokens + thoughts, most) }),
    providerOptions: providerOptionsFor(model),
  };
}
