import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestApp, type TestApp, type TestResponse, type TestUser } from '../support/app.js';
import { createKey, type JwksServer, startJwksServer } from '../support/jwks-server.js';
import { signToken, TEST_JWT_SECRET } from '../support/tokens.js';

describe('identity', () => {
  let app: TestApp;
  let jwks: JwksServer;
  let user: TestUser;

  beforeAll(async () => {
    jwks = await startJwksServer();
    app = await startTestApp({ SUPABASE_URL: jwks.url });
    user = await app.createUser();
  });

  afterAll(async () => {
    await app.close();
    await jwks.close();
  });

  const me = (token?: string): Promise<TestResponse> =>
    app.request(
      'GET',
      '/api/me',
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    );
  const sign = (options: Parameters<typeof signToken>[1] = {}) =>
    signToken(user.id, { issuer: jwks.issuer, ...options });
  const key = (algorithm: 'ES256' | 'RS256') => {
    const found = jwks.keys.find((candidate) => candidate.algorithm === algorithm);
    if (!found) throw new Error('no key');
    return { algorithm, kid: found.kid, key: found.privateKey };
  };

  it('accepts HS256 by secret, ES256 and RS256 by JWKS', async () => {
    for (const options of [{}, key('ES256'), key('RS256')]) {
      const response = await me(await sign(options));
      expect(response.status).toBe(200);
      expect(response.body.id).toBe(user.id);
    }
  });

  const refused: Array<[string, () => Promise<string | undefined> | string | undefined, RegExp]> = [
    ['no token', () => undefined, /Authorization header/],
    ['something that is no token', () => 'abc', /malformed/],
    ['a broken header', () => 'e30.e30.x', /not accepted|malformed/],
    ['an expired token', () => sign({ expiresIn: -60 }), /expired/],
    ['another audience', () => sign({ audience: 'other' }), /audience/],
    ['another issuer', () => sign({ issuer: 'https://evil.example/auth/v1' }), /issuer/],
    [
      'another secret',
      () => sign({ key: new TextEncoder().encode('another-secret-of-sufficient-length-here') }),
      /signature/,
    ],
    ['the anonymous role', () => sign({ role: 'anon' }), /signed-in user/],
    ['the service role', () => sign({ role: 'service_role' }), /signed-in user/],
    ['a user who does not exist', () => signToken(randomUUID(), { issuer: jwks.issuer }), /no longer exists/],
    [
      'a subject that is no id',
      () => signToken("x' or 1=1", { issuer: jwks.issuer }),
      /does not name a user/,
    ],
    [
      'a key that is not in the set',
      () => sign({ ...key('ES256'), key: createKey('ES256').privateKey }),
      /signature/,
    ],
    ['an unknown key id', () => sign({ ...key('ES256'), kid: 'nope' }), /unknown key/],
    ['the RS256 key id under ES256', () => sign({ ...key('ES256'), kid: key('RS256').kid }), /unknown key/],
  ];

  it.each(refused)('refuses %s', async (_what, token, reason) => {
    const response = await me((await token()) ?? undefined);
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(response.body).toMatchObject({
      status: 401,
      code: 'unauthenticated',
      requestId: expect.any(String),
    });
    expect(response.body.detail).toMatch(reason);
  });

  it('is not confused by algorithms: a public key is never used as a secret, and "none" is refused', async () => {
    const pem = jwks.keys[1]?.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { sub: user.id, role: 'authenticated', aud: 'authenticated', iss: jwks.issuer, exp: 4e9 };
    const header = { alg: 'HS256', kid: jwks.keys[1]?.kid };
    const forged = `${part(header)}.${part(claims)}`;
    const signature = createHmac('sha256', pem).update(forged).digest('base64url');
    expect((await me(`${forged}.${signature}`)).status).toBe(401);
    expect((await me(`${part({ alg: 'none' })}.${part(claims)}.`)).status).toBe(401);
    expect((await me(`${part({ alg: 'HS512' })}.${part(claims)}.${signature}`)).status).toBe(401);
    const withoutExpiry = `${part({ alg: 'HS256' })}.${part({ ...claims, exp: undefined })}`;
    const signed = createHmac('sha256', TEST_JWT_SECRET).update(withoutExpiry).digest('base64url');
    expect((await me(`${withoutExpiry}.${signed}`)).status).toBe(401);
  });

  it('never uses the role in a token', async () => {
    const token = await sign({ userMetadata: { role: 'admin', isActive: true } });
    expect((await me(token)).body.role).toBe('user');
  });

  it('applies a new role, deactivation and deletion within seconds, with a valid token', async () => {
    const person = await app.createUser();
    const read = () =>
      app.request('GET', '/api/me', { user: person, headers: { authorization: `Bearer ${token}` } });
    const token = await signToken(person.id, { issuer: jwks.issuer });
    const become = (metadata: object) =>
      app.database.query(
        `update auth.users set raw_user_meta_data = raw_user_meta_data || $2 where id = $1`,
        [person.id, JSON.stringify(metadata)],
      );
    expect((await read()).body.role).toBe('user');
    await become({ role: 'admin' });
    await eventually(async () => expect((await read()).body.role).toBe('admin'));
    await become({ role: 'user' });
    await eventually(async () => expect((await read()).body.role).toBe('user'));
    await become({ isActive: false });
    await eventually(async () =>
      expect((await read()).body).toMatchObject({ status: 403, code: 'user_inactive' }),
    );
    await become({ isActive: true });
    await eventually(async () => expect((await read()).status).toBe(200));
    await app.database.query('delete from auth.users where id = $1', [person.id]);
    await eventually(async () => expect((await read()).status).toBe(401));
  });

  it('fetches keys again for an unknown id, but not for every one, and survives an outage', async () => {
    const before = jwks.fetches;
    for (let attempt = 0; attempt < 20; attempt++)
      await me(await sign({ ...key('ES256'), kid: `invented-${attempt}` }));
    expect(jwks.fetches - before).toBeLessThanOrEqual(3);
    jwks.healthy = false;
    expect((await me(await sign(key('ES256')))).status).toBe(200);
    jwks.healthy = true;
  });
});

describe('a rotated signing key', () => {
  it('is accepted immediately', async () => {
    const jwks = await startJwksServer();
    const app = await startTestApp({ SUPABASE_URL: jwks.url });
    try {
      const user = await app.createUser();
      const bearer = async (index: number) => {
        const found = jwks.keys[index];
        if (!found) throw new Error('no key');
        const options = {
          algorithm: found.algorithm,
          kid: found.kid,
          key: found.privateKey,
          issuer: jwks.issuer,
        };
        return { headers: { authorization: `Bearer ${await signToken(user.id, options)}` } };
      };
      expect((await app.request('GET', '/api/me', await bearer(0))).status).toBe(200);
      jwks.keys.push(createKey('ES256'));
      expect((await app.request('GET', '/api/me', await bearer(2))).status).toBe(200);
    } finally {
      await app.close();
      await jwks.close();
    }
  });
});

/** Repeats an assertion until it succeeds, for at most half a minute. */
async function eventually(assertion: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await assertion();
    } catch (error) {
      if (attempt === 300) throw error;
      await sleep(100);
    }
  }
}
