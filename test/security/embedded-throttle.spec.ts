import { EmbeddedServer } from '../support/embedded-server.js';

const LIMIT = 20;

/**
 * Requests that the embedded stack refuses by their headers are counted by address, like unknown paths of the server.
 */
describe('requests that the embedded stack refuses', () => {
  let stack: EmbeddedServer;

  beforeAll(async () => {
    stack = await EmbeddedServer.start({ THROTTLE_LIMIT: String(LIMIT), TRUST_PROXY: 'loopback' });
  });
  afterAll(() => stack?.stop());

  it.each([
    ['/auth/v1/nothing', '192.0.2.1'],
    ['/storage/v1/nothing', '192.0.2.2'],
    ['/auth/v1/admin/users', '192.0.2.3'],
  ])('are limited at %s', async (path, address) => {
    const headers = { 'x-forwarded-for': address };
    for (let count = 0; count < LIMIT; count++) {
      expect((await stack.request('GET', path, { headers })).status).toBeLessThan(429);
    }
    const refused = await stack.request('GET', path, { headers });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('x-request-id')).toBeTruthy();
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    // Valid requests are still admitted.
    expect((await stack.request('GET', '/auth/v1/health', { headers })).status).toBe(200);
  });

  it('are problem documents where their headers are not valid', async () => {
    const answer = await stack.raw(
      'GET /auth/v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/\r\nx-request-id: /i);
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json/i);
  });
});
