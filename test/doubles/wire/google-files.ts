import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Body, type ErrorAnswer, JSON_TYPE } from './dialect.js';
import { googleBadKey, googleError, googleMissingKey } from './google-errors.js';

const START = /^\/google\/upload\/v1beta\/files$/;
const FILE = /^\/google\/files\/([\w-]+)$/;
const LIFETIME = 48 * 3_600_000;

/** What the next uploads come to instead. */
export type UploadFault = { status: number } | 'stall' | 'processing fails';

/** A file as Gemini keeps it. */
export interface UploadedFile {
  name: string;
  uri: string;
  /** The key that it was uploaded with. Another key does not find it. */
  key: string;
  mimeType: string;
  size: number;
  sha256: string;
  state: 'PROCESSING' | 'ACTIVE' | 'FAILED';
  createdAt: number;
}

interface Session {
  key: string;
  mimeType: string;
  length: number;
}

/** Gemini's file API: resumable uploads, the state of a file, and files that requests name. */
export class GoogleFiles {
  /** All files that were uploaded, those that have been forgotten too, the oldest first. */
  readonly uploads: UploadedFile[] = [];
  /** Uploads that clients have begun. */
  started = 0;
  fault: UploadFault | undefined;
  /** Forgets each file as soon as it has it. */
  forgetful = false;
  private readonly kept = new Map<string, UploadedFile>();
  private readonly sessions = new Map<string, Session>();

  /** What happens to each file after 48 hours. */
  forget(): void {
    this.kept.clear();
  }

  reset(): void {
    this.forget();
    this.sessions.clear();
    this.uploads.length = this.started = 0;
    this.fault = undefined;
    this.forgetful = false;
  }

  /** Answers a request of the file API; false for others. */
  async handle(request: IncomingMessage, response: ServerResponse, changed: () => void): Promise<boolean> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const [, name] = FILE.exec(url.pathname) ?? [];
    if (request.method === 'GET' && name !== undefined) this.describe(request, response, name);
    else if (request.method === 'POST' && START.test(url.pathname))
      await (url.searchParams.has('upload_id')
        ? this.receive(request, response, url, changed)
        : this.start(request, response, url, changed));
    else return false;
    return true;
  }

  /** Refuses a request that names a file that is not there. */
  refusal(key: unknown, body: Body): ErrorAnswer | undefined {
    for (const { parts } of (body['contents'] ?? []) as Body[]) {
      for (const { fileData } of (parts ?? []) as Body[]) {
        if (!fileData) continue;
        const file = this.kept.get(fileData.fileUri);
        if (!file || file.key !== key) return missing(String(fileData.fileUri).split('/').at(-1));
        if (file.state !== 'ACTIVE')
          return googleError(
            400,
            'FAILED_PRECONDITION',
            `The File ${file.name.slice(6)} is not in an ACTIVE state and usage is not allowed.`,
          );
        if (fileData.mimeType !== file.mimeType)
          return googleError(400, 'INVALID_ARGUMENT', `Unsupported MIME type: ${fileData.mimeType}`);
      }
    }
    return undefined;
  }

  private async start(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    changed: () => void,
  ): Promise<void> {
    for await (const _ of request);
    this.started++;
    changed();
    const { headers } = request;
    const key = headers['x-goog-api-key'];
    const refusal = !key ? googleMissingKey() : key === 'bad-key' ? googleBadKey() : undefined;
    if (refusal) return answer(response, refusal.status, refusal.body);
    if (this.fault === 'stall') return;
    if (typeof this.fault === 'object') {
      const { status } = this.fault;
      return answer(response, status, googleError(status, 'INTERNAL', 'The upload failed.').body);
    }
    const length = Number(headers['x-goog-upload-header-content-length']);
    const mimeType = headers['x-goog-upload-header-content-type'];
    if (
      headers['x-goog-upload-protocol'] !== 'resumable' ||
      headers['x-goog-upload-command'] !== 'start' ||
      typeof mimeType !== 'string' ||
      !(length > 0)
    )
      return answer(
        response,
        400,
        googleError(400, 'INVALID_ARGUMENT', 'Invalid resumable upload request.').body,
      );
    const id = randomUUID();
    this.sessions.set(id, { key: String(key), mimeType, length });
    response
      .writeHead(200, {
        'content-type': 'text/plain; charset=utf-8',
        'x-goog-upload-status': 'active',
        'x-goog-upload-url': `${url.origin}${url.pathname}?upload_id=${id}&upload_protocol=resumable`,
        'x-goog-upload-chunk-granularity': '8388608',
      })
      .end();
  }

  /** The URL alone is the permission: the key is not sent again. */
  private async receive(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    changed: () => void,
  ): Promise<void> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of request) {
      hash.update(piece as Buffer);
      size += (piece as Buffer).length;
    }
    const id = url.searchParams.get('upload_id') ?? '';
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    const { headers } = request;
    if (
      !session ||
      headers['x-goog-upload-command'] !== 'upload, finalize' ||
      headers['x-goog-upload-offset'] !== '0' ||
      size !== session.length
    )
      return answer(response, 400, googleError(400, 'INVALID_ARGUMENT', 'Invalid upload.').body);
    const name = `files/${randomUUID().slice(0, 12).replace('-', '')}`;
    const { key, mimeType } = session;
    const file: UploadedFile = {
      name,
      uri: `https://generativelanguage.googleapis.com/v1beta/${name}`,
      key,
      mimeType,
      size,
      sha256: hash.digest('hex'),
      // Only what moves has to be looked at first.
      state: mimeType.startsWith('video/') || this.fault === 'processing fails' ? 'PROCESSING' : 'ACTIVE',
      createdAt: Date.now(),
    };
    if (!this.forgetful) this.kept.set(file.uri, file);
    this.uploads.push(file);
    changed();
    answer(response, 200, { file: described(file) }, { 'x-goog-upload-status': 'final' });
  }

  private describe(request: IncomingMessage, response: ServerResponse, name: string): void {
    const file = [...this.kept.values()].find((kept) => kept.name === `files/${name}`);
    if (!file || file.key !== request.headers['x-goog-api-key']) {
      const { status, body } = missing(name);
      return answer(response, status, body);
    }
    if (file.state === 'PROCESSING') file.state = this.fault === 'processing fails' ? 'FAILED' : 'ACTIVE';
    answer(response, 200, described(file));
  }
}

function missing(name: string | undefined): ErrorAnswer {
  return googleError(
    403,
    'PERMISSION_DENIED',
    `You do not have permission to access the File ${name} or it may not exist.`,
  );
}

function described({ name, uri, mimeType, size, sha256, state, createdAt }: UploadedFile): unknown {
  const createTime = new Date(createdAt).toISOString();
  return {
    name,
    mimeType,
    sizeBytes: String(size),
    createTime,
    updateTime: createTime,
    expirationTime: new Date(createdAt + LIFETIME).toISOString(),
    sha256Hash: Buffer.from(sha256).toString('base64'),
    uri,
    state,
    source: 'UPLOADED',
  };
}

function answer(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { 'content-type': JSON_TYPE, ...headers }).end(JSON.stringify(body));
}
