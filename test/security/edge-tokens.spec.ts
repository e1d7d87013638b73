import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JwksKeys } from '../../src/common/auth/jwks.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';
import { createKey } from '../support/jwks-server.js';
import { TEST_JWT_SECRET } from '../support/tokens.js';

describe('a token that is signed but unusual', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  const sign = (header: string, payload: string) => {
    const content = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
    return `${content}.${createHmac('sha256', TEST_JWT_SECRET).update(content).digest('base64url')}`;
  };
  const claims = (more: object) =>
    JSON.stringify({ aud: 'authenticated', role: 'authenticated', exp: 4e9, ...more });

  it.each([
    ['null', 'null'],
    ['an array', '[]'],
    ['an array of claims', '[{"sub":"x"}]'],
    ['a string', '"authenticated"'],
    ['a number', '42'],
    ['true', 'true'],
    ['nothing', ''],
    ['broken JSON', '{"sub":'],
    ['bytes that are no text', '\ud800'],
    ['a subject that is an object', claims({ sub: { toString: 'x' } })],
    ['a subject that is an array', claims({ sub: ['7f9a2a1e-7d8f-4f52-9d0c-1d4bb1d0b8f3'] })],
    ['an end that is an object', claims({ exp: {} })],
    ['an end beyond all numbers', claims({}).replace('4000000000', '1e999')],
    ['a beginning that is an array', claims({ nbf: [] })],
    ['an audience that is an object', claims({ aud: { 0: 'authenticated' } })],
    ['a prototype', `{"__proto__":{"sub":"x"},"aud":"authenticated","exp":4e9}`],
    ['depth', `{"aud":"authenticated","exp":4e9,"sub":${'['.repeat(3_000)}${']'.repeat(3_000)}}`],
    ['ten thousand characters', claims({ sub: 'x'.repeat(10_000) })],
  ])('is refused: %s', async (_what, payload) => {
    for (const header of [
      '{"alg":"HS256","typ":"JWT"}',
      '{"alg":"HS256"}',
      '{"alg":"HS256","typ":["JWT"]}',
    ]) {
      const response = await app.request('GET', '/api/me', {
        headers: { authorization: `Bearer ${sign(header, payload)}` },
        signal: AbortSignal.timeout(5_000),
      });
      expectProblem(response, 401, 'unauthenticated');
    }
    expect((await app.request('GET', '/health/live')).status).toBe(200);
  });

  it.each([
    'null',
    '[]',
    '""',
    '{}',
    '{"alg":["HS256"]}',
    '{"alg":{"toString":1}}',
    '{"alg":"HS256"',
    '{"alg":"ES256","kid":{}}',
  ])('is refused with the header %s', async (header) => {
    const response = await app.request('GET', '/api/me', {
      headers: { authorization: `Bearer ${sign(header, claims({}))}` },
      signal: AbortSignal.timeout(5_000),
    });
    expectProblem(response, 401, 'unauthenticated');
  });
});

describe('the signing keys', () => {
  const good = createKey('ES256');
  const published = { ...good.publicKey.export({ format: 'jwk' }), kid: good.kid, use: 'sig' };
  let answer: (response: ServerResponse) => void;
  const server = createServer((_request, response) => answer(response));
  const text = (body: string) => (response: ServerResponse) => void response.end(body);
  let url: string;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const symmetric = { kty: 'oct', k: 'c2VjcmV0', kid: good.kid, alg: 'HS256' };
  const encryption = { ...published, use: 'enc' };
  const otherCurve = {
    ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
    kid: good.kid,
  };

  it.each<[string, (response: ServerResponse) => void]>([
    ['an empty set', text('{"keys":[]}')],
    ['null', text('null')],
    ['an array', text('[]')],
    ['keys that are no array', text('{"keys":{"0":{}}}')],
    ['symmetric keys only', text(JSON.stringify({ keys: [symmetric] }))],
    ['keys for encryption only', text(JSON.stringify({ keys: [encryption] }))],
    ['keys of another curve', text(JSON.stringify({ keys: [otherCurve] }))],
    ['keys without an id', text(JSON.stringify({ keys: [{ ...published, kid: undefined }] }))],
    [
      'rubbish among keys',
      text(JSON.stringify({ keys: [null, 1, 'x', [], { kty: 'EC', crv: 'P-256', kid: 'x' }] })),
    ],
    ['a page of HTML', text('<html>Sign in</html>')],
    [
      'an answer that is too large',
      text(`{"keys":[${JSON.stringify(published)}],"more":"${'x'.repeat(1_000_000)}"}`),
    ],
    [
      'an answer that is cut',
      (response) => {
        response.writeHead(200, { 'content-length': 500 }).write('{"keys":[');
        response.destroy();
      },
    ],
    ['a redirection', (response) => void response.writeHead(302, { location: '/elsewhere' }).end()],
    ['an error', (response) => void response.writeHead(500).end('{"keys":[]}')],
  ])('are kept if the endpoint answers with %s', async (_what, bad) => {
    const errors: unknown[] = [];
    const keys = new JwksKeys(url, (error) => errors.push(error));
    answer = text(JSON.stringify({ keys: [published] }));
    expect(await keys.find(good.kid, 'ES256')).toBeDefined();
    answer = bad;
    // An unknown id is looked up at the endpoint.
    expect(await keys.find('another', 'ES256')).toBeUndefined();
    expect(errors).toHaveLength(1);
    expect(await keys.find(good.kid, 'ES256')).toBeDefined();
  });

  it('stops reading an endless response', async () => {
    let sent = 0;
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    answer = (response) => {
      response.on('close', () => closed());
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    };
    const errors: unknown[] = [];
    const keys = new JwksKeys(url, (error) => errors.push(error));
    await expect(keys.find('any', 'ES256')).rejects.toMatchObject({ status: 503 });
    await gone;
    expect(String(errors[0])).toMatch(/too large/);
    expect(sent).toBeLessThan(20_000_000);
  });

  it('may be empty: a project on the shared secret publishes none', async () => {
    answer = text('{"keys":[]}');
    expect(await new JwksKeys(url).find('any', 'ES256')).toBeUndefined();
  });

  it('are selected from a set with unusable keys', async () => {
    answer = text(
      JSON.stringify({ keys: [null, symmetric, { kty: 'RSA', n: '!', e: '!', kid: 'broken' }, published] }),
    );
    expect(await new JwksKeys(url).find(good.kid, 'ES256')).toBeDefined();
  });
});
