import { EmbeddedServer } from '../support/embedded-server.js';

/** Messages of library routes that Supabase does not have. */
const LEAKS =
  /postgresql:|supabase_auth_admin|"connection"|"relations"|pong|search_path|openapi|swagger.*2\.0/i;

/** Spellings of a URL that lead outside of what clients may reach, below both services. */
const ESCAPES = [
  '../../_system/info',
  '../../_system/config',
  '../../_system/introspect',
  '../../rest/v1/',
  '../../rest/v1/Chat',
  '..%2f..%2f_system/info',
  '%2e%2e/%2e%2e/_system/info',
  '%2E%2e/.%2E/_system/info',
  '.%2e/%2e./_system/info',
  'x/../../../_system/info',
  './../../_system/info',
  '/../../_system/info',
  '//../../../_system/info',
  '..\\..\\_system\\info',
  '..%5c..%5c_system%5cinfo',
  '%252e%252e/%252e%252e/_system/info',
  '..;/..;/_system/info',
  '..;x=y/../../_system/info',
  '..%00/../../_system/info',
  '..%09/../../_system/info',
  'health#/../../../_system/info',
];

describe('the URLs of the embedded stack', () => {
  let stack: EmbeddedServer;
  let key: string;

  beforeAll(async () => {
    stack = await EmbeddedServer.start();
    key = stack.secrets.publishableKey;
  });
  afterAll(() => stack?.stop());

  const get = (target: string, headers: string[] = ['Host: 127.0.0.1']) =>
    stack.raw(
      `GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\napikey: ${key}\r\nConnection: close\r\n\r\n`,
    );

  const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

  it.each(['/auth/v1/', '/storage/v1/'])('lead nowhere else from %s', async (prefix) => {
    for (const escape of ESCAPES) {
      const answer = await get(`${prefix}${escape}`);
      expect([escape, answer]).toEqual([escape, expect.not.stringMatching(LEAKS)]);
      expect(`${escape} ${statusOf(answer)}`).toMatch(/ 40[04]$/);
    }
  });

  it.each([
    'http://127.0.0.1/auth/v1/../../_system/info',
    'http://127.0.0.1/_system/info',
    'http://x@y/auth/v1/%2e%2e/%2e%2e/_system/info',
    'https://127.0.0.1/storage/v1/../../_system/info',
    '/%61uth/v1/../../_system/info',
    '//auth/v1/../../_system/info',
    '/auth/../_system/info',
    '/_system/info',
    '/rest/v1/',
  ])('show nothing of the library for %s', async (target) => {
    const answer = await get(target);
    expect(answer).not.toMatch(LEAKS);
    expect(String(statusOf(answer))).toMatch(/^40[04]$/);
  });

  it.each([
    ['a path in Host', ['Host: x/_system/info?']],
    ['another path in Host', ['Host: x/rest/v1/Chat?']],
    ['a fragment in Host', ['Host: x/_system/info#']],
    ['credentials in Host', ['Host: a:b@x/_system/info?']],
    ['a backslash in Host', ['Host: x\\_system\\info?']],
    [
      'forwarded headers',
      ['Host: x', 'X-Forwarded-Host: y/_system/info?', 'X-Forwarded-Prefix: /_system/info?'],
    ],
    ['rewritten addresses', ['Host: x', 'X-Original-URL: /_system/info', 'X-Rewrite-URL: /_system/info']],
  ])('are not changed by %s', async (_name, headers) => {
    const answer = await get('/auth/v1/health', headers);
    expect(answer).not.toMatch(LEAKS);
    if (statusOf(answer) !== 200) expect(statusOf(answer)).toBe(400);
    else expect(answer).toContain('GoTrue');
  });

  it('have no other method or route than in the lists', async () => {
    for (const [method, path] of [
      ['GET', '/auth/v1/authorize?provider=google'],
      ['GET', '/auth/v1/callback'],
      ['POST', '/auth/v1/callback'],
      ['POST', '/auth/v1/admin/generate_link'],
      ['GET', '/auth/v1/admin/users/------------------------------------'],
      ['POST', '/auth/v1/token'],
      ['POST', '/auth/v1/token?grant_type=id_token'],
      ['POST', '/auth/v1/constructor'],
      ['GET', '/storage/v1/object/constructor'],
      ['GET', '/storage/v1/__proto__'],
      ['PATCH', '/storage/v1/bucket/files'],
    ] as const) {
      const { status } = await stack.request(method, path, {
        key: stack.secrets.secretKey,
        ...(method === 'GET' ? {} : { body: {} }),
      });
      expect([method, path, status]).toEqual([method, path, 404]);
    }
  });

  it('interpret a repeated parameter in one way', async () => {
    const person = await stack.signUp('twice@example.com');
    // The library would use the last parameter and refresh, and the route would use the first for a password.
    const { status, body } = await stack.auth('token?grant%5Ftype=password&grant_type=refresh_token', {
      refresh_token: person.refreshToken,
    });
    expect([status, body.error_code]).toEqual([400, 'validation_failed']);
  });

  it('answer the preflight requests of browsers', async () => {
    const headers =
      'apikey, authorization, x-client-info, x-supabase-api-version, x-upsert, cache-control, content-type';
    for (const path of ['/auth/v1/token?grant_type=password', '/storage/v1/object/attachments/x/y.txt']) {
      const response = await fetch(`${stack.url}${path}`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example.com',
          'access-control-request-method': 'POST',
          'access-control-request-headers': headers,
        },
      });
      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('access-control-allow-credentials')).toBeNull();
      const allowed = (response.headers.get('access-control-allow-headers') ?? '').split(/ *, */);
      expect(allowed).toEqual(expect.arrayContaining(headers.split(', ')));
      expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    }
  });

  it('expose the response to scripts of any origin, and accept no cookies for it', async () => {
    const { headers } = await stack.request('GET', '/auth/v1/health', {
      headers: { origin: 'https://evil.example.com' },
    });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });
});
