import type { KnownSize } from './conversation-fit.js';

/** What `chat."lastContext"` has about the prompt of the last answer. */
export interface KnownContext {
  /** The answer. */
  messageId: string;
  /** `provider/model`. */
  model: string;
  /** The tokens of the last call's prompt, and of what it has answered. */
  promptTokens: number;
  answerTokens: number;
  contextWindow: number | null;
  /** The last message of the summary that the prompt contained. */
  summarizedThrough: string | null;
  /** True if messages were left out of it. */
  isShortened: boolean;
}

/** Users may have written any JSON to the column, past this server. */
export function isKnownContext(value: unknown): value is KnownContext {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Partial<Record<keyof KnownContext, unknown>> = value;
  return (
    typeof fields.messageId === 'string' &&
    typeof fields.model === 'string' &&
    isCount(fields.promptTokens) &&
    isCount(fields.answerTokens) &&
    (fields.contextWindow === null || isCount(fields.contextWindow)) &&
    (fields.summarizedThrough === null || typeof fields.summarizedThrough === 'string') &&
    typeof fields.isShortened === 'boolean'
  );
}

/** The size of the conversation at the last answer. Undefined if it is not known, or if messages were left out. */
export function knownSize(lastContext: unknown): KnownSize | undefined {
  if (!isKnownContext(lastContext) || lastContext.isShortened) return undefined;
  const { messageId, model, promptTokens, answerTokens, summarizedThrough } = lastContext;
  return { messageId, model, summarizedThrough, tokens: promptTokens + answerTokens };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
