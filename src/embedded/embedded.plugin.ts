import { Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from '../common/errors/problem.filter.js';
import { EXPOSED_HEADERS } from '../common/http/cors.js';
import type { CountRefused } from '../common/http/hooks.js';
import type { EmbeddedStack } from './embedded-stack.js';
import type { Admission, Gateway } from './gateway.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Header names, as browsers list them. */
const HEADER_NAMES = /^[\w-]+(?: *, *[\w-]+){0,63}$/;

/** How long the rest of a refused request may continue to arrive, so that the client can read the response. */
const LINGER = 5_000;

interface Passing {
  admission?: Admission;
  body?: Readable;
}

/**
 * Mounts the stack's auth and storage next to Nest's routes. Requests are checked by their headers before their bodies
 * are read, and bodies are streamed.
 */
export async function mountEmbeddedStack(
  fastify: FastifyInstance,
  { gateway }: Pick<EmbeddedStack, 'gateway'>,
  countRefused: CountRefused,
): Promise<void> {
  const logger = new Logger('EmbeddedStack');
  const passing = new WeakMap<FastifyRequest, Passing>();
  await fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (request, payload, parsed) => {
      passing.set(request, { ...passing.get(request), body: payload });
      parsed(null);
    });
    // Nest sets its own hooks after this scope is created, so they do not apply here.
    scope.setErrorHandler((error, request, reply) => {
      sendProblem(error, request, allowBrowsers(reply), logger);
    });
    scope.addHook('onRequest', async (request, reply) => {
      // The server's own CORS rules run later and do not know Supabase's headers.
      if (request.method === 'OPTIONS') return preflight(request, reply);
      const admission = await admit(gateway, request);
      if (admission instanceof Response) {
        linger(request);
        // Admitted requests have their own limits. Refused requests are counted here.
        await countRefused(request);
        return answer(reply, admission);
      }
      passing.set(request, { admission });
      if (reply.raw.destroyed) admission.release();
      else reply.raw.once('close', () => admission.release());
      return undefined;
    });
    for (const url of ['/auth/v1/*', '/storage/v1/*']) {
      scope.route({
        method: [...METHODS, 'OPTIONS'],
        url,
        handler: async (request, reply) => {
          const { admission, body } = passing.get(request) ?? {};
          if (!admission) throw new Error('The request was not admitted');
          const response = await admission.answer(body ?? Readable.from([]));
          linger(request);
          return answer(reply, response);
        },
      });
    }
    done();
  });
}

function admit(gateway: Gateway, request: FastifyRequest): Promise<Response | Admission> {
  return gateway.admit({
    method: request.method,
    url: request.raw.url ?? '',
    headers: request.headers,
    address: request.ip,
  });
}

async function answer(reply: FastifyReply, response: Response): Promise<FastifyReply> {
  reply.status(response.status);
  response.headers.forEach((value, name) => {
    if (!/^(?:content-length$|transfer-encoding$|connection$|access-control-)/.test(name))
      void reply.header(name, value);
  });
  allowBrowsers(reply);
  await reply.send(
    response.body ? Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]) : null,
  );
  return reply;
}

/** Lets a client finish sending a body that nobody reads, within a limit, and closes the connection after that. */
function linger({ raw }: FastifyRequest): void {
  if (raw.complete) return;
  raw.resume();
  const timer = setTimeout(() => raw.socket.destroy(), LINGER).unref();
  raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}

async function preflight(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const asked = request.headers['access-control-request-headers'] ?? '';
  allowBrowsers(reply)
    .header('access-control-allow-methods', METHODS.join(', '))
    .header('access-control-allow-headers', HEADER_NAMES.test(asked) ? asked : '*')
    .header('access-control-max-age', '600');
  await reply.status(204).send();
  return reply;
}

/** Any origin is allowed: requests are authorized by the key and the token in the headers, never by a cookie. */
function allowBrowsers(reply: FastifyReply): FastifyReply {
  return reply
    .header('access-control-allow-origin', '*')
    .header('access-control-expose-headers', EXPOSED_HEADERS.join(', '));
}
