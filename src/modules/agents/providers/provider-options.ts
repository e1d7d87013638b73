import type { SelectedModel } from './model-selector.js';

type ProviderOptions = Record<
  string,
  Record<string, boolean | number | string | Record<string, boolean | number | string>>
>;

/** Tokens that Anthropic's models may think before they answer. */
const THINKING_BUDGET = 4_096;

/** The same for calls that are to be quick, whatever the configuration of the agent. */
export function withoutThinking(model: SelectedModel): ProviderOptions {
  return providerOptionsFor({ ...model, thinking: undefined, catalog: undefined });
}

/** What must be said to each vendor in its own words: thinking, and that it is not to keep the conversation. */
export function providerOptionsFor(model: SelectedModel): ProviderOptions {
  const { provider, agentConfig } = model;
  const canThink = model.catalog?.capabilities['reasoning'] === true;
  if (canThink && model.thinking === false) return thinkingOff(model);
  const thinking = canThink && (model.thinking ?? agentConfig.capabilities?.['thinking'] === true);
  switch (provider) {
    case 'google':
      return thinking ? { google: { thinkingConfig: { includeThoughts: true } } } : {};
    case 'openai':
      return {
        openai: {
          store: false,
          ...(thinking ? { reasoningSummary: 'auto', reasoningEffort: 'medium' } : {}),
        },
      };
    case 'anthropic':
      return thinking ? { anthropic: { thinking: { type: 'enabled', budgetTokens: THINKING_BUDGET } } } : {};
    case 'demo':
      return {};
  }
}

/**
 * The least that a model thinks when the user wants none of it. Some can't be kept from it altogether: those get the
 * smallest amount that their vendor takes. Anthropic's models think only when they are asked to.
 */
function thinkingOff({ provider, modelId }: SelectedModel): ProviderOptions {
  switch (provider) {
    case 'google':
      if (/^gemini-2\.5-pro/.test(modelId)) return { google: { thinkingConfig: { thinkingBudget: 128 } } };
      if (/^gemini-2\.5/.test(modelId)) return { google: { thinkingConfig: { thinkingBudget: 0 } } };
      return {
        google: { thinkingConfig: { thinkingLevel: modelId.includes('flash') ? 'minimal' : 'low' } },
      };
    case 'openai':
      return { openai: { store: false, reasoningEffort: leastEffort(modelId) } };
    case 'anthropic':
    case 'demo':
      return {};
  }
}

function leastEffort(modelId: string): string {
  if (/^gpt-5\.\d/.test(modelId)) return 'none';
  return modelId.startsWith('gpt-5') ? 'minimal' : 'low';
}
