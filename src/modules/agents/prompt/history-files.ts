import type { FilePart, TextPart, UIMessage } from 'ai';
import { addressOf } from '../../models/vendors/vendors.js';
import type { SelectedModel } from '../../models/model-selector.js';
import { FileAllowance } from './file-allowance.js';
import { isTextType, readFileContent } from './file-content.js';

type Message = UIMessage;
type Part = Message['parts'][number];
type FileUIPart = Extract<Part, { type: 'file' }>;

/** A file for `convertToModelMessages`, which would otherwise download it. */
export interface ReadFilePart {
  type: typeof READ_FILE;
  data: FilePart | TextPart;
}
export const READ_FILE = 'data-readFile';

/** The namespace of this server's own notes on a part, next to the namespaces of the vendors. */
export const OWN_NOTES = 'switchboard';

/** The position of a file in the history. The index counts the stored parts of its message. */
export interface FilePlace {
  messageId: string;
  index: number;
}

interface OwnNotes {
  /** The position of the part in its row, or in the message if the message has no row yet. */
  index?: number;
  /** The vendors that could not process this file. */
  refusedBy?: readonly string[];
}

/**
 * The history with its files read. It contains the files that the model accepts, text files as text, and a note in
 * place of every other file. If a model does not accept all files, the latest ones win. Data parts of clients are left
 * out, because they are not for models.
 */
export function withReadFiles(history: readonly Message[], model: SelectedModel): Message[] {
  const allowance = new FileAllowance(model);
  const messages: Message[] = [];
  for (const message of history.toReversed()) {
    const parts: Part[] = [];
    for (const [index, part] of [...message.parts.entries()].reverse()) {
      if (part.type.startsWith('data-')) continue;
      if (part.type !== 'file') parts.push(part);
      else if (message.role !== 'user') parts.push({ type: 'text', text: leftOut(part, '') });
      else {
        const place = { messageId: message.id, index: ownNotesOf(part).index ?? index };
        parts.push({ type: READ_FILE, data: readPart(part, place, model, allowance) });
      }
    }
    messages.push({ ...message, parts: parts.reverse() });
  }
  return messages.reverse();
}

/** This server's notes on a part. The owner may have written the row, so anything in another form is ignored. */
export function ownNotesOf({ providerMetadata }: Pick<FileUIPart, 'providerMetadata'>): OwnNotes {
  const { index, refusedBy } = (providerMetadata?.[OWN_NOTES] ?? {}) as Record<string, unknown>;
  return {
    ...(Number.isInteger(index) ? { index: index as number } : {}),
    ...(Array.isArray(refusedBy) ? { refusedBy: refusedBy.filter((name) => typeof name === 'string') } : {}),
  };
}

/** The origin of a file of a prompt. Undefined for a file that is in no message of the user. */
export function placeOf({ providerOptions }: Pick<FilePart, 'providerOptions'>): FilePlace | undefined {
  return providerOptions?.[OWN_NOTES] as FilePlace | undefined;
}

/** A name for users and models. */
export function nameOf({ filename, mediaType }: Pick<FileUIPart, 'filename' | 'mediaType'>): string {
  return (filename?.trim() || mediaType).replace(/\s+/g, ' ').slice(0, 255).toWellFormed();
}

function readPart(
  part: FileUIPart,
  place: FilePlace,
  model: SelectedModel,
  allowance: FileAllowance,
): FilePart | TextPart {
  if (ownNotesOf(part).refusedBy?.includes(model.provider))
    return textPart(leftOut(part, `${addressOf(model.provider).name} could not process it`));
  if (allowance.isUsedUp && !isTextType(part.mediaType)) return textPart(leftOut(part, 'it is too large'));
  const content = readFileContent(part);
  const objection = allowance.take(content);
  if (objection !== undefined || content.kind === 'unreadable')
    return textPart(leftOut(part, `it ${objection ?? 'cannot be read'}`));
  if (content.kind === 'text') return textPart(inlined(part, content.text, allowance.maxTextLength));
  return {
    type: 'file',
    mediaType: content.mediaType,
    ...(part.filename?.trim() ? { filename: nameOf(part) } : {}),
    data: { type: 'data', data: content.base64 },
    providerOptions: { [OWN_NOTES]: { ...place } },
  };
}

function inlined(part: FileUIPart, text: string, maxLength: number): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength)}\n[The rest is omitted.]` : text;
  return `[file: ${nameOf(part)}]\n${shown.trimEnd()}\n[end of file]`;
}

/** In the following texts, `it` is the file. */
function leftOut(part: FileUIPart, why: string): string {
  return `[omitted file: ${nameOf(part)}${why === '' ? '' : `; ${why}`}]`;
}

function textPart(text: string): TextPart {
  return { type: 'text', text };
}
