import type { UIMessage } from 'ai';
import type { MessageStatus } from './dto/message.dto.js';

/** A stored part. Its fields can have any value. */
type Part = Record<string, unknown>;

const NOT_MADE = 'This call was not made.';
const UNKNOWN = 'This call was interrupted. It is not known whether it was made.';

const FINISHED = new Set(['output-available', 'output-error', 'output-denied']);

/**
 * The parts of an answer that clients see, the same live, in a replay and after a reload.
 *
 * While an answer is generated, its unfinished calls are left out. They come with the resumed stream, which begins with the
 * first part. The `useChat` of the AI SDK would take them as a sign that the stream continues the loaded parts, and show
 * all parts twice. After its end, an answer has no unfinished calls, except those that wait for an approval.
 */
export function shownParts<T extends object>(parts: readonly T[], status: MessageStatus): T[] {
  if (status === 'streaming') return parts.filter((part) => !isHeldBack(part as Part));
  return parts.map((part) => (isUnfinished(part as Part) ? (closed(part as Part) as T) : part));
}

/** The parts of an answer that its own turn could not end: {@link shownParts}, and the empty step of {@link endsWithCalls}. */
export function endedParts(parts: UIMessage['parts'], status: MessageStatus): UIMessage['parts'] {
  const shown = shownParts(parts, status);
  if (endsWithCalls(shown)) shown.push({ type: 'step-start' });
  return shown;
}

/**
 * Whether the last step of an ended answer has calls of its own, and none that waits for an approval. An empty step is put
 * behind it: `sendAutomaticallyWhen` with a helper of the AI SDK would send such an answer again, without an end.
 */
export function endsWithCalls(parts: readonly object[]): boolean {
  const all = parts as readonly Part[];
  const lastStep = all.slice(all.findLastIndex(({ type }) => type === 'step-start') + 1);
  const calls = lastStep.filter(isCall);
  const isWaiting = calls.some((part) => !isUnfinished(part) && !FINISHED.has(String(part['state'])));
  return !isWaiting && calls.some(({ providerExecuted }) => providerExecuted !== true);
}

function isCall({ type, toolCallId }: Part): boolean {
  return (
    typeof type === 'string' &&
    (type === 'dynamic-tool' || type.startsWith('tool-')) &&
    typeof toolCallId === 'string'
  );
}

function isHeldBack(part: Part): boolean {
  const { state, providerExecuted } = part;
  if (!isCall(part)) return false;
  return (
    state === 'input-streaming' ||
    state === 'approval-responded' ||
    (state === 'input-available' && providerExecuted === true)
  );
}

function isUnfinished(part: Part): boolean {
  const { state } = part;
  return (
    isCall(part) &&
    (state === 'input-streaming' || state === 'input-available' || state === 'approval-responded')
  );
}

/** As the AI SDK leaves the part after the chunks that close it: `tool-input-error`, or `tool-output-error`. */
function closed(part: Part): Part {
  const { input, rawInput: _raw, ...call } = part;
  return part['state'] === 'input-streaming'
    ? { ...call, state: 'output-error', rawInput: {}, errorText: NOT_MADE }
    : { ...call, input, state: 'output-error', errorText: UNKNOWN };
}
