import { getToolName, isToolUIPart, type DynamicToolUIPart, type ToolUIPart, type UIMessage } from 'ai';
import { isEmbeddedFile, isMediaType } from '../agents/file-input.js';
import { OWN_NOTES, ownNotesOf } from '../agents/prompt/history-files.js';
import { isFilePath } from '../files/file-path.js';

type Parts = UIMessage['parts'];
type Part = Parts[number];
type Fields = Record<string, unknown>;
export type ToolPart = ToolUIPart | DynamicToolUIPart;

const FINISHED = new Set(['output-available', 'output-error', 'output-denied']);
/** Names and ids of calls are never longer. */
const MAX_NAME = 1_000;

/** The result that the model and the user see for a call that ended without one. */
const NOT_MADE = 'This call was not made.';
const UNKNOWN = 'This call was approved. It is not known whether it was made.';

/**
 * The valid parts of a stored message. The owner of a row may have written anything into it without this server. A
 * broken part only affects itself.
 */
export function readParts(stored: unknown): Parts {
  return Array.isArray(stored) ? (stored as unknown[]).filter(isPart) : [];
}

/**
 * The parts of a stored message that a model may get: texts, files that the message itself contains, and finished
 * calls. An approval in a row is never acted on: a call that waited for one appears as a call that was not made.
 *
 * @param goesOn the calls that the user has just answered; they stay unchanged
 */
export function partsForModel(
  role: UIMessage['role'],
  stored: unknown,
  goesOn: ReadonlySet<Part> = new Set(),
): Parts {
  const all: unknown[] = Array.isArray(stored) ? stored : [];
  return all.flatMap((part, index) => {
    if (!isPart(part)) return [];
    return goesOn.has(part) ? [structuredClone(part)] : (partForModel(role, part, index) ?? []);
  });
}

export function isFinished({ state }: ToolPart): boolean {
  return FINISHED.has(state);
}

/** A call without a result gets none later. */
export function closed(part: ToolPart): ToolPart {
  const { approval: _approval, ...call } = part as ToolPart & Fields;
  const errorText = part.state === 'approval-responded' ? UNKNOWN : NOT_MADE;
  return { ...call, state: 'output-error', errorText } as unknown as ToolPart;
}

function partForModel(role: UIMessage['role'], part: Part, index: number): Part | undefined {
  const isAnswer = role === 'assistant';
  switch (part.type) {
    case 'text':
      // An answer that was cut off may only contain blank text, which providers refuse.
      if (part.text === '') return undefined;
      return { type: 'text', text: part.text, ...(isAnswer ? notesOf(part, 'providerMetadata') : {}) };
    case 'file':
      return fileForModel(part, index);
    case 'reasoning':
      if (!isAnswer) return undefined;
      return { type: 'reasoning', text: part.text, ...notesOf(part, 'providerMetadata') };
    case 'step-start':
      return isAnswer ? { type: 'step-start' } : undefined;
    default:
      return isAnswer && isToolUIPart(part) ? toolForModel(part) : undefined;
  }
}

/** Files in the message itself, and paths in this server's storage. URLs and a vendor's references to files are left out. */
function fileForModel(part: Extract<Part, { type: 'file' }>, index: number): Part {
  const { mediaType, filename, url } = part;
  const name = typeof filename === 'string' ? filename : undefined;
  if (isEmbeddedFile({ mediaType, url }) || (isMediaType(mediaType) && isFilePath(url))) {
    const providerMetadata = { [OWN_NOTES]: { ...ownNotesOf(part), index } };
    return { type: 'file', mediaType, filename: name, url, providerMetadata };
  }
  return { type: 'text', text: `[omitted file: ${(name ?? mediaType).slice(0, 255)}]` };
}

function toolForModel(part: ToolPart): ToolPart | undefined {
  if (getToolName(part).length > MAX_NAME || part.toolCallId.length > MAX_NAME) return undefined;
  if (part.state === 'approval-responded') return toolForModel(closed(part));
  if (!isFinished(part)) return undefined;
  const {
    type,
    toolName,
    toolCallId,
    state,
    input,
    output,
    errorText,
    rawInput,
    preliminary,
    providerExecuted,
  } = part as ToolPart & Fields;
  const call = {
    type,
    ...(toolName === undefined ? {} : { toolName }),
    toolCallId,
    state,
    input: input ?? rawInput ?? {},
    ...(state === 'output-available' ? { output, preliminary: preliminary === true } : {}),
    ...(state === 'output-error' ? { errorText } : {}),
    ...(providerExecuted === true ? { providerExecuted } : {}),
    ...notesOf(part, 'callProviderMetadata'),
    ...notesOf(part, 'resultProviderMetadata'),
    ...(isFields(part.toolMetadata) ? { toolMetadata: part.toolMetadata } : {}),
  };
  return call as unknown as ToolPart;
}

/** A vendor's notes on its own protocol: by vendor, then by name. */
function notesOf(part: object, name: string): object {
  const notes = (part as Fields)[name];
  return isFields(notes) && Object.values(notes).every(isFields) ? { [name]: notes } : {};
}

function isPart(value: unknown): value is Part {
  if (!isFields(value)) return false;
  const { type } = value;
  if (typeof type !== 'string') return false;
  if (type === 'text' || type === 'reasoning') return typeof value['text'] === 'string';
  if (type === 'file' || type === 'reasoning-file')
    return typeof value['url'] === 'string' && typeof value['mediaType'] === 'string';
  if (type !== 'dynamic-tool' && !type.startsWith('tool-')) return true;
  const { toolCallId, toolName, state, errorText, approval } = value;
  if (typeof toolCallId !== 'string' || typeof state !== 'string') return false;
  if (type === 'dynamic-tool' && typeof toolName !== 'string') return false;
  if (state === 'output-error' && typeof errorText !== 'string') return false;
  return !state.startsWith('approval-') || (isFields(approval) && typeof approval['id'] === 'string');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
