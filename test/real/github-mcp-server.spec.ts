import { GITHUB_TOKEN } from '../doubles/github/github-double.js';
import { ADDRESS, answered, toolParts } from '../support/approvals.js';
import { type GithubApp, startGithubApp, TOKEN_HEADER } from '../support/github-app.js';
import type { TestUser } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { storedAnswer } from '../support/turns.js';
import { type ChildProgram, startProgram } from './child-program.js';
import { type GithubRestDouble, startGithubRestDouble } from './github-rest-double.js';

const REPOSITORY = '/api/v3/repos/octo-org/hello';

describe("GitHub's MCP server", () => {
  let github: GithubRestDouble;
  let program: ChildProgram;
  let app: GithubApp;
  let user: TestUser;
  let repositoryId: string;

  beforeAll(async () => {
    github = await startGithubRestDouble();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const parameters = [
      'http',
      '--port',
      String(port),
      '--listen-host',
      '127.0.0.1',
      '--gh-host',
      github.url,
    ];
    program = await startProgram(process.env['GITHUB_MCP_SERVER_PROGRAM'], parameters, {}, url);
    app = await startGithubApp();
    await app.configure({ url });
    user = await app.createUser();
    repositoryId = await app.connect(user);
  });

  afterAll(async () => {
    await app?.close();
    await program?.stop();
    await github?.close();
  });

  beforeEach(() => {
    app.double.reset();
    github.requests.length = 0;
  });

  const ask = (chatId: string = crypto.randomUUID()) =>
    app.ask(user, chatId, 'What does it say?', { repositoryId });
  /** The tools of the latest answer, as the model was offered them. */
  const offered = () => {
    const { tools } = app.double.requests.findLast(({ body }) => 'tools' in (body as object))!.body as {
      tools: [{ functionDeclarations: Array<{ name: string }> }];
    };
    return tools[0].functionDeclarations.map(({ name }) => name);
  };

  it('offers tools for the connected repository that only read', async () => {
    app.script('Nothing.');
    expect((await ask()).text).toBe('Nothing.');
    expect(offered()).toEqual(
      expect.arrayContaining(['get_file_contents', 'issue_read', 'list_issues', 'pull_request_read']),
    );
    const writing = /write|create|delete|push|merge|update|fork|add_/;
    expect(offered().filter((name) => writing.test(name))).toEqual([]);
  });

  it("reads a file with the user's token", async () => {
    app.script({ name: 'get_file_contents', input: { ...ADDRESS, path: 'README.md' } }, 'It greets.');
    const answer = await ask();
    expect([answer.text, answer.done]).toEqual(['It greets.', true]);
    const { output } = answer.chunks.find(({ type }) => type === 'tool-output-available');
    expect(JSON.stringify(output)).toContain('# Hello');
    expect(github.requests).toContain(`GET ${REPOSITORY}/contents/README.md`);
    expect([...github.tokens]).toEqual([`Bearer ${GITHUB_TOKEN}`]);
  });

  it('is not asked about another repository', async () => {
    const input = { owner: 'octo', repo: 'secret', path: 'README.md' };
    app.script({ name: 'get_file_contents', input }, 'I cannot.');
    const answer = await ask();
    expect(answer.chunks.map(({ type }) => type)).toContain('tool-output-error');
    expect(github.requests.filter((line) => line.includes('/repos/'))).toEqual([]);
  });

  it('tells the model why a call failed', async () => {
    app.script({ name: 'get_file_contents', input: { ...ADDRESS, path: 'missing.md' } }, 'It is missing.');
    const answer = await ask();
    expect(answer.text).toBe('It is missing.');
    const results = answer.chunks.filter(({ type }) => /^tool-output/.test(type));
    expect(JSON.stringify(results)).toMatch(/404|not found|missing\.md/i);
    expect(JSON.stringify(results)).not.toContain(GITHUB_TOKEN);
  });

  it('creates an issue once, after the approval', async () => {
    await app.configure({ readOnly: false });
    const chatId = crypto.randomUUID();
    const input = { ...ADDRESS, method: 'create', title: 'It does not start', body: 'See the log.' };
    app.script({ name: 'issue_write', input });
    await ask(chatId);
    expect(github.issues).toEqual([]);
    const waiting = await storedAnswer(app, user, chatId);
    // Tools without an owner and a repository could work anywhere.
    expect(offered()).toContain('issue_write');
    expect(offered()).not.toEqual(expect.arrayContaining(['create_repository']));
    expect(offered()).not.toEqual(expect.arrayContaining(['fork_repository']));
    expect(toolParts(waiting)).toMatchObject([{ toolName: 'issue_write', state: 'approval-requested' }]);
    app.script('It is issue 1.');
    const body = { id: chatId, message: answered(waiting, true), repositoryId };
    const answer = await app.post(user, body, { headers: TOKEN_HEADER });
    expect(answer.text).toBe('It is issue 1.');
    expect(github.issues).toEqual([{ number: 1, title: 'It does not start', body: 'See the log.' }]);
    expect(toolParts(await storedAnswer(app, user, chatId))).toMatchObject([{ state: 'output-available' }]);
  });

  it('passes on that GitHub refuses the token', async () => {
    github.fail(`GET ${REPOSITORY}`, 401);
    github.fail(`GET ${REPOSITORY}/contents/README.md`, 401);
    app.script({ name: 'get_file_contents', input: { ...ADDRESS, path: 'README.md' } }, 'No access.');
    const answer = await ask();
    const failed = answer.chunks.find(({ type }) => type === 'tool-output-error');
    expect(failed?.errorText).toContain('401');
    expect(failed?.errorText).not.toContain(GITHUB_TOKEN);
  });
});
