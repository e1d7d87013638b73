import { createHash } from 'node:crypto';
import type {
  FilesV4,
  FilesV4UploadFileResult,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  SharedV4ProviderReference,
} from '@ai-sdk/provider';
import { AISDKError, APICallError, wrapLanguageModel } from 'ai';
import { noteOnlyPrepared } from './deadline.js';
import type { FileRules, FileUploads } from './vendors/vendor.js';

/** References that are remembered at most. */
const MAX_REFERENCES = 5_000;
/** A reference is not used any more this long before the vendor deletes its file, in milliseconds. */
const MARGIN = 3_600_000;

type Options = LanguageModelV4CallOptions;
type FilePart = LanguageModelV4FilePart;

/** A file that the vendor's file API did not accept. */
export class FileUploadError extends APICallError {
  /** Private, because logs show the fields of errors. */
  readonly #part: FilePart;

  constructor(part: FilePart, cause: APICallError) {
    super({ ...cause, message: cause.message, cause });
    this.#part = part;
  }

  get part(): FilePart {
    return this.#part;
  }
}

/** Where files are uploaded that do not fit into a model's calls. */
export interface FileStore {
  files: FilesV4;
  rules: FileRules;
  uploads: FileUploads;
  /** A file can only be found again with the same key. */
  apiKey: string;
}

interface Remembered {
  reference: SharedV4ProviderReference;
  /** Epoch milliseconds. */
  until: number;
}

/**
 * Gives models the files that do not fit into their calls: each is uploaded to the vendor's file API once, and named in the
 * calls. A file is known by its content, so no one is given a file whose content they do not have.
 */
export class UploadedFiles {
  private readonly references = new Map<string, Remembered>();

  /** The model, with the files above the inline limit of each call uploaded. */
  uploading(model: LanguageModelV4, store: FileStore): LanguageModelV4 {
    return wrapLanguageModel({
      model,
      middleware: {
        specificationVersion: 'v4',
        wrapGenerate: ({ params }) => this.call(params, store, (options) => model.doGenerate(options)),
        wrapStream: ({ params }) => this.call(params, store, (options) => model.doStream(options)),
      },
    });
  }

  /** A vendor may delete a file earlier than announced. Such a file is uploaded once more, and then left out. */
  private async call<Result>(
    options: Options,
    store: FileStore,
    send: (options: Options) => PromiseLike<Result>,
  ): Promise<Result> {
    const large = await filesAboveLimit(options.prompt, store);
    if (large.size === 0) return send(options);
    const isUnknown = (error: unknown) =>
      !options.abortSignal?.aborted && APICallError.isInstance(error) && isUnknownFile(error, store.uploads);
    try {
      return await send(await this.withReferences(options, large, store));
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
    for (const key of large.values()) this.references.delete(key);
    try {
      return await send(await this.withReferences(options, large, store));
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
    for (const key of large.values()) this.references.delete(key);
    return send(
      replacing(options, (part) =>
        large.has(part) ? { type: 'text', text: `[omitted file: ${part.filename ?? part.mediaType}]` } : part,
      ),
    );
  }

  private async withReferences(
    options: Options,
    large: ReadonlyMap<FilePart, string>,
    store: FileStore,
  ): Promise<Options> {
    const references = new Map<FilePart, SharedV4ProviderReference>();
    // One at a time, because each is in memory once more while it is sent.
    for (const [part, key] of large)
      references.set(part, this.find(key) ?? (await this.upload(part, key, store, options.abortSignal)));
    return replacing(options, (part) => {
      const reference = references.get(part);
      return reference ? { ...part, data: { type: 'reference', reference } } : part;
    });
  }

  private find(key: string): SharedV4ProviderReference | undefined {
    const known = this.references.get(key);
    this.references.delete(key);
    if (!known || known.until <= Date.now()) return undefined;
    this.references.set(key, known);
    return known.reference;
  }

  private async upload(
    part: FilePart,
    key: string,
    { files, uploads }: FileStore,
    abortSignal: AbortSignal | undefined,
  ): Promise<SharedV4ProviderReference> {
    const data = Buffer.from(dataOf(part) ?? '', 'base64');
    let uploaded: FilesV4UploadFileResult;
    try {
      uploaded = await files.uploadFile({
        data: { type: 'data', data },
        mediaType: part.mediaType,
        abortSignal,
      });
    } catch (error) {
      throw uploadFailure(error, part);
    } finally {
      noteOnlyPrepared(abortSignal);
    }
    const expiresAt = uploads.expiryOf?.(uploaded) ?? uploaded.expiresAt?.getTime();
    const until = Math.min(expiresAt ?? Infinity, Date.now() + uploads.lifetime) - MARGIN;
    this.references.set(key, { reference: uploaded.providerReference, until });
    for (const oldest of this.references.keys()) {
      if (this.references.size <= MAX_REFERENCES) break;
      this.references.delete(oldest);
    }
    return uploaded.providerReference;
  }
}

/** The files that do not fit into the call, each with the key of its content. The latest files come first. */
async function filesAboveLimit(
  prompt: Options['prompt'],
  { rules, apiKey }: FileStore,
): Promise<Map<FilePart, string>> {
  const large = new Map<FilePart, string>();
  let left = rules.maxTotalSize;
  for (const { role, content } of prompt.toReversed()) {
    if (role !== 'user') continue;
    for (const part of content.toReversed()) {
      const data = part.type === 'file' ? dataOf(part) : undefined;
      if (part.type !== 'file' || data === undefined) continue;
      if (data.length <= left) left -= data.length;
      else large.set(part, await keyOf(part.mediaType, data, apiKey));
    }
  }
  return large;
}

/** Computed in another thread. */
async function keyOf(mediaType: string, data: string, apiKey: string): Promise<string> {
  const content = await crypto.subtle.digest('SHA-256', Buffer.from(data, 'latin1'));
  return createHash('sha256')
    .update(`${apiKey}\n${mediaType}\n`)
    .update(Buffer.from(content))
    .digest('base64');
}

function dataOf({ data }: FilePart): string | undefined {
  return data.type === 'data' && typeof data.data === 'string' ? data.data : undefined;
}

type UserPart = Extract<Options['prompt'][number], { role: 'user' }>['content'][number];

function replacing(options: Options, replace: (part: FilePart) => UserPart): Options {
  const prompt = options.prompt.map((message) =>
    message.role === 'user'
      ? { ...message, content: message.content.map((part) => (part.type === 'file' ? replace(part) : part)) }
      : message,
  );
  return { ...options, prompt };
}

function isUnknownFile({ message, responseBody }: APICallError, { unknown }: FileUploads): boolean {
  return unknown.test(`${message} ${responseBody ?? ''}`);
}

function uploadFailure(error: unknown, part: FilePart): unknown {
  if (APICallError.isInstance(error)) return new FileUploadError(part, error);
  if (!AISDKError.isInstance(error) || !error.name.endsWith('UPLOAD_FAILED')) return error;
  const refused = { message: 'Unable to process input file.', url: '', requestBodyValues: {} };
  return new FileUploadError(part, new APICallError({ ...refused, statusCode: 400, cause: error }));
}
