import type { LanguageModelV4FinishReason } from '@ai-sdk/provider';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** Why an answer ended, as stored and sent to clients. */
export const FINISH_REASONS = ['stop', 'length', 'content-filter', 'tool-calls', 'error'] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/** The ending of an answer. */
export interface AnswerEnd {
  finishReason: FinishReason;
  /** The provider's own finish reason. */
  reason?: string;
}

/** What the provider's finish reason means. An unknown finish reason counts as an error. */
export function endOf(provider: ModelProvider, { unified, raw }: LanguageModelV4FinishReason): AnswerEnd {
  const reason = raw !== undefined && /^[\w -]{1,60}$/.test(raw) ? raw : undefined;
  const known = endingOf(provider, raw);
  // If the caller does not continue after a pause, the pause is the end.
  return answerEnd({ unified: known === 'pause' ? 'stop' : (known ?? unified), raw: reason });
}

/** The ending of a call whose finish reason comes from {@link endOf}. */
export function answerEnd({ unified, raw }: LanguageModelV4FinishReason): AnswerEnd {
  return { finishReason: FINISH_REASONS.find((reason) => reason === unified) ?? 'error', reason: raw };
}

/** Whether the provider has paused and continues when what it has said is sent back. */
export function isPause(provider: ModelProvider, { raw }: LanguageModelV4FinishReason): boolean {
  return endingOf(provider, raw) === 'pause';
}

function endingOf(provider: ModelProvider, raw: string | undefined): FinishReason | 'pause' | undefined {
  if (provider === 'demo' || raw === undefined) return undefined;
  const endings = VENDORS[provider].endings ?? {};
  return Object.hasOwn(endings, raw) ? endings[raw] : undefined;
}
