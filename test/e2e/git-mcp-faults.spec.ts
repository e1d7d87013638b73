import type { McpCallFault, McpQuirks } from '../doubles/github/mcp-double.js';
import type { TestUser } from '../support/app.js';
import { type GithubApp, startGithubApp } from '../support/github-app.js';

const ADDRESS = { owner: 'octo-org', repo: 'hello' };

describe('faults of the repository agent', () => {
  let app: GithubApp;
  let user: TestUser;
  let repositoryId: string;

  beforeAll(async () => {
    app = await startGithubApp();
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    app.double.reset();
    app.mcp.reset();
    await app.configure({ maxResultCharacters: null, timeoutMs: 5_000 });
    user = await app.createUser();
    repositoryId = await app.connect(user);
  });

  /** One tool call, and what the reader and the model get from it. */
  async function call(name: string, input: object) {
    app.script({ name, input }, 'Done.');
    const answer = await app.ask(user, crypto.randomUUID(), 'Please look.', { repositoryId });
    const result = answer.chunks.find(({ type }) => /^tool-(output|input-error)/.test(type));
    return {
      answer,
      result,
      told: JSON.stringify(app.double.requests.findLast(({ stream }) => stream)?.body),
    };
  }

  describe('the token', () => {
    it('is required', async () => {
      const answer = await app.ask(user, 'tokenless', 'Hello?', { repositoryId, headers: {} });
      expect([answer.status, answer.problem.code]).toEqual([400, 'github_token_missing']);
      expect(answer.problem.detail).toContain('x-github-token');
      expect(app.mcp.requests).toEqual([]);
    });

    it('must be one that GitHub accepts', async () => {
      const answer = await app.ask(user, 'bad-token', 'Hello?', {
        repositoryId,
        headers: { 'x-github-token': 'ghp_revoked99' },
      });
      expect([answer.status, answer.problem.code]).toEqual([400, 'github_token_missing']);
      expect(answer.problem.errors[0].path).toBe('headers.x-github-token');
      expect(JSON.stringify(answer.problem)).not.toContain('ghp_revoked99');
      expect(app.log()).not.toContain('ghp_revoked99');
      expect(app.mcp.requests).toHaveLength(1);
      expect(app.double.requests).toEqual([]);
    });
  });

  describe('a server that fails', () => {
    const quirks: Array<[McpQuirks, number, string]> = [
      [{ status: { status: 500 } }, 502, 'upstream_error'],
      [{ status: { status: 404 } }, 502, 'upstream_error'],
      [{ status: { status: 403 } }, 400, 'github_token_missing'],
      [{ status: { status: 429, headers: { 'retry-after': '17' } } }, 429, 'rate_limited'],
      [
        { status: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' } },
        502,
        'upstream_error',
      ],
      [{ status: { status: 302, headers: { location: 'https://example.com/mcp' } } }, 502, 'upstream_error'],
      [{ stalls: true }, 504, 'upstream_timeout'],
    ];

    it.each(quirks)('is reported: %j', async (quirk, status, code) => {
      await app.configure({ timeoutMs: 300 });
      app.mcp.quirks = quirk;
      const answer = await app.ask(user, crypto.randomUUID(), 'Hello?', { repositoryId });
      expect([answer.status, answer.problem.code]).toEqual([status, code]);
      if (status === 429) expect(answer.headers.get('retry-after')).toBe('17');
      expect(app.double.requests).toEqual([]);
    });

    it('may be unreachable', async () => {
      await app.configure({ url: 'http://127.0.0.1:9/mcp' });
      const answer = await app.ask(user, crypto.randomUUID(), 'Hello?', { repositoryId });
      expect([answer.status, answer.problem.code]).toEqual([502, 'upstream_error']);
      await app.configure({ url: app.mcp.url });
    });

    const faults: Array<[McpCallFault, RegExp]> = [
      [{ type: 'slow' }, /did not respond in time/],
      [{ type: 'reset' }, /connection .* was lost/i],
      [{ type: 'reset', midway: true }, /connection .*was lost/i],
      [{ type: 'http', status: 500 }, /connection .*was lost/i],
      [{ type: 'http', status: 401 }, /refused the token/],
      [{ type: 'http', status: 429, headers: { 'retry-after': '9' } }, /rate limiting requests.*9 s/],
      [{ type: 'tool-error', message: 'API rate limit of the double' }, /API rate limit of the double/],
      [{ type: 'huge', characters: 9_000_000 }, /connection .*was lost/i],
    ];

    it.each(faults)('during a call fails the call, not the answer: %j', async (fault, reason) => {
      await app.configure({ timeoutMs: fault.type === 'slow' ? 1_000 : 20_000 });
      app.mcp.failCall(fault);
      const { answer, result, told } = await call('list_commits', ADDRESS);
      expect(result).toMatchObject({ type: 'tool-output-error', errorText: expect.stringMatching(reason) });
      expect(told).toContain(result.errorText);
      expect([answer.status, answer.text]).toEqual([200, 'Done.']);
      expect(app.mcp.requests.filter(({ rpc }) => rpc === 'tools/call')).toHaveLength(1);
    });
  });

  describe('the result of a tool', () => {
    it('is cut to the configured length, with a note', async () => {
      app.mcp.failCall({ type: 'huge', characters: 300_000 });
      const { result, told } = await call('list_commits', ADDRESS);
      expect(result.output).toContain('[Cut: these are the first 20000 of 300000 characters.');
      expect(result.output.length).toBeLessThan(20_200);
      expect(told.length).toBeLessThan(40_000);
      await app.configure({ maxResultCharacters: 100 });
      app.mcp.failCall({ type: 'huge', characters: 300_000 });
      const { result: short } = await call('list_commits', ADDRESS);
      expect(short.output.length).toBeLessThan(300);
    });

    it('is only text', async () => {
      app.mcp.failCall({ type: 'picture' });
      const { result, told } = await call('list_commits', ADDRESS);
      expect(result.output).toBe('A picture follows.\n\n[2 parts of the result omitted: no text.]');
      expect(told).not.toContain('hidden-token');
    });
  });
});
