import type { SelectedModel } from '../models/model-selector.js';
import { estimateUnreadFileTokens, tokensPerEstimate } from '../models/prompt-tokens.js';
import { estimateTokensOfSize } from '../usage/token-estimate.js';
import type { MeasuredMessage } from './compaction.repository.js';

/** The share of the limit that stays as it is, and so is cheap again once it is in the vendor's cache. */
const KEPT_SHARE = 0.3;
/** The number of messages that stay at most. */
const KEPT_MESSAGES = 100;
/** A part of a conversation that is smaller than this share of the limit is not worth a call. */
const WORTHWHILE_SHARE = 0.05;
const WORTHWHILE_MESSAGES = 100;

/** The part of a conversation to summarize. */
export interface Plan {
  /** Its last message. A question comes next. */
  through: MeasuredMessage;
  /** The tokens of the messages after it. */
  keptTokens: number;
}

/**
 * Chooses where the summary ends: before a question, so that tool calls keep their results and answers their questions.
 * The latest turn always stays.
 *
 * @param messages the latest ones after the last summary, oldest first
 * @param limit the tokens that the model may be sent
 */
export function planCompaction(
  messages: readonly MeasuredMessage[],
  model: SelectedModel,
  { limit, threshold }: { limit: number; threshold: number },
): Plan | undefined {
  const sizes = messages.map((message) => tokensOf(message, model));
  const most = limit * Math.min(KEPT_SHARE, threshold / 2);
  const questions = messages.flatMap(({ role }, index) => (role === 'user' ? [index] : []));
  const tokensFrom = (start: number) => sizes.slice(start).reduce((total, size) => total + size, 0);
  const start =
    questions.find((index) => messages.length - index <= KEPT_MESSAGES && tokensFrom(index) <= most) ??
    questions.at(-1);
  const through = start === undefined ? undefined : messages[start - 1];
  if (start === undefined || !through) return undefined;
  const keptTokens = tokensFrom(start);
  const isWorthwhile = start >= WORTHWHILE_MESSAGES || tokensFrom(0) - keptTokens >= limit * WORTHWHILE_SHARE;
  return isWorthwhile ? { through, keptTokens } : undefined;
}

function tokensOf({ characters, bytes, files }: MeasuredMessage, model: SelectedModel): number {
  const texts = estimateTokensOfSize({ characters, bytes }) * tokensPerEstimate(model);
  return Math.ceil(texts) + files * estimateUnreadFileTokens('image/*', {}, model);
}
