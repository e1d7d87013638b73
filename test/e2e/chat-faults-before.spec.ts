import { randomUUID } from 'node:crypto';
import { startProviderDouble } from '../doubles/provider-double.js';
import type { Fault } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type Answer, type ChatApp, SERVER_KEYS, startBeside, startChatApp } from '../support/chat-app.js';
import { freePort } from '../support/free-port.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { answerCalls, messagesOf, textOfParts } from '../support/turns.js';

/**
 * Faults before a provider has sent anything. The client gets a problem document, the answer is stored as failed, every
 * attempt is recorded, and the chat continues. Unhandled rejections fail a test by themselves.
 */

const PROVIDERS = {
  google: { model: 'google/gemini-2.5-flash', name: 'Google', header: 'x-google-api-key' },
  openai: { model: 'openai/gpt-4o-mini', name: 'OpenAI', header: 'x-openai-api-key' },
  /** OpenAI's older API, which gateways and local servers use. */
  openaiChat: { model: 'openai/gpt-4o-mini', name: 'OpenAI', header: 'x-openai-api-key' },
  anthropic: { model: 'anthropic/claude-sonnet-4-5', name: 'Anthropic', header: 'x-anthropic-api-key' },
};
type Provider = keyof typeof PROVIDERS;
const ALL = Object.keys(PROVIDERS) as Provider[];

/** How a fault is reported to the client. */
interface Meaning {
  status: number;
  code: string;
  /** With NAME and HEADER for the provider's. */
  detail: RegExp;
  retryAfter?: string;
  /** How the calls ended. The default is `error`. */
  callStatus?: string;
  /** Whether vendors bill the prompt. They do not if they answer with an error themselves. */
  billed?: boolean;
  /** The error code of the calls, if it is not that of the problem. */
  callCode?: string;
}

const UPSTREAM = { status: 502, code: 'upstream_error' };
const badKey = {
  status: 400,
  code: 'api_key_missing',
  detail: /^NAME refused the server's key\. .* HEADER\.$/,
};
const brokenOff = { ...UPSTREAM, detail: /^NAME ended its answer early\.$/, billed: true };
const overloaded = { ...UPSTREAM, detail: /^NAME is overloaded/ };
const unreachable = { ...UPSTREAM, detail: /^NAME cannot be reached\.$/ };
const lost = { ...unreachable, billed: true };
/** The message is the whole conversation. */
const tooLong = {
  status: 413,
  code: 'payload_too_large',
  detail: /^Your message is too long for \S+\. Shorten it, split it, or choose another model\.$/,
  callCode: 'upstream_error',
};
const empty = {
  ...UPSTREAM,
  detail: /^The model gave an empty answer\./,
  callStatus: 'success',
  billed: true,
};
const late = {
  status: 504,
  code: 'upstream_timeout',
  detail: /^NAME did not respond in time\.$/,
  billed: true,
};
const failedWith = (status: number) => ({
  ...UPSTREAM,
  detail: new RegExp(`^NAME failed \\(status ${status}\\)\\.$`),
});
const limited = (seconds: number) => ({
  status: 429,
  code: 'rate_limited',
  detail: new RegExp(`^NAME is rate limiting requests\\. Try again in ${seconds} s\\.$`),
  retryAfter: String(seconds),
});

const CASES: Array<[fault: Fault, meaning: Meaning, attempts: number]> = [
  [{ type: 'status', status: 400 }, tooLong, 1],
  [{ type: 'status', status: 401 }, badKey, 1],
  [{ type: 'status', status: 403 }, badKey, 1],
  [{ type: 'status', status: 404 }, failedWith(404), 1],
  [{ type: 'status', status: 429 }, limited(30), 3],
  [{ type: 'status', status: 429, retryAfterSeconds: 1 }, limited(1), 3],
  [{ type: 'status', status: 429, retryAfterSeconds: 17 }, limited(17), 1],
  [{ type: 'status', status: 500 }, failedWith(500), 3],
  [{ type: 'status', status: 503 }, overloaded, 3],
  [{ type: 'status', status: 529 }, overloaded, 3],
  [{ type: 'reset-before-first-byte' }, lost, 3],
  [{ type: 'reset-after', chunks: 0 }, brokenOff, 3],
  [{ type: 'half-close', chunks: 0 }, brokenOff, 3],
  [{ type: 'half-close', chunks: 0, abrupt: true }, brokenOff, 3],
  [{ type: 'stall-before-first-byte' }, late, 1],
  [{ type: 'stall-after', chunks: 0 }, late, 1],
  [{ type: 'malformed', chunks: 0 }, brokenOff, 1],
  [{ type: 'error-frame', chunks: 0, reason: 'overloaded' }, overloaded, 3],
  [{ type: 'error-frame', chunks: 0, reason: 'rate-limit' }, limited(30), 3],
  [{ type: 'error-frame', chunks: 0, reason: 'context-length' }, tooLong, 1],
  [{ type: 'empty' }, empty, 1],
];

/** The problem is the expected one, in readable words. */
function expectProblemOf(provider: Provider, { status, headers, problem }: Answer, meaning: Meaning): void {
  const { name, header } = PROVIDERS[provider];
  const detail = new RegExp(meaning.detail.source.replace('NAME', name).replace('HEADER', header));
  expect({ provider, status, ...problem }).toMatchObject({
    provider,
    status: meaning.status,
    code: meaning.code,
    detail: expect.stringMatching(detail),
    requestId: headers.get('x-request-id'),
  });
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(headers.get('retry-after')).toBe(meaning.retryAfter ?? null);
  const text = JSON.stringify(problem);
  expect(text).not.toMatch(/https?:|127\.0\.0\.1|\bat \S+ \(|node_modules|AI_|ECONN|\bselect\b/);
  for (const key of [...Object.values(SERVER_KEYS), 'bad-key']) expect(text).not.toContain(key);
}

/** What the failed turn leaves: a failed answer without text, a closed row for each attempt, no active stream. */
async function expectFailedTurn(
  app: ChatApp,
  user: TestUser,
  chatId: string,
  { code, callStatus = 'error', billed = false, callCode = code }: Meaning,
  attempts: number,
): Promise<void> {
  const messages = await messagesOf(app, user, chatId);
  expect(messages.map(({ role, status }) => [role, status])).toEqual([
    ['user', 'complete'],
    ['assistant', 'failed'],
  ]);
  expect(textOfParts(messages[1]!)).toBe('');
  expect(messages[1]!.metadata.error.code).toBe(code);
  expect(await rowsOf(app, chatId)).toEqual(
    Array.from({ length: attempts }, () => ({
      purpose: 'answer',
      status: callStatus,
      errorCode: callStatus === 'error' ? callCode : null,
      closed: true,
      billed,
    })),
  );
  expect(await app.database.query('select 1 from "Stream" where "chatId" = $1', [chatId])).toEqual([]);
  expect((await app.request('GET', `/api/chats/${chatId}`, { user })).body.isStreaming).toBe(false);
}

async function expectNextTurn(app: ChatApp, user: TestUser, chatId: string, body: object): Promise<void> {
  const next = await app.say(user, chatId, 'And now?', { body });
  // Anthropic treats two consecutive questions as one.
  expect([next.status, next.done, next.text]).toEqual([200, true, expect.stringMatching(/And now\?$/)]);
  const statuses = (await messagesOf(app, user, chatId)).map(({ status }) => status);
  expect(statuses).toEqual(['complete', 'failed', 'complete', 'complete']);
}

function rowsOf(app: ChatApp, chatId: string) {
  return app.database.query(
    `select metadata ->> 'purpose' as purpose, metadata ->> 'status' as status, metadata ->> 'errorCode' as "errorCode",
            response_timestamp is not null as closed, input_tokens > 0 and total_cost > 0 as billed
       from usage_logs where chat_id = $1 order by request_timestamp`,
    [chatId],
  );
}

/** One question to one of the providers. */
interface Ask {
  app: ChatApp;
  provider: Provider;
  question: string;
  body: object;
}

describe('faults before the first byte', () => {
  let app: ChatApp;
  /** Another instance on the same database that uses OpenAI's older API. */
  let chatApp: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    const environment = { UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '1500' };
    app = await startChatApp(environment);
    chatApp = await startBeside(app, { ...environment, OPENAI_API: 'chat' });
    user = await app.createUser();
  });

  afterEach(() => {
    for (const { double } of [app, chatApp]) double.reset();
  });

  afterAll(async () => {
    await chatApp?.close();
    await app?.close();
  });

  const everywhere = (check: (ask: Ask) => Promise<void>) =>
    Promise.all(
      ALL.map((provider) => {
        const body = { model: PROVIDERS[provider].model, agent: 'chat' };
        const instance = provider === 'openaiChat' ? chatApp : app;
        return check({ app: instance, provider, question: randomUUID(), body });
      }),
    );

  const fail = ({ app: { double }, question }: Ask, fault: Fault, times: number) =>
    double.enqueue(
      { text: ['never ', 'said'], usage: { input: 90, output: 9 }, fault },
      { times, when: ({ stream, userText }) => stream && userText === question },
    );

  eachSideBySide('%j', CASES, async (fault, meaning, attempts) => {
    await everywhere(async (ask) => {
      const { app, provider, question, body } = ask;
      const chatId = randomUUID();
      // One more than the allowed attempts, so that an additional attempt would be visible.
      fail(ask, fault, 4);
      const answer = await app.say(user, chatId, question, { body });
      expectProblemOf(provider, answer, meaning);
      expect(answerCalls(app, question)).toHaveLength(attempts);
      // Anthropic tells the tokens of the prompt before anything else, also before an error event.
      const billed = meaning.billed || (provider === 'anthropic' && fault.type === 'error-frame');
      await expectFailedTurn(app, user, chatId, { ...meaning, billed }, attempts);
      await app.double.until(() => answerCalls(app, question).every(({ state }) => state === 'ended'));
      await expectNextTurn(app, user, chatId, body);
    });
  });

  it('name the header of a refused user key, and do not repeat the key', async () => {
    await everywhere(async ({ app, provider, question, body }) => {
      const chatId = randomUUID();
      const { header } = PROVIDERS[provider];
      const answer = await app.say(user, chatId, question, { body, headers: { [header]: 'bad-key' } });
      const meaning = { ...badKey, detail: /^NAME refused the key you sent\. .* HEADER\.$/ };
      expectProblemOf(provider, answer, meaning);
      expect(answer.problem.errors).toEqual([{ path: `headers.${header}`, message: expect.any(String) }]);
      await expectFailedTurn(app, user, chatId, meaning, 1);
      await expectNextTurn(app, user, chatId, body);
    });
  });

  it('wait between attempts as long as the provider asks', async () => {
    await everywhere(async (ask) => {
      const { app, question, body } = ask;
      fail(ask, { type: 'status', status: 429, retryAfterSeconds: 2 }, 1);
      const answer = await app.say(user, randomUUID(), question, { body });
      expect([answer.status, answer.text]).toEqual([200, `You said: ${question}`]);
      const [first, second] = answerCalls(app, question);
      expect(second!.startedAt - first!.endedAt!).toBeGreaterThanOrEqual(1_990);
    });
  });

  const PASSING: Array<[Fault]> = [
    [{ type: 'status', status: 503 }],
    [{ type: 'reset-before-first-byte' }],
    [{ type: 'half-close', chunks: 0 }],
  ];
  eachSideBySide('tries again twice, and the reader does not notice: %j', PASSING, async (fault) => {
    await everywhere(async (ask) => {
      const { app, question, body } = ask;
      const chatId = randomUUID();
      fail(ask, fault, 2);
      const answer = await app.say(user, chatId, question, { body });
      expect([answer.status, answer.text, answer.done]).toEqual([200, `You said: ${question}`, true]);
      expect(answer.chunks.map(({ type }) => type).filter((type) => type === 'start')).toHaveLength(1);
      expect(answerCalls(app, question)).toHaveLength(3);
      const calls = (await rowsOf(app, chatId)).filter(({ purpose }) => purpose === 'answer');
      expect(calls.map(({ status, closed }) => [status, closed])).toEqual([
        ['error', true],
        ['error', true],
        ['success', true],
      ]);
      const statuses = (await messagesOf(app, user, chatId)).map(({ status }) => status);
      expect(statuses).toEqual(['complete', 'complete']);
    });
  });
});

describe('an unreachable provider', () => {
  it('is tried three times, and works again when it is back', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const app = await startChatApp({
      GOOGLE_BASE_URL: `${url}/google`,
      OPENAI_BASE_URL: `${url}/openai`,
      ANTHROPIC_BASE_URL: `${url}/anthropic`,
    });
    try {
      const user = await app.createUser();
      const chats = (['google', 'openai', 'anthropic'] as const).map((provider) => ({
        provider,
        chatId: randomUUID(),
      }));
      const bodyOf = (provider: Provider) => ({ model: PROVIDERS[provider].model, agent: 'chat' });
      await Promise.all(
        chats.map(async ({ provider, chatId }) => {
          const answer = await app.say(user, chatId, 'Are you there?', { body: bodyOf(provider) });
          expectProblemOf(provider, answer, unreachable);
          await expectFailedTurn(app, user, chatId, unreachable, 3);
        }),
      );
      const back = await startProviderDouble({ port });
      try {
        for (const { provider, chatId } of chats) {
          await expectNextTurn(app, user, chatId, bodyOf(provider));
        }
      } finally {
        await back.close();
      }
    } finally {
      await app.close();
    }
  });
});
