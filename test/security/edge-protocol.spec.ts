import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { RawConnection, type RawResponse, sendRaw } from '../support/raw-http.js';

describe('an unusual request', () => {
  let app: TestApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const head = (start: string, headers: string[] = ['host: x']) =>
    `${[start, ...headers].join('\r\n')}\r\n\r\n`;
  const bearer = () => `authorization: Bearer ${user.token}`;

  function expectProblemDocument(response: RawResponse, status: number): void {
    expect(response.status).toBe(status);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.headers['x-request-id']).toBeTruthy();
    expect(response.body).toMatchObject({
      type: 'about:blank',
      status,
      code: expect.any(String),
      requestId: response.headers['x-request-id'],
    });
  }

  const twice = (header: string) => () => head('GET /api/me HTTP/1.1', ['host: x', bearer(), header, header]);

  it.each<[string, () => string, number]>([
    [
      'a part of the path over 2,048 characters',
      () => head(`GET /api/chats/${'x'.repeat(2_100)} HTTP/1.1`),
      414,
    ],
    ['one in the middle', () => head(`GET /api/chats/${'x'.repeat(5_000)}/messages HTTP/1.1`), 414],
    ['a path over what headers may have', () => head(`GET /api/${'x'.repeat(20_000)} HTTP/1.1`), 431],
    ['a path that is not decodable', () => head('GET /api/chats/%zz HTTP/1.1'), 400],
    ['half of a percent sign', () => head('GET /api/chats/% HTTP/1.1'), 400],
    ['bytes that are no UTF-8', () => head('GET /api/chats/%c0%ae HTTP/1.1'), 400],
    ['a target that is no path', () => head('GET *users HTTP/1.1'), 404],
    ['an expectation that nobody knows', () => head('GET /api/me HTTP/1.1', ['host: x', 'expect: tea']), 417],
    ['two expectations', () => head('GET /api/me HTTP/1.1', ['host: x', 'expect: 100-continue, tea']), 417],
    ['no host', () => head('GET /api/me HTTP/1.1', []), 400],
    ['two hosts', () => head('GET /api/me HTTP/1.1', ['host: x', 'host: y']), 400],
    ['two tokens', twice('authorization: Bearer x'), 400],
    ['two keys', twice('x-openai-api-key: x'), 400],
    ['two types', twice('content-type: application/json'), 400],
    [
      'a type that is none',
      () =>
        head('POST /api/chats HTTP/1.1', ['host: x', bearer(), 'content-type: json', 'content-length: 2']),
      415,
    ],
    [
      'more headers than anybody needs',
      () =>
        head('GET /api/me HTTP/1.1', [
          'host: x',
          ...Array.from({ length: 150 }, (_, n) => `x-${n}: 1`),
          bearer(),
        ]),
      431,
    ],
    ['a header that ends the line', () => head('GET /api/me HTTP/1.1', ['host: x', 'x-a: b\rx-c: d']), 400],
    ['a name with a blank', () => head('GET /api/me HTTP/1.1', ['host: x', 'authorization : Bearer x']), 400],
    ['what is not HTTP', () => 'hello\r\n\r\n', 400],
    ['TLS', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['a method that nobody knows', () => head('BREW /api/me HTTP/1.1'), 400],
    ['a method that no route has', () => head('TRACE /api/me HTTP/1.1'), 404],
    ['a version that nobody knows', () => head('GET /api/me HTTP/3.0'), 400],
    [
      'two lengths',
      () => head('POST /api/chats HTTP/1.1', ['host: x', 'content-length: 5', 'content-length: 6']),
      400,
    ],
    [
      'a length and chunks',
      () => head('POST /api/chats HTTP/1.1', ['host: x', 'content-length: 5', 'transfer-encoding: chunked']),
      400,
    ],
    [
      'chunks that are not the last encoding',
      () => head('POST /api/chats HTTP/1.1', ['host: x', 'transfer-encoding: chunked, identity']),
      400,
    ],
    ['a negative length', () => head('POST /api/chats HTTP/1.1', ['host: x', 'content-length: -1']), 400],
  ])('is answered with a problem document: %s', async (_what, request, status) => {
    expectProblemDocument(await sendRaw(app.url, request(), 3_000), status);
    expect((await app.request('GET', '/health/live')).status).toBe(200);
  });

  it('with a smuggled second request is answered once', async () => {
    const smuggled = head('GET /api/me HTTP/1.1', ['host: x', bearer()]);
    for (const headers of [
      ['content-length: 4', 'transfer-encoding: chunked'],
      ['transfer-encoding: chunked', 'transfer-encoding: identity'],
      ['transfer-encoding: xchunked'],
    ]) {
      const connection = await RawConnection.open(app.url);
      connection.send(`${head('POST /api/chats HTTP/1.1', ['host: x', ...headers])}0\r\n\r\n${smuggled}`);
      await connection.until(({ closed }) => closed, 5_000);
      expect(connection.responses().map(({ status }) => status)).toEqual([400]);
      connection.close();
    }
  });

  it('ends with its connection if it cannot be parsed, also if the client keeps it open', async () => {
    const connection = await RawConnection.open(app.url);
    await connection.send('hello\r\n\r\n').until(({ closed }) => closed, 3_000);
    // A half-closed connection is not enough: a client could keep the other half open forever. Further data is reset.
    const dripping = setInterval(() => connection.send('x'), 100);
    await new Promise((resolve) => connection.socket.once('close', resolve)).finally(() =>
      clearInterval(dripping),
    );
  });

  it('finds its request id in the response, but cannot inject a line', async () => {
    const odd = head('GET /api/me HTTP/1.1', ['host: x', 'x-request-id: a b', 'x-request-id: c']);
    const response = await sendRaw(app.url, odd);
    expectProblemDocument(response, 401);
    expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const sane = head('GET /api/chats/%zz HTTP/1.1', ['host: x', 'x-request-id: mine']);
    expect((await sendRaw(app.url, sane)).body.requestId).toBe('mine');
  });

  it('with HEAD or OPTIONS needs what GET needs', async () => {
    const head401 = await app.request('HEAD', '/api/me');
    expect([head401.status, head401.text]).toEqual([401, '']);
    const head200 = await app.request('HEAD', '/api/me', { user });
    expect([head200.status, head200.text]).toEqual([200, '']);
    expect((await app.request('OPTIONS', '/api/me')).status).toBe(204);
  });

  it('leaves the server unchanged, also a thousand at once on one connection', async () => {
    const connection = await RawConnection.open(app.url);
    connection.send(head('GET /nowhere HTTP/1.1').repeat(1_000));
    await connection.until(() => connection.responses().length === 1_000, 20_000);
    expect(new Set(connection.responses().map(({ status }) => status))).toEqual(new Set([404]));
    connection.close();
  });
});

describe('the throttle by address', () => {
  const LIMIT = 5;
  let app: TestApp;

  beforeEach(async () => {
    app = await startTestApp({ THROTTLE_LIMIT: String(LIMIT) });
  });

  afterEach(() => app.close());

  const flood = async (send: () => Promise<{ status: number }>) => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < LIMIT + 2; attempt++) statuses.push((await send()).status);
    return statuses;
  };
  const afterLimit = (status: number) => [...Array<number>(LIMIT).fill(status), 429, 429];

  it.each<[string, number, () => Promise<{ status: number }>]>([
    ['paths that are not', 404, () => app.request('GET', '/nowhere')],
    ['paths that cannot be', 400, () => sendRaw(app.url, 'GET /api/%zz HTTP/1.1\r\nhost: x\r\n\r\n')],
    ['paths that are too long', 414, () => app.request('GET', `/api/chats/${'x'.repeat(3_000)}`)],
    ['the docs', 200, () => app.request('GET', '/docs')],
    ['the OpenAPI document', 200, () => app.request('GET', '/docs/openapi.json')],
    ['the metrics', 200, () => app.request('GET', '/metrics')],
    ['what is not HTTP', 400, () => sendRaw(app.url, 'hello\r\n\r\n')],
    ['odd headers', 400, () => sendRaw(app.url, 'GET /api/me HTTP/1.1\r\n\r\n')],
    ['broken bodies of strangers', 401, () => app.request('POST', '/api/chats', { body: '{"broken' })],
    [
      'tokens that are none',
      401,
      () => app.request('GET', '/api/me', { headers: { authorization: 'Bearer x' } }),
    ],
  ])('counts %s', async (_what, status, send) => {
    expect(await flood(send)).toEqual(afterLimit(status));
    const user = await app.createUser();
    expect((await app.request('GET', '/api/me', { user })).status).toBe(200);
    expect((await app.request('GET', '/health/ready')).status).toBe(200);
  });

  it('refuses a user before it reads the body', async () => {
    const user = await app.createUser();
    expect(await flood(() => app.request('GET', '/api/me', { user }))).toEqual(afterLimit(200));
    const unsent = `POST /api/chats HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${user.token}\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n`;
    const refused = await sendRaw(app.url, unsent, 2_000);
    expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
  });

  it('counts each of many requests on one connection', async () => {
    const connection = await RawConnection.open(app.url);
    connection.send('GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(50));
    await connection.until(() => connection.responses().length === 50);
    expect(connection.responses().filter(({ status }) => status === 404)).toHaveLength(LIMIT);
    connection.close();
  });
});

describe('the throttle behind a trusted proxy', () => {
  it('counts IPv6 by network, and does not accept an invented address as a new client', async () => {
    const app = await startTestApp({ THROTTLE_LIMIT: '5', TRUST_PROXY: 'true' });
    const from = (address: string) =>
      app.request('GET', '/nowhere', { headers: { 'x-forwarded-for': address } });
    try {
      for (let host = 1; host <= 5; host++) expect((await from(`2001:db8:1:2::${host}`)).status).toBe(404);
      expect((await from('2001:db8:1:2:ffff::1')).status).toBe(429);
      expect((await from('2001:db8:1:3::1')).status).toBe(404);
      for (let made = 1; made <= 5; made++) expect((await from(`made-up-${made}`)).status).toBe(404);
      expect((await from('made-up-again')).status).toBe(429);
    } finally {
      await app.close();
    }
  });
});
