import { randomBytes, randomUUID } from 'node:crypto';
import type { Fault } from '../doubles/script.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { type Answer, type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import { saying, stop } from '../support/turns.js';
import { signToken, TEST_JWT_SECRET } from '../support/tokens.js';

/** No key, token or password is ever logged, returned, stored or measured, in success and in failure. */

/** A secret without a known format: only its exact value can be recognized. */
const unknownShape = (name: string) => `${name}.${randomBytes(9).toString('hex')}`;

const SERVER = {
  GOOGLE_GENERATIVE_AI_API_KEY: unknownShape('server-google'),
  OPENAI_API_KEY: unknownShape('server-openai'),
  ANTHROPIC_API_KEY: unknownShape('server-anthropic'),
  SUPABASE_SECRET_KEY: unknownShape('supabase'),
};
const DATABASE_PASSWORD = unknownShape('database');
const DATABASE_ROLE = `secrets_${randomBytes(6).toString('hex')}`;

const PROVIDERS = [
  ['google/gemini-2.5-flash', 'x-google-api-key', unknownShape('user-google')],
  ['openai/gpt-4o-mini', 'x-openai-api-key', unknownShape('user-openai')],
  ['anthropic/claude-sonnet-4-5', 'x-anthropic-api-key', unknownShape('user-anthropic')],
] as const;
const GITHUB_TOKEN = unknownShape('user-github');
/** The double's OpenAI repeats it in its error, like the real one. */
const REFUSED_KEY = 'bad-key';

const FAULTS: Fault[] = [
  ...([400, 401, 403, 404, 429, 500, 529] as const).map((status) => ({ type: 'status', status }) as const),
  { type: 'reset-before-first-byte' },
  { type: 'stall-before-first-byte' },
  { type: 'empty' },
  ...[0, 1].flatMap((chunks): Fault[] => [
    { type: 'reset-after', chunks },
    { type: 'half-close', chunks },
    { type: 'half-close', chunks, abrupt: true },
    { type: 'stall-after', chunks },
    { type: 'malformed', chunks },
    { type: 'error-frame', chunks, reason: 'overloaded' },
    { type: 'error-frame', chunks, reason: 'context-length' },
  ]),
  { type: 'usage-lies', lie: 'absurd' },
  { type: 'usage-lies', lie: 'negative' },
];

const PRINTING = ['log', 'info', 'warn', 'error', 'debug'] as const;

describe('secrets', () => {
  const originals = { ...console };
  /** Only creates users, and the database that the application under test gets with a password. */
  let operator: TestApp;
  let app: ChatApp;
  let user: TestUser;
  const tokens: string[] = [];
  /** Everything in the responses, including headers. */
  const answered: string[] = [];
  const printed: string[] = [];

  beforeAll(async () => {
    for (const method of PRINTING) console[method] = (...words) => void printed.push(words.join(' '));
    operator = await startTestApp();
    await operator.database.query(
      `create role ${DATABASE_ROLE} login superuser password '${DATABASE_PASSWORD}'`,
    );
    const databaseUrl = new URL(operator.database.url);
    databaseUrl.username = DATABASE_ROLE;
    databaseUrl.password = DATABASE_PASSWORD;
    app = await startChatApp({
      ...SERVER,
      LOG_LEVEL: 'trace',
      DATABASE_URL: databaseUrl.href,
      // The server is unreachable: requests that need Supabase fail, and they have its key.
      SUPABASE_URL: 'http://127.0.0.1:9',
      SUPABASE_JWT_ISSUER: 'http://localhost:54321/auth/v1',
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '5000',
      UPSTREAM_IDLE_TIMEOUT_MS: '3000',
    });
    user = await operator.createUser({ role: 'admin' });
    tokens.push(user.token);
    await useThem();
    await misuseThem();
    await useOneAndStop();
  }, 60_000);

  afterAll(async () => {
    Object.assign(console, originals);
    await app?.close();
    await operator?.database.query(`drop role ${DATABASE_ROLE}`);
    await operator?.close();
  });

  const keep = (answer: Answer): Answer => {
    answered.push(JSON.stringify([[...answer.headers], answer.chunks, answer.problem]));
    return answer;
  };

  const get = async (
    path: string,
    headers: Record<string, string> = user.headers,
    init: RequestInit = {},
  ) => {
    const response = await fetch(`${app.url}${path}`, { ...init, headers: { ...init.headers, ...headers } });
    const text = await response.text();
    answered.push(JSON.stringify([[...response.headers], text]));
    return { status: response.status, text };
  };

  const secrets = () => [
    ...Object.values(SERVER),
    ...PROVIDERS.map(([, , key]) => key),
    DATABASE_PASSWORD,
    GITHUB_TOKEN,
    REFUSED_KEY,
    TEST_JWT_SECRET,
    ...tokens,
    // The part of a token that makes it valid.
    ...tokens.map((token) => token.slice(token.lastIndexOf('.') + 1)),
  ];

  /** The names of the secrets that were found, in any encoding. */
  function foundIn(text: string): string[] {
    const ways = (secret: string) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      Buffer.from(secret).toString('hex'),
    ];
    return secrets().filter((secret) => ways(secret).some((written) => text.includes(written)));
  }

  /** Calls to all providers that succeed, and that fail in every way, with the user's keys and the server's. */
  async function useThem(): Promise<void> {
    await Promise.all(
      PROVIDERS.flatMap(([model, header, key]) => {
        const body = { model, agent: 'chat' };
        const own = { [header]: key, 'x-github-token': GITHUB_TOKEN };
        return [own, {}].map(async (headers) => {
          const question = `Good ${randomUUID()}`;
          const answer = keep(await app.say(user, randomUUID(), question, { body, headers }));
          expect([answer.status, answer.text]).toEqual([200, `You said: ${question}`]);
          await Promise.all(
            FAULTS.map(async (fault) => {
              const failing = randomUUID();
              app.double.enqueue(
                { text: ['one ', 'two '], fault },
                { times: 3, when: ({ stream, userText }) => stream && userText === failing },
              );
              keep(await app.say(user, randomUUID(), failing, { body, headers }));
            }),
          );
        });
      }),
    );
    const sent = JSON.stringify(app.double.requests.map(({ headers }) => headers));
    for (const [, , key] of PROVIDERS) expect(sent).toContain(key);
    for (const key of [SERVER.GOOGLE_GENERATIVE_AI_API_KEY, SERVER.OPENAI_API_KEY, SERVER.ANTHROPIC_API_KEY])
      expect(sent).toContain(key);
  }

  /** Keys and tokens that are refused, and keys in wrong places. */
  async function misuseThem(): Promise<void> {
    for (const [model, header] of PROVIDERS) {
      const headers = { [header]: REFUSED_KEY };
      const refused = keep(await app.say(user, randomUUID(), 'Hello', { body: { model }, headers }));
      expect([refused.status, refused.problem.code]).toEqual([400, 'api_key_missing']);
      const broken = keep(
        await app.say(user, randomUUID(), 'Hello', {
          body: { model },
          headers: { [header]: `two ${GITHUB_TOKEN}` },
        }),
      );
      expect(broken.status).toBe(400);
    }
    const expired = await signToken(user.id, { expiresIn: -60 });
    const forged = await signToken(user.id, { key: new TextEncoder().encode('x'.repeat(40)) });
    const inQuery = await signToken(user.id);
    tokens.push(expired, forged, inQuery);
    for (const token of [expired, forged]) {
      expect((await get('/api/me', { authorization: `Bearer ${token}` })).status).toBe(401);
    }
    for (const path of ['/api/me', '/api/chats', '/nowhere', `/${inQuery}`]) {
      expect((await get(`${path}?access_token=${inQuery}`, {})).status).toBeGreaterThanOrEqual(400);
    }
    expect((await get(`/api/chats?cursor=${inQuery}`)).status).toBe(400);
    expect((await get(`/api/me`, { authorization: `Basic ${inQuery}` })).status).toBe(401);
    await get('/api/models', { ...user.headers, 'x-google-api-key': PROVIDERS[0][2] });
    // Supabase is unreachable, and the database gets statements that it refuses.
    await get('/api/admin/users');
    await get('/api/files', user.headers, {
      method: 'POST',
      body: JSON.stringify({ filename: 'a.txt', contentType: 'text/plain', size: 1 }),
      headers: { 'content-type': 'application/json' },
    });
    await get(`/api/chats/${encodeURIComponent('\u0000')}`);
  }

  async function useOneAndStop(): Promise<void> {
    const [model, header, key] = PROVIDERS[2];
    const chatId = randomUUID();
    app.double.enqueue({ text: ['Half ', 'of it'], pauseAfter: 1 }, { when: ({ stream }) => stream });
    const body = { id: chatId, message: userMessage('Go on'), model, agent: 'chat' };
    const reader = await app.open(user, body, { headers: { [header]: key } });
    await reader.until(saying('Half '));
    await stop(app, user, chatId);
    keep(await reader.rest());
  }

  it('do not appear in the log', () => {
    const log = app.log();
    expect(log.split('A model call failed.').length).toBeGreaterThan(100);
    expect(foundIn(log)).toEqual([]);
    expect(foundIn(printed.join('\n'))).toEqual([]);
  });

  it('do not appear in a response, and neither do internals of the server', async () => {
    for (const path of ['/docs/openapi.json', '/health/ready', '/metrics', '/api/me', '/api/models'])
      await get(path);
    const all = answered.join('\n');
    expect(answered.length).toBeGreaterThan(100);
    expect(foundIn(all)).toEqual([]);
    const inside = /node_modules|\bat \S+ \(|127\.0\.0\.1:9\b|\bviolates\b|ECONN\w*|AI_\w+Error/;
    expect(inside.exec(all)?.[0]).toBeUndefined();
  });

  it('do not appear in the database', async () => {
    const tables = await operator.database.query(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    );
    const rows: string[] = [];
    for (const { name } of tables) {
      const found = await operator.database.query(`select to_jsonb(t)::text as row from ${name} t`);
      rows.push(...found.map(({ row }) => row as string));
    }
    const all = rows.join('\n');
    // The rows are there, with the expected content. Whole tables and logs are not useful in a failure message.
    const said = ['"errorCode": "api_key_missing"', '"ownKey": true'].map((text) => all.includes(text));
    expect(said).toEqual([true, true]);
    expect(foundIn(all)).toEqual([]);
  });
});
