import {
  GITHUB_TOKEN,
  type GithubDouble,
  type GithubFault,
  OTHER_GITHUB_TOKEN,
  startGithubDouble,
} from '../doubles/github/github-double.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';

const PATH = '/api/github/repositories';
const TIMEOUT = 1_500;
const TOKEN = { 'x-github-token': GITHUB_TOKEN };

describe('connected repositories', () => {
  let github: GithubDouble;
  let app: TestApp;
  let user: TestUser;

  beforeAll(async () => {
    github = await startGithubDouble();
    app = await startTestApp({
      GITHUB_API_URL: `${github.url}/`,
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: String(TIMEOUT),
    });
  });

  afterAll(async () => {
    await app.close();
    await github.close();
  });

  beforeEach(async () => {
    user = await app.createUser();
    github.reset();
    github.repositories.push({ owner: 'octo-org', name: 'Hello-World', defaultBranch: 'trunk' });
  });

  const connect = (body: unknown, { as = user, headers = TOKEN } = {}) =>
    app.request('POST', PATH, { user: as, body, headers });

  describe('connecting', () => {
    it("looks the repository up with the user’s token, and stores GitHub's data", async () => {
      const response = await connect({ url: 'https://github.com/octo-org/hello-world' });
      expect(response.status).toBe(201);
      expect(response.body).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        owner: 'octo-org',
        name: 'Hello-World',
        url: 'https://github.com/octo-org/Hello-World',
        defaultBranch: 'trunk',
        isActive: true,
        lastAccessed: null,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect(github.requests).toHaveLength(1);
      expect(github.requests[0]).toMatchObject({
        method: 'GET',
        url: '/repos/octo-org/hello-world',
        headers: { authorization: `Bearer ${GITHUB_TOKEN}`, accept: 'application/vnd.github+json' },
      });
      const read = await app.request('GET', `${PATH}/${response.body.id}`, { user });
      expect(read.body).toEqual(response.body);
    });

    it.each([
      { url: 'git@github.com:octo-org/Hello-World.git' },
      { url: 'https://github.com/octo-org/Hello-World/' },
      { owner: 'octo-org', name: 'Hello-World' },
    ])('accepts %j', async (body) => {
      const response = await connect(body);
      expect([response.status, response.body.name]).toEqual([201, 'Hello-World']);
    });

    it.each([
      [{}, 'url'],
      [{ url: 'https://gitlab.com/octo-org/hello-world' }, 'url'],
      [{ url: 'https://github.com/octo-org' }, 'url'],
      [{ url: 'https://user:secret@github.com/octo-org/hello-world' }, 'url'],
      [{ url: 7 }, 'url'],
      [{ url: null }, 'url'],
      [{ url: 'https://github.com/octo-org/hello-world', owner: 'octo-org' }, 'url'],
      [{ owner: 'octo-org' }, 'name'],
      [{ name: 'hello-world' }, 'owner'],
      [{ owner: 'octo-org', name: '..' }, 'name'],
      [{ owner: 'octo org', name: 'hello-world' }, 'owner'],
      [{ owner: 'octo-org/..', name: 'hello-world' }, 'owner'],
      [{ url: 'https://github.com/octo-org/hello-world', branch: 'main' }, 'branch'],
    ])('refuses %j, naming the field, without asking GitHub', async (body, path) => {
      const response = await connect(body);
      expect([response.status, response.body.code]).toEqual([400, 'validation_failed']);
      expect(response.body.errors[0].path).toBe(path);
      expect(response.text).not.toContain('secret');
      expect(github.requests).toEqual([]);
    });

    it.each([
      ['no token', {}],
      ['an empty token', { 'x-github-token': '' }],
      ['a token that GitHub refuses', { 'x-github-token': 'ghp_revoked' }],
    ] as Array<[string, Record<string, string>]>)('requires a token: %s', async (_, headers) => {
      for (const [method, path] of [
        ['POST', PATH],
        ['GET', `${PATH}/available`],
      ] as const) {
        const body = method === 'POST' ? { owner: 'octo-org', name: 'hello-world' } : undefined;
        const response = await app.request(method, path, { user, body, headers });
        expect([response.status, response.body.code]).toEqual([400, 'github_token_missing']);
        expect(response.body.detail).toContain('x-github-token');
        expect(response.body.errors[0].path).toBe('headers.x-github-token');
      }
    });

    it('answers 404 for an unknown repository, and for one that the token cannot access', async () => {
      github.repositories.push({ owner: 'octo-org', name: 'hidden', tokens: [OTHER_GITHUB_TOKEN] });
      for (const name of ['no-such-thing', 'hidden']) {
        const response = await connect({ owner: 'octo-org', name });
        expect([response.status, response.body.code]).toEqual([404, 'not_found']);
      }
      const allowed = await connect(
        { owner: 'octo-org', name: 'hidden' },
        { headers: { 'x-github-token': OTHER_GITHUB_TOKEN } },
      );
      expect(allowed.status).toBe(201);
    });

    it('again returns the same one, updated and activated', async () => {
      const first = await connect({ owner: 'octo-org', name: 'hello-world' });
      await app.request('PATCH', `${PATH}/${first.body.id}`, { user, body: { isActive: false } });
      github.repositories[0]!.defaultBranch = 'main';
      const second = await connect({ url: 'https://github.com/OCTO-ORG/HELLO-WORLD' });
      expect(second.status).toBe(201);
      expect(second.body).toEqual({ ...first.body, isActive: true, defaultBranch: 'main' });
      const list = await app.request('GET', PATH, { user });
      expect(list.body.items).toHaveLength(1);
    });

    it('twenty times at once creates only one', async () => {
      const responses = await Promise.all(
        Array.from({ length: 20 }, () => connect({ owner: 'octo-org', name: 'hello-world' })),
      );
      expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(201));
      expect(new Set(responses.map(({ body }) => body.id as string)).size).toBe(1);
    });

    it('follows a repository to its new name', async () => {
      github.renamed.set('octo-org/old-name', 'octo-org/hello-world');
      const response = await connect({ owner: 'octo-org', name: 'old-name' });
      expect(response.status).toBe(201);
      expect(response.body).toMatchObject({
        name: 'Hello-World',
        url: 'https://github.com/octo-org/Hello-World',
      });
    });

    it('sends the token to no other host, wherever GitHub’s response redirects', async () => {
      const elsewhere = await startGithubDouble();
      try {
        github.fail({ type: 'redirect', location: `${elsewhere.url}/repos/octo-org/hello-world` });
        const response = await connect({ owner: 'octo-org', name: 'hello-world' });
        expect([response.status, response.body.code]).toEqual([502, 'upstream_error']);
        expect(elsewhere.requests).toEqual([]);
      } finally {
        await elsewhere.close();
      }
    });

    it('stops after too many redirections', async () => {
      for (let hop = 0; hop < 6; hop++)
        github.fail({ type: 'redirect', location: '/repos/octo-org/hello-world' });
      const response = await connect({ owner: 'octo-org', name: 'hello-world' });
      expect([response.status, response.body.code]).toEqual([502, 'upstream_error']);
      expect(github.requests.length).toBeLessThan(6);
    });
  });

  describe('when GitHub fails', () => {
    it.each([
      [{ type: 'rate-limited', resetInSeconds: 120 }, 429, 'rate_limited', /^1[12]\d$/],
      [{ type: 'throttled', status: 403, retryAfterSeconds: 7 }, 429, 'rate_limited', /^7$/],
      [{ type: 'throttled', status: 429, retryAfterSeconds: 9 }, 429, 'rate_limited', /^9$/],
      [{ type: 'status', status: 429 }, 429, 'rate_limited', /^60$/],
      [{ type: 'status', status: 403 }, 404, 'not_found', undefined],
      [{ type: 'status', status: 451 }, 404, 'not_found', undefined],
      [{ type: 'status', status: 500 }, 502, 'upstream_error', undefined],
      [{ type: 'status', status: 503 }, 502, 'upstream_error', undefined],
      [{ type: 'status', status: 504 }, 504, 'upstream_timeout', undefined],
      [{ type: 'reset' }, 502, 'upstream_error', undefined],
      [{ type: 'not-json' }, 502, 'upstream_error', undefined],
      [{ type: 'stall' }, 504, 'upstream_timeout', undefined],
      [{ type: 'stall-in-body' }, 504, 'upstream_timeout', undefined],
    ] as Array<[GithubFault, number, string, RegExp | undefined]>)(
      '%j is reported',
      async (fault, status, code, retryAfter) => {
        github.fail(fault);
        const response = await connect({ owner: 'octo-org', name: 'hello-world' });
        expect([response.status, response.body.code]).toEqual([status, code]);
        if (retryAfter) expect(response.headers.get('retry-after')).toMatch(retryAfter);
        const list = await app.request('GET', PATH, { user });
        expect(list.body.items).toEqual([]);
      },
    );
  });

  describe('the list', () => {
    it("has only the user's own, newest first, page by page, while they change", async () => {
      github.repositories.push(...Array.from({ length: 7 }, (_, n) => ({ owner: 'octo', name: `r${n}` })));
      for (let n = 0; n < 7; n++) await connect({ owner: 'octo', name: `r${n}` });
      await connect({ owner: 'octo-org', name: 'hello-world' }, { as: await app.createUser() });

      const first = await app.request('GET', `${PATH}?limit=3`, { user });
      expect(first.body.items.map(({ name }: { name: string }) => name)).toEqual(['r6', 'r5', 'r4']);
      await app.request('DELETE', `${PATH}/${first.body.items[2].id}`, { user });
      await connect({ owner: 'octo-org', name: 'hello-world' });
      const second = await app.request('GET', `${PATH}?limit=3&cursor=${first.body.nextCursor}`, { user });
      expect(second.body.items.map(({ name }: { name: string }) => name)).toEqual(['r3', 'r2', 'r1']);
      const third = await app.request('GET', `${PATH}?limit=3&cursor=${second.body.nextCursor}`, { user });
      expect(third.body.items.map(({ name }: { name: string }) => name)).toEqual(['r0']);
      expect(third.body.nextCursor).toBeNull();
    });

    it('can be filtered by active state', async () => {
      github.repositories.push({ owner: 'octo', name: 'off' });
      const on = await connect({ owner: 'octo-org', name: 'hello-world' });
      const off = await connect({ owner: 'octo', name: 'off' });
      await app.request('PATCH', `${PATH}/${off.body.id}`, { user, body: { isActive: false } });
      const ids = async (query: string) =>
        (await app.request('GET', `${PATH}${query}`, { user })).body.items.map(
          ({ id }: { id: string }) => id,
        );
      expect(await ids('?active=true')).toEqual([on.body.id]);
      expect(await ids('?active=false')).toEqual([off.body.id]);
      expect(await ids('')).toEqual([off.body.id, on.body.id]);
    });

    it.each(['?active=maybe', '?limit=0', '?limit=101', '?cursor=nonsense', '?page=2'])(
      'refuses %s',
      async (query) => {
        const response = await app.request('GET', `${PATH}${query}`, { user });
        expect([response.status, response.body.code]).toEqual([400, 'validation_failed']);
      },
    );
  });

  describe('one of them', () => {
    it('is deactivated, activated and disconnected', async () => {
      const { body: connected } = await connect({ owner: 'octo-org', name: 'hello-world' });
      const path = `${PATH}/${connected.id}`;
      const off = await app.request('PATCH', path, { user, body: { isActive: false } });
      expect([off.status, off.body]).toEqual([200, { ...connected, isActive: false }]);
      const on = await app.request('PATCH', path, { user, body: { isActive: true } });
      expect(on.body).toEqual(connected);
      expect((await app.request('DELETE', path, { user })).status).toBe(204);
      expect((await app.request('DELETE', path, { user })).status).toBe(404);
      expect((await app.request('GET', path, { user })).status).toBe(404);
    });

    it('is not accessible to others', async () => {
      const { body: connected } = await connect({ owner: 'octo-org', name: 'hello-world' });
      const stranger = await app.createUser();
      const admin = await app.createUser({ role: 'admin' });
      for (const other of [stranger, admin]) {
        for (const [method, body] of [
          ['GET', undefined],
          ['PATCH', { isActive: false }],
          ['DELETE', undefined],
        ] as const) {
          const response = await app.request(method, `${PATH}/${connected.id}`, { user: other, body });
          expect([response.status, response.body.code]).toEqual([404, 'not_found']);
        }
      }
      const read = await app.request('GET', `${PATH}/${connected.id}`, { user });
      expect(read.body).toEqual(connected);
    });

    it.each([{}, { isActive: 'no' }, { isActive: null }, { isActive: true, name: 'x' }])(
      'is not changed by %j',
      async (body) => {
        const { body: connected } = await connect({ owner: 'octo-org', name: 'hello-world' });
        const response = await app.request('PATCH', `${PATH}/${connected.id}`, { user, body });
        expect([response.status, response.body.code]).toEqual([400, 'validation_failed']);
      },
    );
  });

  describe('the repositories that the token can access', () => {
    const available = (query = '', headers: Record<string, string> = TOKEN) =>
      app.request('GET', `${PATH}/available${query}`, { user, headers });
    const namesOf = (body: { items: Array<{ name: string }> }) => body.items.map(({ name }) => name);

    it('are listed as they would be connected', async () => {
      github.repositories.push({
        owner: 'octo',
        name: 'secret-plans',
        isPrivate: true,
        description: 'Not yet.',
        tokens: [GITHUB_TOKEN],
      });
      const response = await available();
      expect(response.status).toBe(200);
      expect(response.body).toEqual({
        items: [
          {
            owner: 'octo-org',
            name: 'Hello-World',
            url: 'https://github.com/octo-org/Hello-World',
            description: null,
            defaultBranch: 'trunk',
            isPrivate: false,
          },
          {
            owner: 'octo',
            name: 'secret-plans',
            url: 'https://github.com/octo/secret-plans',
            description: 'Not yet.',
            defaultBranch: 'main',
            isPrivate: true,
          },
        ],
        nextCursor: null,
      });
      const other = await available('', { 'x-github-token': OTHER_GITHUB_TOKEN });
      expect(namesOf(other.body)).toEqual(['Hello-World']);
    });

    it('are paged over GitHub’s own pages, each of them whole', async () => {
      const all = Array.from({ length: 230 }, (_, n) => `r${String(n).padStart(3, '0')}`);
      github.repositories.splice(0, Infinity, ...all.map((name) => ({ owner: 'octo', name })));
      const names: string[] = [];
      let cursor = '';
      do {
        const { body } = await available(`?limit=60${cursor}`);
        names.push(...namesOf(body));
        cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      expect(names).toEqual(all);
    });

    it('are searched by owner and name', async () => {
      github.repositories.push({ owner: 'octo', name: 'world-map' }, { owner: 'octo', name: 'other' });
      expect(namesOf((await available('?q=WORLD')).body)).toEqual(['Hello-World', 'world-map']);
      expect(namesOf((await available('?q=octo-org/')).body)).toEqual(['Hello-World']);
      expect((await available('?q=nothing-like-it')).body).toEqual({ items: [], nextCursor: null });
    });

    it('are searched with a limited number of requests, and the next page continues', async () => {
      const many = Array.from({ length: 620 }, (_, n) => ({
        owner: 'octo',
        name: `r${String(n).padStart(3, '0')}`,
      }));
      github.repositories.splice(0, Infinity, ...many, { owner: 'zoo', name: 'the-last-one' });
      const first = await available('?q=last-one');
      expect(first.body.items).toEqual([]);
      expect(first.body.nextCursor).not.toBeNull();
      expect(github.requests).toHaveLength(5);
      const second = await available(`?q=last-one&cursor=${first.body.nextCursor}`);
      expect(namesOf(second.body)).toEqual(['the-last-one']);
      expect(second.body.nextCursor).toBeNull();
    });

    it('fail as GitHub does', async () => {
      github.fail({ type: 'rate-limited', resetInSeconds: 30 });
      expect((await available()).status).toBe(429);
      github.fail({ type: 'status', status: 502 });
      expect((await available()).status).toBe(502);
      const cursor = await available('?cursor=nonsense');
      expect([cursor.status, cursor.body.errors[0].path]).toEqual([400, 'cursor']);
    });
  });

  it('forget the token: it is in no row, no response and no log', async () => {
    await connect({ owner: 'octo-org', name: 'hello-world' });
    github.fail({ type: 'status', status: 500 });
    await connect({ owner: 'octo-org', name: 'hello-world' });
    const refused = await connect(
      { owner: 'o', name: 'n' },
      { headers: { 'x-github-token': 'ghp_revoked77' } },
    );
    expect(refused.text).not.toContain('ghp_revoked77');
    expect(app.log()).not.toContain(GITHUB_TOKEN);
    expect(app.log()).not.toContain('ghp_revoked77');
    const rows = await app.database.query(`select row_to_json(r)::text as row from github_repositories r`);
    expect(JSON.stringify(rows)).not.toContain(GITHUB_TOKEN);
  });

  it('require a signed-in user', async () => {
    for (const [method, path] of [
      ['GET', PATH],
      ['POST', PATH],
      ['GET', `${PATH}/available`],
      ['GET', `${PATH}/${crypto.randomUUID()}`],
    ] as const) {
      expect((await app.request(method, path, { headers: TOKEN })).status).toBe(401);
    }
  });
});
