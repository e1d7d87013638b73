import type { UIMessage, UIMessageChunk } from 'ai';
import type { KnownContext } from '../compaction/known-context.js';
import { endedParts, endsWithCalls, shownParts } from '../messages/shown-parts.js';
import { CheckpointConflict, CheckpointReader } from './instances/checkpoint-reader.js';
import type { Turn } from './turn.js';
import type { MessageStatus } from './turn.types.js';

type Parts = UIMessage['parts'];

/*
 * What the stream of an answer contains beside the parts that the agent writes, so that every client has the same message:
 * live, in a replay, and after a reload.
 */

/** A client that loads the chat while an answer is continued has nothing of it. Its stream begins with what was there before. */
export function publishBeginning({ stream, answer }: Turn, start: UIMessageChunk): void {
  stream.publish(start);
  for (const chunk of new CheckpointReader().next(answer.parts)) stream.publish(chunk);
  stream.beginContinuation();
}

/** An answer whose last step has finished calls gets an empty step: see {@link endsWithCalls}. */
export function endLastStep(turn: Turn): void {
  if (!endsWithCalls(turn.answer.parts)) return;
  turn.publish({ type: 'start-step' });
  turn.publish({ type: 'finish-step' });
}

/** How full the context of the model was, for clients that show it. */
export function contextChunk(
  inputTokens: number,
  { contextWindow, summarizedThrough }: Pick<KnownContext, 'contextWindow' | 'summarizedThrough'>,
): UIMessageChunk {
  return { type: 'data-context', data: { inputTokens, contextWindow, summarizedThrough }, transient: true };
}

/** Close the calls that the answer leaves open, for its readers only. After a reload, `shownParts` does the same. */
export function closingChunks(parts: Parts): UIMessageChunk[] {
  const shown = shownParts(parts, 'complete');
  if (shown.every((part, index) => part === parts[index])) return [];
  const reader = new CheckpointReader();
  reader.next(parts);
  return reader.next(shown);
}

/**
 * Leads readers from what was written to what another instance has stored. The last words may be missing there. The stream
 * cannot take back a whole step. If a step is missing, readers keep what they have.
 *
 * @param written as the database would return it
 */
export function correctingChunks(
  written: Parts,
  { parts, status }: { parts: Parts; status: MessageStatus },
): UIMessageChunk[] {
  const reader = new CheckpointReader();
  reader.next(written);
  try {
    return reader.next(endedParts(parts, status), true);
  } catch (error) {
    if (error instanceof CheckpointConflict) return [];
    throw error;
  }
}
