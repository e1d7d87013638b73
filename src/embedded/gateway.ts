import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { findAuthRoute } from './auth-routes.js';
import type { AuthRequest, AuthService } from './auth-service.js';
import type { Caller, Callers } from './caller.js';
import { failure, unexpectedFailure } from './failures.js';
import { BodyError, type BodyLimitsByKind, checkLength, readText } from './request-body.js';
import { readTarget, type RequestTarget, type ServiceName } from './request-target.js';
import { findStorageRoute } from './storage-routes.js';
import type { StorageRequest, StorageService } from './storage-service.js';

/** A request before its body is read. */
export interface IncomingHead {
  method: string;
  /** As sent in the request line. */
  url: string;
  headers: IncomingHttpHeaders;
  address: string;
}

/** An admitted request. `answer` must be called once. */
export interface Admission {
  answer(body: Readable): Promise<Response>;
  /** Releases the resources of the request. It must always be called. */
  release(): void;
}

/** The request headers that the library gets. All others are removed. */
const PASSED = [
  'cache-control',
  'content-length',
  'content-type',
  'user-agent',
  'x-metadata',
  'x-supabase-api-version',
  'x-upsert',
];

/**
 * Passes requests on to auth and storage. The library has more routes than Supabase exposes. A request is passed on
 * only if its target is in the lists, in the one unambiguous spelling.
 */
export class Gateway {
  constructor(
    private readonly callers: Callers,
    private readonly auth: AuthService,
    private readonly storage: StorageService,
    private readonly limits: BodyLimitsByKind,
    private readonly log: (line: string) => void,
  ) {}

  /** Decides from the headers alone, and returns what is needed for the response. */
  async admit(head: IncomingHead): Promise<Response | Admission> {
    const target = readTarget(head.url);
    if (!target) return failure('auth', 404, 'not_found', 'Not found');
    try {
      return await this.admitTo(target, head);
    } catch (error) {
      return this.failed(target.service, error);
    }
  }

  private async admitTo(target: RequestTarget, head: IncomingHead): Promise<Response | Admission> {
    const { method, address } = head;
    const caller = await this.callers.identify(
      textOf(head.headers['apikey']) ?? target.query.get('apikey') ?? undefined,
      head.headers.authorization,
    );
    const headers = headersOf(head.headers, caller);
    if (target.service === 'auth') {
      const match = findAuthRoute(method, target);
      if (!match) return failure('auth', 404, 'not_found', 'Route not found');
      return this.admitToAuth(
        { match, method, target, headers, caller, address },
        head.headers['content-length'],
      );
    }
    const match = findStorageRoute(method, target);
    if (!match) return failure('storage', 404, 'Not Found', 'Route not found');
    return this.admitToStorage({ match, method, target, headers, caller }, head.headers['content-length']);
  }

  private admitToAuth(request: AuthRequest, length: string | undefined): Response | Admission {
    const admitted = this.auth.admit(request);
    if (admitted instanceof Response) return admitted;
    checkLength(length, this.limits.json);
    return {
      answer: (body) =>
        this.guarded('auth', async () => {
          const text = request.method === 'GET' ? '' : await readText(body, this.limits.json);
          return this.auth.handle(request, text, admitted.attempt);
        }),
      release: () => undefined,
    };
  }

  private async admitToStorage(
    request: StorageRequest,
    length: string | undefined,
  ): Promise<Response | Admission> {
    checkLength(length, request.match.isUpload ? this.limits.file : this.limits.json);
    const admitted = await this.storage.admit(request);
    if (admitted instanceof Response) return admitted;
    return {
      answer: (body) => this.guarded('storage', () => this.storage.handle(request, body)),
      release: admitted.release ?? (() => undefined),
    };
  }

  private async guarded(service: ServiceName, work: () => Promise<Response>): Promise<Response> {
    try {
      const response = await work();
      if (response.status < 500) return response;
      await response.body?.cancel();
      return unexpectedFailure(service);
    } catch (error) {
      return this.failed(service, error);
    }
  }

  private failed(service: ServiceName, error: unknown): Response {
    if (error instanceof BodyError) {
      const code = {
        400: 'validation_failed',
        408: 'request_timeout',
        413: 'request_too_large',
        503: 'unavailable',
      }[error.status];
      return failure(service, error.status, code, error.message);
    }
    const { name = 'Error', code } = (error ?? {}) as { name?: string; code?: unknown };
    this.log(`The embedded ${service} failed: ${name}${typeof code === 'string' ? ` ${code}` : ''}`);
    return unexpectedFailure(service);
  }
}

function headersOf(sent: IncomingHttpHeaders, caller: Caller): Headers {
  const headers = new Headers(caller.headers);
  for (const name of PASSED) {
    const value = textOf(sent[name]);
    if (value !== undefined) headers.set(name, value);
  }
  return headers;
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
