import type { UIMessage } from 'ai';
import { type FieldError, invalidField, validationFailed } from '../../common/errors/app-error.js';
import type { SelectedModel } from '../models/model-selector.js';
import { FileAllowance } from './prompt/file-allowance.js';
import { type FileContent, isTextType, readDataUrl } from './prompt/file-content.js';
import { nameOf } from './prompt/history-files.js';

/** `data:<media type>[;…],…`. The provider checks the data itself. */
const DATA_URL = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+=-]+)*,/;
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

/** @throws AppError 400 if a question has files that the model does not accept; it names each file and the accepted types */
export function refuseFiles({ parts }: Pick<UIMessage, 'parts'>, model: SelectedModel): void {
  const allowance = new FileAllowance(model);
  const errors: FieldError[] = [];
  // If a message has too many files, the latest are used, as in a conversation.
  for (const [index, part] of [...parts.entries()].reverse()) {
    if (part.type !== 'file') continue;
    const content = isDataUrl(part.url) ? readDataUrl(part) : storedContent(part.mediaType);
    const objection = allowance.take(content) ?? allowance.objectionToLength(content);
    if (objection === undefined) continue;
    errors.push({ path: `message.parts.${index}`, message: `the file ${nameOf(part)} ${objection}` });
  }
  if (errors.length > 0) throw validationFailed(errors.reverse());
}

/** A stored file is checked by its type only, because its content is read later. The question is answered whatever the content is. */
function storedContent(mediaType: string): FileContent {
  return isTextType(mediaType) ? { kind: 'text', text: '' } : { kind: 'binary', mediaType, base64: '' };
}
