import { PassThrough } from 'node:stream';
import { APICallError, JSONParseError, TypeValidationError } from 'ai';
import { createLogger } from './logger.js';
import { requestContext } from './request-context.js';
import { registerSecrets, scrub } from './scrub.js';
import { processorTime } from '../../../test/support/measured.js';

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

  it('removes secrets of this server and this request, whatever their format', () => {
    registerSecrets(['correct horse battery']);
    expect(scrub('it is correct horse battery')).toBe('it is [redacted]');
    requestContext.run({ requestId: 'r', secrets: ['my-own-gateway-key'] }, () => {
      expect(scrub('key my-own-gateway-key refused')).toBe('key [redacted] refused');
    });
  });

  const withSecrets = (secrets: string[], text: string) =>
    requestContext.run({ requestId: 'r', secrets }, () => scrub(text));

  it('removes them in any case and in the forms in which they are quoted', () => {
    const secret = 'My-Own+Gateway/Key=1';
    const bytes = Buffer.from(secret);
    const forms = [
      secret.toUpperCase(),
      secret.toLowerCase(),
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase(),
      bytes.toString('base64'),
      bytes.toString('base64url'),
    ];
    for (const form of forms)
      expect(withSecrets([secret], `key ${form} refused`)).toMatch(/^key \[redacted\]=* refused$/);
    for (const user of ['', 'u', 'us', 'use']) {
      const credentials = Buffer.from(`${user}:${secret}:more`).toString('base64');
      const clean = withSecrets([secret], `Basic ${credentials}`);
      // Whatever the text around the redaction decodes to, it is not part of the key.
      expect(Buffer.from(clean.replace(/.*\[redacted\]/, ''), 'base64').toString('latin1')).not.toContain(
        '=1',
      );
      expect(clean).toContain('[redacted]');
    }
    expect(withSecrets(['a"b\\c-quoted'], JSON.stringify({ key: 'a"b\\c-quoted' }))).toBe(
      '{"key":"[redacted]"}',
    );
  });

  it('removes short keys only where they stand alone, and leaves the text readable', () => {
    expect(withSecrets(['EMPTY'], 'key EMPTY refused, /v1?key=EMPTY&x, "EMPTY"')).toBe(
      'key [redacted] refused, /v1?key=[redacted]&x, "[redacted]"',
    );
    expect(withSecrets(['a'], 'a rather large answer')).toBe('[redacted] rather large answer');
    expect(withSecrets(['/'], 'a/b')).toBe('a/b');
    expect(withSecrets([''], 'as it was')).toBe('as it was');
    expect(withSecrets(['$&', '(x'], 'what $& and (x say')).toBe('what [redacted] and [redacted] say');
  });

  it('is fast for any text', () => {
    const texts = [
      'eyJ-'.repeat(250_000),
      '://a:'.repeat(200_000),
      'Bearer '.repeat(150_000),
      'key-'.repeat(250_000),
    ];
    for (const text of texts) {
      let clean = '';
      const secrets = ['key-key-key-key!', 'x'.repeat(8_000)];
      // A quadratic search would take seconds here.
      expect(processorTime(() => (clean = withSecrets(secrets, text)))).toBeLessThan(250);
      expect(clean.length).toBeLessThan(40_000);
    }
  });

  it('logs only the safe parts of an error', () => {
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

  it('logs no text that a library could not read, because it is part of an answer', () => {
    const sink = new PassThrough();
    const lines: string[] = [];
    sink.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const value = { text: 'a private answer', usage: '5' };
    const unread = [
      new JSONParseError({ text: '{"text": "a private answer', cause: new SyntaxError('a private answ') }),
      new TypeValidationError({ value, cause: new Error('a private answer is no number') }),
    ];
    const logger = createLogger('info', sink);
    for (const error of unread) {
      logger.error({ err: error }, 'failed');
      logger.error({ err: new Error('Failed to process the response', { cause: error }) }, 'failed');
    }
    const log = lines.join('');
    expect(lines).toHaveLength(4);
    expect(log).toContain('AI_TypeValidationError');
    expect(log).toContain('AI_JSONParseError');
    expect(log).not.toContain('private');
  });
});
