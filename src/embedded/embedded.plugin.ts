import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EmbeddedStack } from './embedded-stack.js';

/** The largest file that the embedded storage takes, in bytes. */
const BODY_LIMIT = 50 * 1024 ** 2;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Mounts the stack's auth and storage beside Nest's routes, with bodies passed on as they come. */
export async function mountEmbeddedStack(fastify: FastifyInstance, stack: EmbeddedStack): Promise<void> {
  await fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, body, parsed) =>
      parsed(null, body),
    );
    for (const url of ['/auth/v1/*', '/storage/v1/*']) {
      scope.route({
        method: [...METHODS],
        url,
        bodyLimit: BODY_LIMIT,
        handler: (request, reply) => pass(request, reply, stack),
      });
      scope.options(url, (request, reply) => preflight(request, reply));
    }
    done();
  });
}

async function pass(request: FastifyRequest, reply: FastifyReply, stack: EmbeddedStack): Promise<void> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  const response = await stack.handle(
    new Request(`http://${request.host}${request.url}`, {
      method: request.method,
      headers,
      body: hasBody && request.body instanceof Buffer ? new Uint8Array(request.body) : undefined,
    }),
  );
  reply.status(response.status);
  response.headers.forEach((value, name) => {
    if (name !== 'content-length' && name !== 'transfer-encoding') void reply.header(name, value);
  });
  allowBrowsers(reply);
  await reply.send(
    response.body ? Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]) : null,
  );
}

async function preflight(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  allowBrowsers(reply)
    .header('access-control-allow-methods', METHODS.join(', '))
    .header('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '*')
    .header('access-control-max-age', '600');
  await reply.status(204).send();
}

function allowBrowsers(reply: FastifyReply): FastifyReply {
  return reply.header('access-control-allow-origin', '*');
}
