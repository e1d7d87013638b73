import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger as PinoLogger } from 'pino';
import { type RequestContext, requestContext } from '../logging/request-context.js';
import type { Span } from '@opentelemetry/api';
import { httpDuration } from '../observability/metrics.js';
import { runWithin, traceFields } from '../observability/spans.js';
import { endRequestSpan, startRequestSpan } from './request-span.js';
import { findHeaderProblem, SECRET_HEADERS, singleHeaders } from './request-headers.js';
import { discardBodyAfterAnswer } from './unread-body.js';

/** Methods that metrics distinguish. Clients can send any HTTP method. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

type ContextRequest = FastifyRequest & { switchboardContext?: RequestContext; switchboardSpan?: Span };

/** Counts a request that no guard will count. Throws if its address has used up its requests. */
export type CountRefused = (request: FastifyRequest) => Promise<void>;

export interface RequestHooks {
  logger: PinoLogger;
  /** The headers for users' keys of model vendors, in lower case. */
  keyHeaders: readonly string[];
  countRefused: CountRefused;
  /** How long the rest of an unread body may take. */
  requestTimeout: number;
}

/**
 * Leaves every body unread: Fastify reads a body before Nest's guards run, but the guards must admit a request before
 * its body is read. `RequestContentGuard` reads it.
 */
export function deferBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

/** Request id, log context, header validation, and one log line and metric per response. */
export function registerRequestHooks(
  fastify: FastifyInstance,
  { logger, keyHeaders, countRefused, requestTimeout }: RequestHooks,
): void {
  const secretHeaders = [...SECRET_HEADERS, ...keyHeaders];
  const single = singleHeaders(secretHeaders);
  fastify.addHook('onRequest', (request: ContextRequest, reply, done) => {
    reply.header('x-request-id', request.id);
    request.switchboardContext = { requestId: request.id, secrets: secretsOf(request, secretHeaders) };
    request.switchboardSpan = startRequestSpan(request);
    requestContext.run(request.switchboardContext, () =>
      runWithin(request.switchboardSpan, () => {
        const problem = findHeaderProblem(request, single);
        if (problem === undefined && !isUnguarded(request)) return done();
        countRefused(request).then(() => done(problem), done);
      }),
    );
  });

  fastify.addHook('onSend', (request, reply, _payload, done) => {
    discardBodyAfterAnswer(request.raw, reply.raw, requestTimeout);
    done();
  });

  fastify.addHook('onResponse', (request: ContextRequest, reply, done) => {
    record(request, reply, logger);
    done();
  });
}

/**
 * No guard protects unknown paths and the documentation. Preflight requests are not counted: refusing one costs as much
 * as answering it, and would block every browser behind that address.
 */
function isUnguarded({ is404, routeOptions }: FastifyRequest): boolean {
  return is404 || (routeOptions.url?.startsWith('/docs') ?? false);
}

function record(request: ContextRequest, reply: FastifyReply, logger: PinoLogger): void {
  const route = request.routeOptions.url ?? 'unmatched';
  const method = METHODS.has(request.method) ? request.method : 'other';
  endRequestSpan(request.switchboardSpan, reply.statusCode);
  httpDuration.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  if (route.startsWith('/health') || route === '/metrics') return;
  const line = {
    requestId: request.id,
    userId: request.switchboardContext?.userId,
    method: request.method,
    route,
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime),
    ...traceFields(request.switchboardSpan),
  };
  logger.info(line, 'request');
}

function secretsOf({ headers }: FastifyRequest, secretHeaders: readonly string[]): string[] {
  const secrets: string[] = [];
  for (const name of secretHeaders) {
    const value = headers[name];
    // Without the scheme (`Bearer`, `Basic`).
    if (typeof value === 'string' && value !== '') secrets.push(value.replace(/^\w+\s+/, ''));
  }
  return secrets;
}
