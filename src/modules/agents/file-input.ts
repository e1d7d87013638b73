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
 * What a model objects to in the files of a question. Each file is decoded once, for any number of models, and its content
 * is not kept.
 *
 * @param sizes the sizes of stored files in bytes, by their path
 */
export function objectionsTo(
  { parts }: Pick<UIMessage, 'parts'>,
  sizes?: ReadonlyMap<string, number>,
): (model: SelectedModel) => FieldError[] {
  let read: Array<{ path: string; name: string; content: FileContent }> | undefined;
  const readFiles = () =>
    parts.flatMap((part, index) => {
      if (part.type !== 'file') return [];
      const content = isDataUrl(part.url) ? measured(readDataUrl(part)) : storedContent(part, sizes);
      return [{ path: `message.parts.${index}`, name: nameOf(part), content }];
    });
  return (model) => {
    read ??= readFiles();
    const allowance = new FileAllowance(model);
    // If a message has too many files, the latest are used, as in a conversation.
    return read
      .toReversed()
      .flatMap(({ path, name, content }) => {
        const objection = allowance.take(content) ?? allowance.objectionToLength(content);
        return objection === undefined ? [] : [{ path, message: `the file ${name} ${objection}` }];
      })
      .reverse();
  };
}

/** @throws AppError 400 if there are objections to files; it names each file and the accepted types */
export function refuseFiles(objections: FieldError[]): void {
  if (objections.length > 0) throw validationFailed(objections);
}

/** The size of a file in place of its content. */
function measured(content: FileContent): FileContent {
  if (content.kind === 'text') return { ...content, text: '', leastLength: content.text.length };
  return content.kind === 'binary' ? { ...content, base64: '', length: content.base64.length } : content;
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
