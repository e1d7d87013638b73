import type { FileUIPart, UIMessage } from 'ai';
import { type FieldError, invalidField, validationFailed } from '../../common/errors/app-error.js';
import type { SelectedModel } from '../models/model-selector.js';
import { FileAllowance } from './prompt/file-allowance.js';
import { type FileContent, isTextType, readDataUrl } from './prompt/file-content.js';
import { nameOf } from './prompt/history-files.js';

/** `data:<media type>[;…],…`. The provider checks the data itself. */
const DATA_URL = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+=-]+)*,/;
/** The maximum number of bytes for one JavaScript character, in any encoding. */
const MAX_BYTES_OF_CHARACTER = 3;
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+*-]+$/;

export const isDataUrl = (url: unknown): url is string => typeof url === 'string' && DATA_URL.test(url);

export const isMediaType = (value: unknown): value is string =>
  typeof value === 'string' && MEDIA_TYPE.test(value);

/** Whether the message itself contains the file. Files that a message only refers to are not fetched. */
export function isEmbeddedFile({ mediaType, url }: { mediaType: unknown; url: unknown }): boolean {
  return isMediaType(mediaType) && isDataUrl(url);
}

/**
 * Replaces the download function of the AI SDK in every call: neither this server nor a vendor fetches URLs from a
 * message.
 */
export async function refuseDownloads(files: readonly unknown[]): Promise<[]> {
  if (files.length > 0)
    throw invalidField('message.parts', 'a file must be a data URL; other URLs are not fetched');
  return Promise.resolve([]);
}

/**
 * @param sizes the sizes of stored files in bytes, by their path
 * @throws AppError 400 if a question has files that the model does not accept; it names each file and the accepted types
 */
export function refuseFiles(
  { parts }: Pick<UIMessage, 'parts'>,
  model: SelectedModel,
  sizes?: ReadonlyMap<string, number>,
): void {
  const allowance = new FileAllowance(model);
  const errors: FieldError[] = [];
  // If a message has too many files, the latest are used, as in a conversation.
  for (const [index, part] of [...parts.entries()].reverse()) {
    if (part.type !== 'file') continue;
    const content = isDataUrl(part.url) ? readDataUrl(part) : storedContent(part, sizes);
    const objection = allowance.take(content) ?? allowance.objectionToLength(content);
    if (objection === undefined) continue;
    errors.push({ path: `message.parts.${index}`, message: `the file ${nameOf(part)} ${objection}` });
  }
  if (errors.length > 0) throw validationFailed(errors.reverse());
}

/** Whether a model accepts the files of a question, see {@link refuseFiles}. */
export function takesFiles(
  question: Pick<UIMessage, 'parts'> | undefined,
  model: SelectedModel,
  sizes?: ReadonlyMap<string, number>,
): boolean {
  if (!question?.parts.some(({ type }) => type === 'file')) return true;
  try {
    refuseFiles(question, model, sizes);
    return true;
  } catch {
    return false;
  }
}

/**
 * A stored file is checked by its type and its size only, because its content is read later. The question is answered
 * whatever the content is.
 */
function storedContent(
  { mediaType, url }: Pick<FileUIPart, 'mediaType' | 'url'>,
  sizes: ReadonlyMap<string, number> | undefined,
): FileContent {
  const size = sizes?.get(url) ?? 0;
  return isTextType(mediaType)
    ? { kind: 'text', text: '', leastLength: Math.floor(size / MAX_BYTES_OF_CHARACTER) }
    : { kind: 'binary', mediaType, base64: '', length: Math.ceil(size / 3) * 4 };
}
