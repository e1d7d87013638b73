import { toJson } from '../../common/database/stored-json.js';
import type { CallFigures, FinishedCall, SentCall } from './usage.types.js';

/** Calls as `switchboard.book_calls` takes them. */
export function toBooks(calls: readonly FinishedCall[]): string {
  return calls.length === 0 ? '[]' : toJson(calls.map(endedEntryOf));
}

export function endedEntryOf(call: FinishedCall): object {
  const { respondedAt, durationMs } = call;
  return { ...entryOf(call, call), respondedAt, durationMs };
}

/** A call that was sent, with what it has cost at least so far, as it stands in `switchboard.runs`. */
export function entryOf(
  { id, userId, chatId, agentType, model, provider, requestedAt, metadata }: SentCall,
  { tokens, cost }: CallFigures,
): object {
  const { inputTokens, outputTokens } = tokens;
  const { inputCost, outputCost, totalCost } = cost;
  const figures = { inputTokens, outputTokens, inputCost, outputCost, totalCost };
  return { id, userId, chatId, agentType, model, provider, requestedAt, metadata, ...figures };
}
