import { Readable } from 'node:stream';
import type { JWTPayload } from 'jose';
import { type Fields, isFields } from './json-body.js';
import { type Caller, isService, userIdOf } from './caller.js';
import { storageFailure } from './failures.js';
import { readMultipart } from './multipart-file.js';
import { BodyError, type BodyLimitsByKind, limited, readText } from './request-body.js';
import type { RequestTarget } from './request-target.js';
import { parseStorageBody } from './storage-body.js';
import type { StorageMatch } from './storage-routes.js';
import { UploadSlots } from './upload-slots.js';

/** A storage request. */
export interface StorageRequest {
  match: StorageMatch;
  method: string;
  target: RequestTarget;
  /** The headers that the library reads. */
  headers: Headers;
  caller: Caller;
}

const PREFIX = '/storage/v1';

/** A media type that is valid in a header. Anything else is stored as unknown binary data. */
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}(?: *; *[\w-]+=[\w.+-]+){0,4}$/;

/** Users' files are served from the API's origin, so a browser that opens one must not run scripts in it. */
const INERT = {
  'content-security-policy':
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:",
  'x-content-type-options': 'nosniff',
};

/**
 * Supabase Storage. This service guards the library, which checks keys late, lets anyone who can see one object of a
 * bucket empty the bucket, and returns signed URLs under names that clients do not expect.
 */
export class StorageService {
  private readonly slots = new UploadSlots();

  constructor(
    private readonly library: (request: Request) => Promise<Response>,
    private readonly origin: string,
    private readonly verify: (token: string) => Promise<JWTPayload | undefined>,
    private readonly limits: BodyLimitsByKind,
  ) {}

  /** Decides from the headers alone. For an upload, the result includes the function that releases its slot. */
  async admit({
    match,
    method,
    target,
    caller,
  }: StorageRequest): Promise<Response | { release?: () => void }> {
    const signed = match.signature && (await this.verify(target.query.get('token') ?? ''));
    const refusal = match.signature
      ? refuseSignature(match, signed)
      : refuse(match, caller, method === 'GET' || method === 'HEAD');
    if (refusal || !match.isUpload) return refusal ?? {};
    const owner = signed ? signed['owner'] : userIdOf(caller);
    const release = this.slots.take(typeof owner === 'string' ? owner : 'service');
    return release ? { release } : storageFailure(429, 'too_many_requests', 'Too many uploads at once');
  }

  async handle(request: StorageRequest, source: Readable): Promise<Response> {
    if (request.match.isUpload) return this.upload(request, source);
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
    const body = hasBody ? parseStorageBody(await readText(source, this.limits.json)) : undefined;
    if (body instanceof Response) return body;
    if (body) request.headers.set('content-type', 'application/json');
    const response = await this.pass(request, body && JSON.stringify(body));
    return withInertFile(await withClientNames(request.match, response));
  }

  private async upload(request: StorageRequest, source: Readable): Promise<Response> {
    const body = limited(source, this.limits.file);
    let problem: unknown;
    body.once('error', (error) => {
      problem = error;
    });
    try {
      const { headers } = request;
      const type = headers.get('content-type') ?? '';
      const file = /^multipart\/form-data/i.test(type) ? await readMultipart(body, type) : undefined;
      const kept = file?.contentType ?? type;
      headers.set('content-type', MEDIA_TYPE.test(kept) ? kept : 'application/octet-stream');
      // The Content-Length is that of the whole form.
      if (file) headers.delete('content-length');
      if (file?.cacheControl !== undefined) headers.set('cache-control', file.cacheControl);
      const response = await this.pass(request, Readable.toWeb(file?.body ?? body) as ReadableStream);
      // The library only knows that the body ended early.
      if (problem instanceof BodyError) throw problem;
      return response;
    } finally {
      body.destroy();
    }
  }

  private pass(
    { method, target, headers }: StorageRequest,
    body?: string | ReadableStream,
  ): Promise<Response> {
    return this.library(
      new Request(`${this.origin}${target.href}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body, duplex: 'half' }),
      }),
    );
  }
}

function refuse({ access }: StorageMatch, caller: Caller, reads: boolean): Response | undefined {
  if (access === 'anyone') return undefined;
  if (caller.hasBadToken && !(reads && access === 'client'))
    return storageFailure(401, 'InvalidJWT', 'the token is invalid or has expired');
  if (!caller.claims && caller.key !== 'publishable' && caller.key !== 'secret')
    return storageFailure(401, 'Unauthorized', 'No valid API key found in request');
  const allowed =
    access === 'client' || isService(caller) || (access === 'user' && userIdOf(caller) !== undefined);
  return allowed
    ? undefined
    : storageFailure(403, 'Unauthorized', 'new row violates row-level security policy');
}

function refuseSignature(
  { signature, bucket }: StorageMatch,
  signed: JWTPayload | undefined,
): Response | undefined {
  return signed?.['intent'] === signature && signed?.['bucket'] === bucket
    ? undefined
    : storageFailure(403, 'InvalidSignature', 'The signature is invalid or has expired');
}

/** Signed URLs with the names and the base that clients expect. */
async function withClientNames({ name }: StorageMatch, response: Response): Promise<Response> {
  if (!response.ok || !name.startsWith('POST object/') || !name.includes('/sign/')) return response;
  const body: unknown = await response.json();
  const named = Array.isArray(body) ? body.map(withUrl) : withUrl(body);
  return Response.json(named, { status: response.status });
}

function withUrl(body: unknown): unknown {
  if (!isFields(body)) return body;
  const { signedUrl: signed } = body;
  if (typeof signed !== 'string') return body;
  const url = signed.startsWith(PREFIX) ? signed.slice(PREFIX.length) : signed;
  return { ...body, url, signedURL: url || null } satisfies Fields;
}

function withInertFile(response: Response): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(INERT)) headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}
