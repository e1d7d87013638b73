import type { SelectedModel } from './model-selector.js';

type ProviderOptions = Record<
  string,
  Record<string, boolean | number | string | Record<string, boolean | number | string>>
>;

/** Tokens that Anthropic's models may think before they answer. */
const THINKING_BUDGET = 4_096;

/** The same for calls that are to be quick, whatever the configuration of the agent. */
export function withoutThinking(model: SelectedModel): ProviderOptions {
  return providerOptionsFor({ ...model, catalog: undefined });
}

/** What must be said to each vendor in its own words: thinking, and that it is not to keep the conversation. */
export function providerOptionsFor({ provider, agentConfig, catalog }: SelectedModel): ProviderOptions {
  const thinking =
    agentConfig.capabilities?.['thinking'] === true && catalog?.capabilities['reasoning'] === true;
  switch (provider) {
    case 'google':
      return thinking ? { google: { thinkingConfig: { includeThoughts: true } } } : {};
    case 'openai':
      return { openai: { store: false, ...(thinking ? { reasoningSummary: 'auto' } : {}) } };
    case 'anthropic':
      return thinking ? { anthropic: { thinking: { type: 'enabled', budgetTokens: THINKING_BUDGET } } } : {};
    case 'demo':
      return {};
  }
}
