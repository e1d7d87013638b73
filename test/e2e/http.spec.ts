import { startTestApp, type TestApp, type TestUser } from '../support/app.js';

describe('HTTP conventions', () => {
  let app: TestApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startTestApp({ BODY_LIMIT: '64kb', CORS_ORIGINS: 'https://app.example', DEMO_MODEL: 'true' });
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    app.request('POST', '/api/chat', { user, body, headers });
  const message = (parts: unknown, extra: object = {}) => ({
    id: 'chat',
    message: { id: 'm', role: 'user', parts, ...extra },
  });
  const text = (value: unknown) => [{ type: 'text', text: value }];

  it('accepts a valid request id, and creates one otherwise', async () => {
    const sent = await app.request('GET', '/health/live', { headers: { 'x-request-id': 'abc-123' } });
    expect(sent.headers.get('x-request-id')).toBe('abc-123');
    const strange = await app.request('GET', '/health/live', { headers: { 'x-request-id': 'a b;<script>' } });
    expect(strange.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const problem = await app.request('GET', '/api/me', { headers: { 'x-request-id': 'problem-1' } });
    expect(problem.body.requestId).toBe('problem-1');
  });

  it('responds to unknown and malformed paths with problems', async () => {
    const unknown = await app.request('GET', '/nowhere', { user });
    expect(unknown.status).toBe(404);
    expect(unknown.body).toMatchObject({ code: 'not_found', status: 404 });
    const malformed = await app.request('GET', '/api/chats/%zz', { user });
    expect(malformed.status).toBe(400);
    expect(malformed.body.code).toBe('validation_failed');
  });

  it('responds to malformed requests with problems, too', async () => {
    const headers = { 'x-anything': 'x'.repeat(20_000) };
    const overflow = await app.request('GET', '/api/me', { user, headers });
    expect([overflow.status, overflow.body.code]).toEqual([431, 'payload_too_large']);
    expect(overflow.headers.get('content-type')).toContain('application/problem+json');
    expect(overflow.headers.get('x-request-id')).toBe(overflow.body.requestId);
    expect((await app.request('OPTIONS', '/api/me', { user })).status).toBe(204);
  });

  const hostile: Array<[string, unknown, string]> = [
    ['an array', [], ''],
    ['no id', { message: { id: 'm', role: 'user', parts: text('x') } }, 'id'],
    ['an id that is too long', { ...message(text('x')), id: 'x'.repeat(129) }, 'id'],
    ['an empty id', { ...message(text('x')), id: '' }, 'id'],
    ['no message', { id: 'chat' }, 'message'],
    ['the role of an assistant', message(text('x'), { role: 'assistant' }), 'message.role'],
    ['the role of the system', message(text('x'), { role: 'system' }), 'message.role'],
    [
      'no user message among many',
      { id: 'chat', messages: [{ id: 'a', role: 'assistant', parts: [] }] },
      'messages',
    ],
    ['no parts', message([]), 'message.parts'],
    ['only blanks', message(text(' \n ')), 'message.parts'],
    ['a text that is none', message(text(42)), 'message.parts.0.text'],
    ['a tool part', message([{ type: 'tool-x', toolCallId: '1' }]), 'message.parts.0.type'],
    ['a NUL', message(text('a\u0000b')), 'message.parts.0.text'],
    ['half a surrogate pair', message(text('a\ud800b')), 'message.parts.0.text'],
    ['an unknown agent', { ...message(text('x')), agent: 'root' }, 'agent'],
    ['an unknown visibility', { ...message(text('x')), visibility: 'all' }, 'visibility'],
    ['a model that is no text', { ...message(text('x')), model: {} }, 'model'],
    ['a trigger we do not know', { ...message(text('x')), trigger: 'explode' }, 'trigger'],
  ];

  it.each(hostile)('refuses %s and names it', async (_what, body, path) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(response.body.code).toBe('validation_failed');
    expect(response.body.errors.map((error: { path: string }) => error.path)).toContain(path);
  });

  it.each([
    'http://127.0.0.1:5432/',
    'http://169.254.169.254/latest/meta-data',
    'https://example.com/cat.png',
    'file:///etc/passwd',
    'blob:https://example.com/1',
  ])('does not fetch a URL from a client: %s', async (url) => {
    const response = await post(message([{ type: 'file', mediaType: 'image/png', url }]));
    expect(response.status).toBe(400);
    expect(response.body.errors[0].path).toBe('message.parts.0.url');
  });

  it('refuses prototypes, deep nesting, invalid JSON, other media types and large bodies', async () => {
    const proto = await post('{"id":"c","__proto__":{"admin":true}}', { 'content-type': 'application/json' });
    expect([proto.status, proto.body.code, proto.body.errors[0].path]).toEqual([
      400,
      'validation_failed',
      '__proto__',
    ]);
    const deep = await post(`{"id":"c","x":${'['.repeat(5000)}${']'.repeat(5000)}}`, {
      'content-type': 'application/json',
    });
    expect([deep.status, deep.body.code]).toEqual([400, 'validation_failed']);
    expect(deep.body.errors[0].path).toMatch(/^x/);
    const broken = await post('{"id":', { 'content-type': 'application/json' });
    expect([broken.status, broken.body.code]).toEqual([400, 'validation_failed']);
    const empty = await app.request('POST', '/api/chat', {
      user,
      headers: { 'content-type': 'application/json' },
      body: '',
    });
    expect(empty.status).toBe(400);
    const plain = await post('hello', { 'content-type': 'text/plain' });
    expect([plain.status, plain.body.code]).toEqual([415, 'unsupported_media_type']);
    const giant = await post(message(text('x'.repeat(70_000))));
    expect([giant.status, giant.body.code]).toEqual([413, 'payload_too_large']);
  });

  it('names fields of a chat message that were meant for it, before anything happens', async () => {
    const typo = await post({ ...message(text('Hello')), agnet: 'chat', tools: { weather: {} } });
    expect([typo.status, typo.body.code]).toEqual([400, 'validation_failed']);
    expect(typo.body.errors).toEqual([
      { path: 'agnet', message: 'is not a field: did you mean agent?' },
      { path: 'tools', message: expect.stringContaining('cannot be sent') },
    ]);
    expect((await post({ ...message(text('Hello')), myField: 1 })).status).toBe(200);
  });

  it('exposes the right headers to browsers', async () => {
    const preflight = await app.request('OPTIONS', '/api/chat', {
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-google-api-key',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain(
      'x-google-api-key',
    );
    const stream = await post(message(text('Hello')), { origin: 'https://app.example' });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(stream.headers.get('access-control-expose-headers')?.toLowerCase()).toContain(
      'x-vercel-ai-ui-message-stream',
    );
    const stranger = await app.request('GET', '/api/me', {
      user,
      headers: { origin: 'https://evil.example' },
    });
    expect(stranger.headers.get('access-control-allow-origin')).not.toBe('https://evil.example');
    expect(stranger.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('the request throttle', () => {
  it('counts users and addresses separately, refuses with a wait, and exempts probes', async () => {
    const app = await startTestApp({ THROTTLE_LIMIT: '5' });
    try {
      const user = await app.createUser();
      const other = await app.createUser();
      const statuses: number[] = [];
      for (let attempt = 0; attempt < 6; attempt++)
        statuses.push((await app.request('GET', '/api/me', { user })).status);
      expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
      const refused = await app.request('GET', '/api/me', { user });
      expect(refused.body).toMatchObject({ code: 'rate_limited', status: 429 });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await app.request('GET', '/api/me', { user: other })).status).toBe(200);
      const anonymous: number[] = [];
      for (let attempt = 0; attempt < 7; attempt++)
        anonymous.push((await app.request('GET', '/api/me')).status);
      expect(anonymous).toEqual([401, 401, 401, 401, 401, 429, 429]);
      for (let attempt = 0; attempt < 10; attempt++) {
        expect((await app.request('GET', '/health/live')).status).toBe(200);
      }
    } finally {
      await app.close();
    }
  });
});
