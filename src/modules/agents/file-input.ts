import type { UIMessage } from 'ai';
import { invalidField, validationFailed } from '../../common/errors/app-error.js';
import type { SelectedModel } from '../models/model-selector.js';

/** `data:<media type>[;…],…`; the data itself is the provider's business. */
const DATA_URL = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+=-]+)*,/;
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
 * The history without the files that the agent may not be given. Files of earlier messages, from when it or another
 * agent might, are named in their place.
 */
export function withAllowedFiles(history: UIMessage[], model: SelectedModel): UIMessage[] {
  if (takesFiles(model)) return history;
  return history.map((message) => ({ ...message, parts: message.parts.map(withoutFile) }));
}

function takesFiles({ agentConfig, catalog }: SelectedModel): boolean {
  return agentConfig.capabilities?.fileInput !== false && catalog?.capabilities['fileInput'] !== false;
}

/** @throws AppError 400 when a question has a file that the model may not be given */
export function refuseFiles({ parts }: Pick<UIMessage, 'parts'>, model: SelectedModel): void {
  if (takesFiles(model)) return;
  const errors = parts.flatMap(({ type }, index) =>
    type === 'file'
      ? [{ path: `message.parts.${index}`, message: `${model.id} does not accept files here` }]
      : [],
  );
  if (errors.length > 0) throw validationFailed(errors);
}

function withoutFile(part: UIMessage['parts'][number]): UIMessage['parts'][number] {
  return part.type === 'file' ? { type: 'text', text: `[a file: ${part.filename ?? part.mediaType}]` } : part;
}
