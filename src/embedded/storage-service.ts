import { Readable } from 'node:stream';
import { type JWTPayload, SignJWT } from 'jose';
import { type Fields, isFields } from './json-body.js';
import { type Caller, isService, userIdOf } from './caller.js';
import { storageFailure } from './failures.js';
import { readMultipart } from './multipart-file.js';
import { BodyError, type BodyLimitsByKind, limited, readText, tooLarge } from './request-body.js';
import type { RequestTarget } from './request-target.js';
import { parseStorageBody } from './storage-body.js';
import { withSafeContent } from './storage-download.js';
import { readList, readListV2, toList, toListV2 } from './storage-lists.js';
import type { StorageMatch } from './storage-routes.js';
import type { BucketRow, StorageRepository } from './storage.repository.js';
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

/**
 * Supabase Storage. This service guards the library, which checks keys late, lets anyone who can see one object of a
 * bucket empty the bucket, believes the size that an upload states, and returns signed URLs under names that clients do not
 * expect. Lists, and signed URLs for several files at once, are made here.
 */
export class StorageService {
  private readonly slots = new UploadSlots();
  /** Running uploads by caller and path. Two at once would both find no existing file. */
  private readonly uploading = new Map<string, Promise<unknown>>();
  private readonly signingKey: Uint8Array;

  constructor(
    private readonly library: (request: Request) => Promise<Response>,
    private readonly origin: string,
    private readonly verify: (token: string) => Promise<JWTPayload | undefined>,
    jwtSecret: string,
    private readonly repository: StorageRepository,
    private readonly limits: BodyLimitsByKind,
  ) {
    this.signingKey = new TextEncoder().encode(jwtSecret);
  }

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
    if (request.match.isUpload) return this.uploadOnce(request, source);
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
    const body = hasBody ? parseStorageBody(await readText(source, this.limits.json)) : undefined;
    if (body instanceof Response) return body;
    const own = body && (await this.handleHere(request, body));
    if (own) return own;
    if (body) request.headers.set('content-type', 'application/json');
    const response = await this.pass(request, body && JSON.stringify(body));
    return withSafeContent(await withClientNames(request.match, response), request.target);
  }

  private async handleHere(
    { match: { name, bucket = '' }, caller }: StorageRequest,
    body: Fields,
  ): Promise<Response | undefined> {
    if (!HANDLED_HERE.has(name)) return undefined;
    if (!(await this.repository.findBucket(bucket)))
      return storageFailure(404, 'Bucket not found', 'Bucket not found');
    if (name === 'POST object/sign/:b') return this.signEach(caller, bucket, body);
    if (name === 'POST object/list/:b') {
      const listing = readList(bucket, body);
      return toList(listing, await this.repository.list(caller, listing));
    }
    const listing = readListV2(bucket, body);
    if (listing instanceof Response) return listing;
    const oneMore = { ...listing, limit: listing.limit + 1 };
    return toListV2(listing, await this.repository.list(caller, oneMore));
  }

  private async signEach(caller: Caller, bucket: string, { paths, expiresIn }: Fields): Promise<Response> {
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string') || !Number(expiresIn))
      return storageFailure(400, 'invalid_request', 'paths and expiresIn are required');
    const existing = await this.repository.findExisting(caller, bucket, paths);
    const signed = await Promise.all(
      paths.map(async (path) => {
        if (!existing.has(path))
          return {
            path,
            signedURL: null,
            error: 'Either the object does not exist or you do not have access to it',
          };
        const token = await new SignJWT({ sub: path, bucket, intent: 'download' })
          .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
          .setIssuedAt()
          .setExpirationTime(Math.floor(Date.now() / 1_000) + Number(expiresIn))
          .sign(this.signingKey);
        return { path, signedURL: `/object/sign/${bucket}/${path}?token=${token}`, error: null };
      }),
    );
    return Response.json(signed);
  }

  private async uploadOnce(request: StorageRequest, source: Readable): Promise<Response> {
    const { match, target, caller } = request;
    const writer = target.query.get('token') ?? userIdOf(caller) ?? caller.key;
    // Keyed by the caller, so that nobody waits for another user.
    const place = [writer, ...target.segments.slice(match.signature ? 3 : 1)].join('/');
    const before = this.uploading.get(place);
    const upload = (async () => {
      await before?.catch(() => undefined);
      return this.upload(request, source);
    })();
    this.uploading.set(place, upload);
    try {
      return await upload;
    } finally {
      if (this.uploading.get(place) === upload) this.uploading.delete(place);
    }
  }

  private async upload(request: StorageRequest, source: Readable): Promise<Response> {
    const bucket = await this.repository.findBucket(request.match.bucket ?? '');
    const size = Math.min(bucket?.sizeLimit ?? Infinity, this.limits.file.size);
    const body = limited(source, this.limits.file);
    let problem: unknown;
    body.once('error', (error) => {
      problem = error;
    });
    try {
      const { headers } = request;
      const type = headers.get('content-type') ?? '';
      const file = /^multipart\/form-data/i.test(type) ? await readMultipart(body, type) : undefined;
      const sent = file?.contentType ?? type;
      const kept = MEDIA_TYPE.test(sent) ? sent : 'application/octet-stream';
      if (!takes(bucket, kept))
        return storageFailure(415, 'invalid_mime_type', `mime type ${kept} is not supported`);
      headers.set('content-type', kept);
      if (!file && Number(headers.get('content-length')) > size) throw tooLarge(size);
      // What the headers say is the length of the form.
      if (file) headers.delete('content-length');
      if (file?.cacheControl !== undefined) headers.set('cache-control', file.cacheControl);
      const content = limited(file?.body ?? body, { ...this.limits.file, size });
      content.once('error', (error) => {
        problem ??= error;
      });
      const response = await this.pass(request, Readable.toWeb(content) as ReadableStream);
      // The library knows only that the body broke off.
      if (problem instanceof BodyError) throw problem;
      return await withClientNames(request.match, response);
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

const HANDLED_HERE = new Set(['POST object/sign/:b', 'POST object/list/:b', 'POST object/list-v2/:b']);

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

/** Signed URLs with the names and the base that clients expect, and the key of a signed upload with its bucket. */
async function withClientNames({ name, bucket }: StorageMatch, response: Response): Promise<Response> {
  if (response.ok && name === 'PUT object/upload/sign/:b/*') {
    const { Key: key } = (await response.json()) as { Key: string };
    return Response.json({ Key: `${bucket}/${key}` }, { status: response.status });
  }
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

function takes(bucket: BucketRow | undefined, contentType: string): boolean {
  if (!bucket?.types?.length) return true;
  const [type = ''] = contentType.toLowerCase().split(';');
  const group = `${type.split('/')[0]}/*`;
  return bucket.types.some((allowed) => allowed === type.trim() || allowed === group || allowed === '*/*');
}
