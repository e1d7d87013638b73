import { toJson } from '../../common/database/stored-json.js';
import type { CallFigures, FinishedCall, SentCall } from './usage.types.js';

/** Calls in the format of `switchboard.book_calls`. */
export function toBooks(calls: readonly FinishedCall[]): string {
  return calls.length === 0 ? '[]' : toJson(calls.map(endedEntryOf));
}

export function endedEntryOf(call: FinishedCall): object {
  const { respondedAt, durationMs } = call;
  return { ...entryOf(call, call), respondedAt, durationMs };
}

/** A call that was sent, with its minimum cost so far, in the format of `switchboard.runs`. */
export function entryOf(
  { id, userId, chatId, agentType, model, provider, requestedAt, metadata }: SentCall,
  { tokens, cost }: CallFigures,
): object {
  const { inputTokens, outputTokens } = tokens;
  const { inputCost, outputCost, totalCost } = cost;
  const figures = { inputTokens, outputTokens, inputCost, outputCost, totalCost };
  return { id, userId, chatId, agentType, model, provider, requestedAt, metadata, ...figures };
}
