import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger as PinoLogger } from 'pino';
import { validationFailed } from '../errors/app-error.js';
import { type RequestContext, requestContext } from '../logging/request-context.js';
import { httpDuration } from '../observability/metrics.js';
import { findHostileInput } from './hostile-input.js';

/** Headers whose values are secrets of the caller. */
const SECRET_HEADERS = [
  'authorization',
  'apikey',
  'x-google-api-key',
  'x-openai-api-key',
  'x-anthropic-api-key',
  'x-github-token',
];

/** Methods that metrics tell apart; clients may send any of HTTP's many. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

type ContextRequest = FastifyRequest & { switchboardContext?: RequestContext };

/** Request id, log context, the check against hostile input, and one log line and metric for each response. */
export function registerRequestHooks(fastify: FastifyInstance, logger: PinoLogger): void {
  fastify.addHook('onRequest', (request: ContextRequest, reply, done) => {
    reply.header('x-request-id', request.id);
    request.switchboardContext = { requestId: request.id, secrets: secretsOf(request) };
    requestContext.run(request.switchboardContext, done);
  });

  // Reading the body leaves the asynchronous context of the hook above.
  fastify.addHook('preValidation', (request: ContextRequest, _reply, done) => {
    const problem =
      prefixed('', findHostileInput(request.body)) ??
      prefixed('query.', findHostileInput(request.query)) ??
      prefixed('params.', findHostileInput(request.params));
    const next = () => done(problem ? validationFailed([problem]) : undefined);
    if (request.switchboardContext) requestContext.run(request.switchboardContext, next);
    else next();
  });

  fastify.addHook('onResponse', (request: ContextRequest, reply, done) => {
    record(request, reply, logger);
    done();
  });
}

function prefixed(prefix: string, problem: { path: string; message: string } | undefined) {
  return problem && { path: `${prefix}${problem.path}`, message: problem.message };
}

function record(request: ContextRequest, reply: FastifyReply, logger: PinoLogger): void {
  const route = request.routeOptions.url ?? 'unmatched';
  const method = METHODS.has(request.method) ? request.method : 'other';
  httpDuration.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  if (route.startsWith('/health') || route === '/metrics') return;
  const line = {
    requestId: request.id,
    userId: request.switchboardContext?.userId,
    method: request.method,
    route,
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime),
  };
  logger.info(line, 'request');
}

function secretsOf(request: FastifyRequest): string[] {
  return SECRET_HEADERS.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [value.replace(/^Bearer\s+/i, '')] : [];
  }).filter((value) => value.length >= 6);
}
