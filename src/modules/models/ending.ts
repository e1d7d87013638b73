import type { LanguageModelV4FinishReason } from '@ai-sdk/provider';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** Why an answer ended, as it is stored and told. */
export const FINISH_REASONS = ['stop', 'length', 'content-filter', 'tool-calls', 'error'] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/** The end of an answer. */
export interface AnswerEnd {
  finishReason: FinishReason;
  /** The vendor's own word for it. */
  reason?: string;
}

/** What the vendor's end of an answer means. An end that nobody knows is no end to rely on: it counts as an error. */
export function endOf(provider: ModelProvider, { unified, raw }: LanguageModelV4FinishReason): AnswerEnd {
  const reason = raw !== undefined && /^[\w -]{1,60}$/.test(raw) ? raw : undefined;
  const known = endingOf(provider, raw);
  // A pause is an end when nobody goes on.
  return answerEnd({ unified: known === 'pause' ? 'stop' : (known ?? unified), raw: reason });
}

/** The end of a call that has been through {@link endOf}. */
export function answerEnd({ unified, raw }: LanguageModelV4FinishReason): AnswerEnd {
  return { finishReason: FINISH_REASONS.find((reason) => reason === unified) ?? 'error', reason: raw };
}

/** Whether the vendor has only paused: it goes on when it is sent what it has said so far. */
export function isPause(provider: ModelProvider, { raw }: LanguageModelV4FinishReason): boolean {
  return endingOf(provider, raw) === 'pause';
}

function endingOf(provider: ModelProvider, raw: string | undefined): FinishReason | 'pause' | undefined {
  if (provider === 'demo' || raw === undefined) return undefined;
  const endings = VENDORS[provider].endings ?? {};
  return Object.hasOwn(endings, raw) ? endings[raw] : undefined;
}
