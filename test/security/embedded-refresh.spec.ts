import { EmbeddedServer } from '../support/embedded-server.js';

describe('refresh tokens of the embedded stack', () => {
  let stack: EmbeddedServer;

  beforeAll(async () => {
    stack = await EmbeddedServer.start();
  });
  afterAll(() => stack?.stop());

  /** Makes a token look as if it was used some time ago. */
  const age = (token: string, seconds: number) =>
    stack.query(
      `update auth.refresh_tokens set updated_at = updated_at - make_interval(secs => $2) where token = $1`,
      [token, seconds],
    );

  const tokensOf = (userId: string) =>
    stack.query<{ token: string; revoked: boolean }>(
      'select token, revoked from auth.refresh_tokens where user_id = $1 order by created_at',
      [userId],
    );

  it('give one new token, however many requests there are', async () => {
    const person = await stack.signUp('at-once@example.com');
    const answers = await Promise.all(Array.from({ length: 8 }, () => stack.refresh(person.refreshToken)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await tokensOf(person.id)).filter(({ revoked }) => !revoked)).toHaveLength(1);
  });

  it('give the session again to a client that lost the response', async () => {
    const person = await stack.signUp('lost@example.com');
    const first = await stack.refresh(person.refreshToken);
    const second = await stack.refresh(person.refreshToken);
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).toBe(first.body.refresh_token);
    expect(second.body.user.id).toBe(person.id);
  });

  it('revoke the whole family when a token is reused later', async () => {
    const person = await stack.signUp('stolen@example.com');
    const { body: thief } = await stack.refresh(person.refreshToken);
    const { body: next } = await stack.refresh(thief.refresh_token);
    await age(person.refreshToken, 11);
    const reuse = await stack.refresh(person.refreshToken);
    expect([reuse.status, reuse.body]).toEqual([
      400,
      {
        code: 400,
        error_code: 'refresh_token_already_used',
        msg: 'Invalid Refresh Token: Already Used',
      },
    ]);
    expect((await tokensOf(person.id)).every(({ revoked }) => revoked)).toBe(true);
    for (const token of [next.refresh_token, thief.refresh_token, person.refreshToken]) {
      expect((await stack.refresh(token)).status).toBe(400);
    }
    expect((await stack.signIn(person.email)).status).toBe(200);
  });

  it('revoke the family even if only one token was made from it', async () => {
    const person = await stack.signUp('parent@example.com');
    const { body } = await stack.refresh(person.refreshToken);
    await age(person.refreshToken, 11);
    expect((await stack.refresh(person.refreshToken)).status).toBe(400);
    expect((await stack.refresh(body.refresh_token)).status).toBe(400);
  });

  it('do not affect other sessions of the same user', async () => {
    const person = await stack.signUp('two@example.com');
    const { body: other } = await stack.signIn(person.email);
    await stack.refresh(person.refreshToken);
    await age(person.refreshToken, 11);
    expect((await stack.refresh(person.refreshToken)).status).toBe(400);
    expect((await stack.refresh(other.refresh_token)).status).toBe(200);
  });

  it('end with the session', async () => {
    const person = await stack.signUp('out@example.com');
    const { body: current } = await stack.refresh(person.refreshToken);
    const { body: other } = await stack.signIn(person.email);
    const out = (scope: string, token: string) =>
      stack.request('POST', `/auth/v1/logout?scope=${scope}`, { token });
    expect((await out('local', current.access_token)).status).toBe(204);
    expect((await stack.refresh(current.refresh_token)).body.error_code).toBe('refresh_token_not_found');
    expect((await stack.refresh(person.refreshToken)).status).toBe(400);
    expect((await stack.request('GET', '/auth/v1/user', { token: current.access_token })).status).toBe(403);
    const { body: kept } = await stack.refresh(other.refresh_token);
    expect((await out('global', kept.access_token)).status).toBe(204);
    expect((await stack.refresh(kept.refresh_token)).status).toBe(400);
  });

  it('refuse a value that is not a token', async () => {
    const { accessToken } = await stack.signUp('odd@example.com');
    for (const token of [
      'x',
      accessToken,
      "' or true --",
      '00000000-0000-0000-0000-000000000000',
      'x'.repeat(100_000),
    ]) {
      const { status, body } = await stack.refresh(token);
      expect([status, body.error_code]).toEqual([400, 'refresh_token_not_found']);
    }
    expect((await stack.auth('token?grant_type=refresh_token', {})).status).toBe(400);
  });
});
