import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { EmbeddedStack } from './embedded-stack.js';

/** Where the page at `/docs` gets a token for an email address and a password. */
export const DOCS_TOKEN_URL = '/docs/token';

const MAX_FORM = 4_096;

/**
 * OAuth's password grant for the page at `/docs`, which sends a form. It is passed on as a sign-in of the stack's auth,
 * with the same limits.
 */
export async function mountDocsToken(
  fastify: FastifyInstance,
  { gateway, publishableKey }: Pick<EmbeddedStack, 'gateway' | 'publishableKey'>,
): Promise<void> {
  await fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_FORM },
      (_request, body, parsed) => parsed(null, new URLSearchParams(String(body))),
    );
    scope.post(DOCS_TOKEN_URL, async (request, reply) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const body = JSON.stringify({ email: form.get('username'), password: form.get('password') });
      const admission = await gateway.admit({
        method: 'POST',
        url: '/auth/v1/token?grant_type=password',
        headers: {
          apikey: publishableKey,
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
        },
        address: request.ip,
      });
      const response =
        admission instanceof Response
          ? admission
          : await admission.answer(Readable.from([Buffer.from(body)])).finally(() => admission.release());
      const answer = (await response.json()) as Record<string, unknown>;
      const { access_token, expires_in, msg } = answer;
      return reply
        .status(response.status)
        .header('cache-control', 'no-store')
        .send(
          response.ok
            ? { access_token, expires_in, token_type: 'bearer' }
            : { error: 'invalid_grant', error_description: msg },
        );
    });
    done();
  });
}
