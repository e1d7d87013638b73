import { PassThrough } from 'node:stream';
import { APICallError } from 'ai';
import { createLogger } from './logger.js';
import { requestContext } from './request-context.js';
import { registerSecrets, scrub } from './scrub.js';

describe('scrub', () => {
  it('removes keys by their shape', () => {
    const secrets = [
      'sk-proj-abcdefgh12345678',
      'AIzaSyA1234567890abcdef',
      'ghp_abcdefghij123456',
      'eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl',
    ];
    for (const secret of secrets)
      expect(scrub(`Incorrect API key provided: ${secret}.`)).not.toContain(secret);
    expect(scrub('Authorization: Bearer opaque-token-1')).not.toContain('opaque-token-1');
    expect(scrub('postgres://user:hunter2@db/x')).toBe('postgres://user:[redacted]@db/x');
  });

  it('removes what this server and this request carry, whatever its shape', () => {
    registerSecrets(['correct horse battery']);
    expect(scrub('it is correct horse battery')).toBe('it is [redacted]');
    requestContext.run({ requestId: 'r', secrets: ['my-own-gateway-key'] }, () => {
      expect(scrub('key my-own-gateway-key refused')).toBe('key [redacted] refused');
    });
  });

  it('logs of an error only what is safe', () => {
    const sink = new PassThrough();
    const lines: string[] = [];
    sink.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const error = new APICallError({
      message: 'Incorrect API key provided: sk-live-1234567890',
      url: 'https://api.example/v1?key=AIzaSyA1234567890abcdef',
      requestBodyValues: { prompt: 'a private question' },
      responseHeaders: { 'set-cookie': 'session=1' },
      responseBody: 'a private answer',
      statusCode: 401,
    });
    createLogger('info', sink).error({ err: error }, 'failed');
    const log = lines.join('');
    expect(log).toContain('"status":401');
    for (const secret of ['sk-live', 'AIza', 'private', 'session=1']) expect(log).not.toContain(secret);
  });
});
