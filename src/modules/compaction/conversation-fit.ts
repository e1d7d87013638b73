import type { UIMessage } from 'ai';
import { messageTooLong } from '../../common/errors/app-error.js';
import { isSummaryMessage } from '../agents/prompt/conversation-summary.js';
import { estimateMessageTokens } from '../models/message-tokens.js';
import type { SelectedModel } from '../models/model-selector.js';
import { fixedTokens, inputLimit } from './context-limit.js';

/**
 * The share of its limit that a shortened conversation fills. The next questions then fit without shortening it again, so
 * their prompts begin like this one.
 */
const FILLED = 0.9;
/** How far an estimate may be off. A message that may fit is left to the vendor. */
const TOLERANCE = 1.2;
/** The bounds of the factor between reported and estimated tokens. */
const LEAST_FACTOR = 0.5;
const MOST_FACTOR = 3;

/** The size of a conversation after an answer, as its vendor has reported it. */
export interface KnownSize {
  /** The answer. */
  messageId: string;
  /** `provider/model`. Another model counts other tokens. */
  model: string;
  /** The last message of the summary that its prompt contained. */
  summarizedThrough: string | null;
  /** The prompt of the last call, and what it has answered. */
  tokens: number;
}

export interface Fit {
  history: UIMessage[];
  /** True if messages were left out. */
  isShortened: boolean;
}

/**
 * The conversation as far as it fits into a prompt of this model. The oldest turns are left out, each as a whole, so no
 * tool call loses its result. The latest question always stays.
 *
 * @param extraTokens of the prompt besides system prompt, tools and conversation
 * @throws AppError 413 if the question alone is too long
 */
export function fitted(
  history: UIMessage[],
  model: SelectedModel,
  { known, extraTokens = 0 }: { known?: KnownSize; extraTokens?: number } = {},
): Fit {
  const limit = inputLimit(model);
  if (limit === Infinity) return { history, isShortened: false };
  const fixed = fixedTokens(model) + extraTokens;
  const knownTotal = known && totalOf(history, model, known);
  if (knownTotal !== undefined && knownTotal + extraTokens <= limit) return { history, isShortened: false };
  const sizes = history.map((message) => estimateMessageTokens([message], model));
  const estimated = fixed + sum(sizes);
  const total = knownTotal === undefined ? estimated : knownTotal + extraTokens;
  if (total <= limit) return { history, isShortened: false };

  const factor = Math.min(Math.max(total / estimated, LEAST_FACTOR), MOST_FACTOR);
  const [first] = history;
  const summary = first && isSummaryMessage(first) ? 1 : 0;
  const question = history.findLastIndex(({ role }) => role === 'user');
  const starts = history.flatMap(({ role }, index) => (role === 'user' && index > summary ? [index] : []));
  const sizeFrom = (start: number) =>
    factor * (fixed + sum(sizes.slice(0, summary)) + sum(sizes.slice(start)));
  const start = starts.find((index) => sizeFrom(index) <= limit * FILLED) ?? Math.max(question, summary);
  if (sizeFrom(start) <= limit)
    return { history: [...history.slice(0, summary), ...history.slice(start)], isShortened: start > summary };
  // The question is more important than the summary.
  const alone = history.slice(start);
  if (fixed + sum(sizes.slice(start)) > limit * TOLERANCE) throw messageTooLong(model.id);
  return { history: alone, isShortened: start > 0 };
}

/** @throws AppError 413 if a question would not fit into a prompt of any of these models */
export function assertFits(question: Pick<UIMessage, 'parts'>, models: readonly SelectedModel[]): void {
  const isTooLong = (model: SelectedModel) => {
    const limit = inputLimit(model) * TOLERANCE;
    // Few texts have a token in each character, so short ones need no estimate.
    if (limit === Infinity || lengthOf(question) < limit / 2) return false;
    return fixedTokens(model) + estimateMessageTokens([question], model) > limit;
  };
  const [model] = models;
  if (model && models.every(isTooLong)) throw messageTooLong(model.id);
}

/** The reported size of the conversation up to its last answer, and an estimate of what is new. */
function totalOf(history: UIMessage[], model: SelectedModel, known: KnownSize): number | undefined {
  const [first] = history;
  const summarizedThrough = first && isSummaryMessage(first) ? first.id : null;
  const expected = known.summarizedThrough === null ? null : `summary-${known.summarizedThrough}`;
  if (known.model !== model.id || summarizedThrough !== expected) return undefined;
  const answer = history.findLastIndex(({ id }) => id === known.messageId);
  if (answer < 0) return undefined;
  return known.tokens + estimateMessageTokens(history.slice(answer + 1), model);
}

function lengthOf({ parts }: Pick<UIMessage, 'parts'>): number {
  return parts.reduce((length, part) => {
    if (part.type === 'text') return length + part.text.length;
    return length + (part.type === 'file' ? part.url.length : 0) + FILE_LENGTH;
  }, 0);
}

/** A stored file is only named in its part. */
const FILE_LENGTH = 4_000;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
