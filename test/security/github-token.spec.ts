import { redactorOf } from '../../src/modules/agents/tools/secret-redaction.js';
import { GITHUB_TOKEN } from '../doubles/github/github-double.js';
import type { TestUser } from '../support/app.js';
import { ADDRESS } from '../support/approvals.js';
import { CHOSEN, type GithubApp, startGithubApp } from '../support/github-app.js';
import { messagesOf } from '../support/turns.js';

const CORE = GITHUB_TOKEN.replace('ghp_', '');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const escapes = (text: string, escape: (code: string) => string) =>
  [...text].map((character) => escape(character.charCodeAt(0).toString(16).padStart(2, '0'))).join('');
const half = CORE.length / 2;

/** Ways in which a tool, or a file that it reads, can contain the token. Each with the text that must not be left. */
const QUOTED: Array<[name: string, said: string, left: string[]]> = [
  ['as it is', `The token is ${GITHUB_TOKEN}.`, [CORE]],
  ['in upper case', GITHUB_TOKEN.toUpperCase(), [CORE.toUpperCase()]],
  ['in base64', base64(GITHUB_TOKEN), [base64(GITHUB_TOKEN).slice(4, -6)]],
  ['in base64, one byte on', base64(`x${GITHUB_TOKEN}`), [base64(`x${GITHUB_TOKEN}`).slice(4, -6)]],
  [
    'as Basic credentials',
    `Authorization: Basic ${base64(`x-access-token:${GITHUB_TOKEN}`)}`,
    [base64(`x-access-token:${GITHUB_TOKEN}`).slice(24, -6)],
  ],
  [
    'in base64 for URLs',
    Buffer.from(`oo:${GITHUB_TOKEN}`).toString('base64url'),
    [Buffer.from(`oo:${GITHUB_TOKEN}`).toString('base64url').slice(8, -6)],
  ],
  ['in hexadecimal', Buffer.from(GITHUB_TOKEN).toString('hex'), [Buffer.from(CORE).toString('hex')]],
  [
    'escaped for a URL',
    escapes(GITHUB_TOKEN, (code) => `%${code}`),
    [escapes(CORE.slice(0, 12), (code) => `%${code}`)],
  ],
  [
    'escaped twice',
    escapes(GITHUB_TOKEN, (code) => `%25${code}`),
    [escapes(CORE.slice(0, 12), (code) => `%25${code}`)],
  ],
  [
    'escaped for JSON',
    escapes(GITHUB_TOKEN, (code) => `\\u00${code}`),
    [escapes(CORE.slice(0, 12), (code) => `\\u00${code}`)],
  ],
  ['in a URL', `https://octo:${GITHUB_TOKEN}@github.com/x`, [CORE]],
  [
    'over two values',
    JSON.stringify({ a: CORE.slice(0, half), rest: CORE.slice(half) }),
    [CORE.slice(0, half), CORE.slice(half)],
  ],
  [
    'over a key and a value',
    JSON.stringify({ [CORE.slice(0, half)]: CORE.slice(half) }),
    [CORE.slice(0, half), CORE.slice(half)],
  ],
  [
    'in small pieces',
    JSON.stringify({
      one: CORE.slice(0, 7),
      two: CORE.slice(7, 14),
      three: CORE.slice(14, 21),
      four: CORE.slice(21),
    }),
    [CORE.slice(0, 7), CORE.slice(7, 14), CORE.slice(14, 21)],
  ],
  ['letter by letter', [...GITHUB_TOKEN].join(' '), [[...CORE].join(' ')]],
  [
    'over lines',
    `${GITHUB_TOKEN.slice(0, 12)}\n${GITHUB_TOKEN.slice(12)}`,
    [CORE.slice(0, 8), CORE.slice(8)],
  ],
];

describe('a secret', () => {
  it.each(QUOTED)('is found %s', (_name, said, left) => {
    const clean = redactorOf(GITHUB_TOKEN)(`before ${said} after`);
    for (const piece of left) expect(clean).not.toContain(piece);
    expect(clean).toMatch(/^before [\s\S]*\[redacted\][\s\S]* after$/);
  });

  it('leaves ordinary words, and prefixes that tokens share', () => {
    const text =
      'Tokens begin with ghp_ or github_pat_. "double" any token of that octopus 100% of the time: a%20b = c\\u0041 &#65; 01234.';
    expect(redactorOf(GITHUB_TOKEN)(text)).toBe(text);
  });

  it('is searched in long texts without delay', () => {
    const redact = redactorOf(GITHUB_TOKEN);
    const text = `${'ghp_dou'.repeat(1_500)}${'%64'.repeat(1_500)}${'word '.repeat(1_000)}`;
    const times = Array.from({ length: 10 }, () => {
      const startedAt = performance.now();
      redact(text);
      return performance.now() - startedAt;
    });
    // As long as the results that a model gets.
    expect(Math.min(...times)).toBeLessThan(50);
  });
});

/** The token is only sent to GitHub's server. */
describe('the user’s token', () => {
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
    user = await app.createUser();
    repositoryId = await app.connect(user);
  });

  it.each(QUOTED)('is not passed on when the result of a tool contains it %s', async (_name, said, left) => {
    app.mcp.world.files.set(`${CHOSEN}/README.md`, `It begins. ${said}`);
    app.script({ name: 'get_file_contents', input: { ...ADDRESS, path: 'README.md' } }, 'Done.');
    const chatId = crypto.randomUUID();
    const answer = await app.ask(user, chatId, 'Please look.', { repositoryId });
    expect([answer.status, answer.text]).toEqual([200, 'Done.']);
    const told = JSON.stringify(app.double.requests.map(({ body }) => body));
    expect(told).toContain('It begins.');
    const stored = JSON.stringify(await messagesOf(app, user, chatId));
    for (const text of [told, stored, JSON.stringify(answer.chunks), app.log()]) {
      for (const piece of left) expect(text).not.toContain(JSON.stringify(piece).slice(1, -1));
    }
  });

  it('is not passed on when the failure of a tool contains it', async () => {
    app.mcp.failCall({ type: 'tool-error', message: `Bad credentials: ${GITHUB_TOKEN}` });
    app.script({ name: 'list_commits', input: ADDRESS }, 'Done.');
    const chatId = crypto.randomUUID();
    const answer = await app.ask(user, chatId, 'Please look.', { repositoryId });
    const stored = JSON.stringify(await messagesOf(app, user, chatId));
    const told = JSON.stringify(app.double.requests.map(({ body }) => body));
    for (const text of [told, stored, JSON.stringify(answer.chunks), app.log()]) {
      expect(text).not.toContain(CORE);
    }
    expect(stored).toContain('Bad credentials: ');
  });

  it('stays removed at the cut end of a long result', async () => {
    await app.configure({ maxResultCharacters: 1_000 });
    app.mcp.world.files.set(`${CHOSEN}/README.md`, `${'.'.repeat(945)}${GITHUB_TOKEN}${'.'.repeat(5_000)}`);
    app.script({ name: 'get_file_contents', input: { ...ADDRESS, path: 'README.md' } }, 'Done.');
    const answer = await app.ask(user, crypto.randomUUID(), 'Please look.', { repositoryId });
    await app.configure({ maxResultCharacters: null });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.chunks)).not.toContain(CORE.slice(0, 8));
  });
});

/** Keys of the providers are not returned either, whatever a provider responds. */
describe('the user’s key of a provider', () => {
  let app: GithubApp;

  beforeAll(async () => {
    app = await startGithubApp();
  });

  afterAll(() => app.close());

  it.each([401, 400, 500] as const)(
    'is in no response, row or log line after a refusal with %i',
    async (status) => {
      const key = 'my-very-own-key-0123456789abcdef';
      const user = await app.createUser();
      const chatId = crypto.randomUUID();
      for (let attempt = 0; attempt < 4; attempt++) app.double.enqueue({ fault: { type: 'status', status } });
      const answer = await app.say(user, chatId, 'Hello?', {
        body: { agent: 'chat', model: 'openai/gpt-5-mini' },
        headers: { 'x-openai-api-key': key },
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      const rows = await app.database.query(
        `select parts::text || coalesce(metadata::text, '') as said from "Message_v2" where "chatId" = $1
       union all select metadata::text from usage_logs where user_id = $2`,
        [chatId, user.id],
      );
      for (const text of [JSON.stringify(answer.problem), JSON.stringify(rows), app.log()]) {
        expect(text).not.toContain(key);
        expect(text).not.toContain(base64(key));
      }
    },
  );
});
