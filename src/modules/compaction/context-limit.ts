import { outputLimit } from '../models/call-settings.js';
import type { SelectedModel } from '../models/model-selector.js';
import { estimateTextTokens } from '../models/prompt-tokens.js';
import { toolTokens } from '../models/tool-tokens.js';

/** For models with an unknown context window, in tokens. */
const USUAL_WINDOW = 128_000;
/** The tokens that a model without any known limit may answer. */
const USUAL_ANSWER = 8_000;

/**
 * The tokens that a model may be sent: its context window less its longest answer, or the lower limit of the
 * configuration. The system prompt and the tools count.
 */
export function inputLimit(model: SelectedModel): number {
  const { agentConfig, catalog, provider } = model;
  const configured = agentConfig.context?.maxInputTokens ?? Infinity;
  if (provider === 'demo') return configured;
  const window = catalog?.contextWindow ?? USUAL_WINDOW;
  const answer = outputLimit(model) ?? catalog?.maxOutputTokens ?? USUAL_ANSWER;
  // Some catalogs give the whole window as the longest answer.
  return Math.min(window - Math.min(answer, Math.floor(window / 2)), configured);
}

/** The tokens of every prompt of this model besides the conversation. */
export function fixedTokens(model: SelectedModel): number {
  return estimateTextTokens(model.agentConfig.systemPrompt, model) + toolTokens(model);
}

/** Text has no more bytes for each token, in any language. */
export const BYTES_PER_TOKEN = 6;
/** What the parts of a message need besides their text. */
const LEAST_BYTES = 256 * 1024;

/** The bytes of text beyond which no conversation fits into a prompt of any of these models. */
export function textBytesWithin(models: readonly SelectedModel[]): number {
  const limit = Math.max(...models.map((model) => inputLimit(model)));
  return Math.max(LEAST_BYTES, limit * BYTES_PER_TOKEN);
}
