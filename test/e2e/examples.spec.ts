import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { EmbeddedServer, PASSWORD } from '../support/embedded-server.js';
import { type FileAnswer, runHttpFile } from '../support/http-file.js';

const run = promisify(execFile);

/** What API users copy works as it is. */
describe('the examples', () => {
  let server: EmbeddedServer;
  let environment: Record<string, string>;

  beforeAll(async () => {
    server = await EmbeddedServer.start();
    environment = {
      PATH: process.env['PATH'] ?? '',
      SWITCHBOARD_URL: server.url,
      SWITCHBOARD_KEY: server.secrets.publishableKey,
    };
  });

  afterAll(() => server?.stop());

  async function signUpAdmin(): Promise<{ email: string; token: string }> {
    const email = `${crypto.randomUUID()}@example.com`;
    const { id, accessToken } = await server.signUp(email);
    await server.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}' where id = $1`,
      [id],
    );
    return { email, token: accessToken };
  }

  it('/docs: signs in on the page', async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    await server.signUp(email);
    const document = await server.request('GET', '/docs/openapi.json', { key: null });
    expect(document.body.components.securitySchemes.account.flows.password.tokenUrl).toBe('/docs/token');
    expect(document.body.paths['/api/me'].get.security).toEqual([{ bearer: [] }, { account: [] }]);
    // As Swagger UI sends it.
    const signIn = (password: string) =>
      server.request('POST', '/docs/token', {
        key: null,
        body: new URLSearchParams({ grant_type: 'password', username: email, password }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: 'Basic Og==' },
      });
    const { status, body } = await signIn(PASSWORD);
    expect([status, body.token_type]).toEqual([200, 'bearer']);
    expect((await server.request('GET', '/api/me', { token: body.access_token })).body.email).toBe(email);
    const refused = await signIn('another-password');
    expect([refused.status, refused.body]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'Invalid login credentials' },
    ]);
  });

  it('node: has a typed client', async () => {
    const example = () => run(process.execPath, ['examples/node/main.ts'], { env: environment });
    const { stdout } = await example();
    expect(stdout).toContain('Signed in as node-example@example.com (user)');
    expect(stdout).toMatch(/^user: complete, 0 USD\nassistant: complete, [\d.e-]+ USD$/m);
    expect(stdout).toContain('Sowing calendar has 19 characters');
    expect(stdout).toMatch(/^[1-9]\d* model calls, \d+ tokens, [\d.e-]+ USD$/m);
    expect(stdout).toContain('A chat that does not exist: 404 not_found');
    // It signs in the second time.
    expect((await example()).stdout).toContain('Signed in as node-example@example.com');
  });

  it('curl: follows the day of a person', async () => {
    const { stdout } = await run('bash', ['examples/curl/chat.sh'], { env: environment });
    expect(stdout).toContain('data: [DONE]');
    expect(stdout).toMatch(/"role":"assistant"/);
    expect(stdout.trim().split('\n').at(-1)).toBe('204');
  });

  it('curl: follows the day of an administrator', async () => {
    const { token } = await signUpAdmin();
    const env = { ...environment, SWITCHBOARD_TOKEN: token };
    const { stdout } = await run('bash', ['examples/curl/admin.sh'], { env });
    expect(stdout).toContain('"systemPrompt":"Answer in rhymes."');
    expect(stdout).toContain('"action":"config.');
  });

  it.each(['day', 'admin'])('http: every request of %s.http succeeds', async (name) => {
    const { email } =
      name === 'admin' ? await signUpAdmin() : { email: `${crypto.randomUUID()}@example.com` };
    await server.signUp(`${crypto.randomUUID()}@example.com`);
    const answers = await runHttpFile(readFileSync(`examples/http/${name}.http`, 'utf8'), {
      url: server.url,
      key: server.secrets.publishableKey,
      email,
      password: PASSWORD,
    });
    const failed: FileAnswer[] = answers.filter(({ status }) => status >= 400);
    expect(failed).toEqual([]);
    expect(answers.length).toBeGreaterThan(15);
  });
});
