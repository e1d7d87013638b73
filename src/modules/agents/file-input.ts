import type { FileUIPart, UIMessage } from 'ai';
import { type FieldError, invalidField, validationFailed } from '../../common/errors/app-error.js';
import type { SelectedModel } from '../models/model-selector.js';
import { FileAllowance } from './prompt/file-allowance.js';
import { type FileContent, isTextType, readDataUrl } from './prompt/file-content.js';
import { nameOf } from './prompt/history-files.js';

/** `data:<media type>[;…],…`; the data itself is the provider's business. */
const DATA_URL = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+=-]+)*,/;
/** Of text in any encoding, for a character as JavaScript counts them. */
const MAX_BYTES_OF_CHARACTER = 3;
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+*-]+$/;

export const isDataUrl = (url: unknown): url is string => typeof url === 'string' && DATA_URL.test(url);

export const isMediaType = (value: unknown): value is string =>
  typeof value === 'string' && MEDIA_TYPE.test(value);

/** Whether a file is in the message itself, and not somewhere that a message names: nothing is fetched for one. */
export function isEmbeddedFile({ mediaType, url }: { mediaType: unknown; url: unknown }): boolean {
  return isMediaType(mediaType) && isDataUrl(url);
}

/**
 * In place of what the AI SDK would fetch by itself, in every call: neither this server nor a vendor fetches what a message
 * names.
 */
export async function refuseDownloads(files: readonly unknown[]): Promise<[]> {
  if (files.length > 0)
    throw invalidField('message.parts', 'a file must be a data URL; other URLs are not fetched');
  return Promise.resolve([]);
}

/**
 * @param sizes bytes of the files in storage, by their path
 * @throws AppError 400 when a question has a file that the model does not take, naming each and what would do
 */
export function refuseFiles(
  { parts }: Pick<UIMessage, 'parts'>,
  model: SelectedModel,
  sizes?: ReadonlyMap<string, number>,
): void {
  const allowance = new FileAllowance(model);
  const errors: FieldError[] = [];
  // In a message of too many files the latest are taken, as in a conversation.
  for (const [index, part] of [...parts.entries()].reverse()) {
    if (part.type !== 'file') continue;
    const content = isDataUrl(part.url) ? readDataUrl(part) : storedContent(part, sizes);
    const objection = allowance.take(content) ?? allowance.objectionToLength(content);
    if (objection === undefined) continue;
    errors.push({ path: `message.parts.${index}`, message: `the file ${nameOf(part)} ${objection}` });
  }
  if (errors.length > 0) throw validationFailed(errors.reverse());
}

/**
 * A file in storage is judged by its type and its size. It is read later, and what its content is then takes nothing from the
 * question.
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
