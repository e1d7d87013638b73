import type { SelectedModel } from './model-selector.js';

type ProviderOptions = Record<
  string,
  Record<string, boolean | number | string | null | Record<string, boolean | number | string>>
>;

/** Tokens that Anthropic's models may think before they answer, where they are to be told. */
export const THINKING_BUDGET = 4_096;

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

/**
 * What must be said to each vendor in its own words: thinking, and that it is not to keep the conversation. Some models
 * can't be kept from thinking altogether: those get the smallest amount that their vendor takes.
 */
export function providerOptionsFor(model: SelectedModel): ProviderOptions {
  const thinking = thinkingOf(model);
  switch (model.provider) {
    case 'google':
      return thinking === undefined ? {} : { google: { thinkingConfig: googleThinking(model, thinking) } };
    case 'openai':
      return {
        openai: {
          store: false,
          // All that was looked at, without titles, would come beside what is cited.
          includeWebSearchSources: false,
          ...(thinking === undefined ? {} : openaiThinking(model, thinking)),
        },
      };
    case 'anthropic':
      return thinking === undefined ? {} : anthropicThinking(model, thinking);
    case 'demo':
      return {};
  }
}

function googleThinking(
  { modelId }: SelectedModel,
  thinking: boolean,
): Record<string, boolean | number | string> {
  // Of its own accord this one does not think; -1 is "as much as the question needs".
  if (thinking && /^gemini-2\.5-flash-lite/.test(modelId))
    return { includeThoughts: true, thinkingBudget: -1 };
  if (thinking) return { includeThoughts: true };
  if (/^gemini-2\.5/.test(modelId)) return { thinkingBudget: modelId.includes('pro') ? 128 : 0 };
  return { thinkingLevel: modelId.includes('flash') ? 'minimal' : 'low' };
}

function openaiThinking(model: SelectedModel, thinking: boolean): Record<string, string | null> {
  const effort = thinking ? mediumEffort(model.modelId) : leastEffort(model);
  // Left out, the client would ask for a detailed one.
  return { reasoningEffort: effort, reasoningSummary: thinking ? 'auto' : null };
}

function mediumEffort(modelId: string): string {
  return isPro(modelId) ? 'high' : 'medium';
}

function leastEffort({ modelId, agentConfig }: SelectedModel): string {
  if (isPro(modelId)) return 'high';
  if (modelId.includes('codex')) return 'low';
  if (/^gpt-5\.\d/.test(modelId)) return 'none';
  // Its search does not go with less than this.
  const least = agentConfig.capabilities?.webSearch ? 'low' : 'minimal';
  return modelId.startsWith('gpt-5') ? least : 'low';
}

/** The pro models have this one effort. */
function isPro(modelId: string): boolean {
  return /-pro(?:-|$)/.test(modelId);
}

function anthropicThinking({ modelId }: SelectedModel, thinking: boolean): ProviderOptions {
  // Since 4.6 the models find by themselves how much thought a question needs, and some do so unless they are told not to.
  const adaptive = modelId.startsWith('claude-') && !/^claude-3|-4(?:-[0-5])?(?:-\d{8})?$/.test(modelId);
  if (!thinking) return adaptive ? { anthropic: { thinking: { type: 'disabled' } } } : {};
  return {
    anthropic: {
      thinking: adaptive
        ? { type: 'adaptive', display: 'summarized' }
        : { type: 'enabled', budgetTokens: THINKING_BUDGET },
    },
  };
}
