import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { configureAgent } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { answered, ISSUE, startWritingApp } from '../support/approvals.js';
import { type ChatApp, SERVER_KEYS, startBeside, startChatApp, userMessage } from '../support/chat-app.js';
import {
  answerRows,
  ANTHROPIC,
  askedModels,
  GOOGLE,
  idsOf,
  liveMetadata,
  OPENAI,
  script,
  SHORT_COOL_DOWN,
  status,
  withFallbacks,
} from '../support/fallbacks.js';
import { send, storedAnswer } from '../support/turns.js';

/** Ten times as expensive as the default model, and more. */
const DEAR = 'anthropic/claude-opus-4-6';
const GOOGLE_KEY = { 'x-google-api-key': 'good-google-key-of-a-user' };
const ANTHROPIC_KEY = { 'x-anthropic-api-key': 'good-anthropic-key-of-a-user' };

describe('who pays for a fallback model', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp(SHORT_COOL_DOWN);
  });

  beforeEach(async () => {
    app.double.reset();
    user = await app.createUser();
    await sleep(60);
  });

  afterAll(() => app.close());

  const ask = (headers: Record<string, string> = {}, chatId = randomUUID()) =>
    app.say(user, chatId, 'Hello', { body: { agent: 'chat' }, headers });

  /** The last call of an answer had this key. */
  const lastKey = () => {
    const { headers } = app.double.requests.filter(({ stream }) => stream).at(-1)!;
    return headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers.authorization;
  };

  describe('with a budget', () => {
    const parameters = { maxOutputTokens: 1_000 };
    const withBudget = (daily: number, ids: string[]) =>
      withFallbacks(app, ids, { budget: { daily }, parameters });

    afterAll(() => withFallbacks(app, [], { budget: {}, parameters: {} }));

    it('is not asked if it does not fit, and a cheaper one is', async () => {
      await withBudget(0.01, [DEAR, OPENAI]);
      script(app, 'google', status(500));
      const answer = await ask();
      expect([answer.status, liveMetadata(answer.chunks).model]).toEqual([200, OPENAI]);
      expect(askedModels(app)).toEqual([GOOGLE, OPENAI]);
    });

    it('leaves the error of the first model if none fits', async () => {
      await withBudget(0.01, [DEAR]);
      script(app, 'google', status(429, 20), 3);
      const { status: code, problem } = await ask();
      expect([code, problem.code, problem.detail]).toEqual([
        429,
        'rate_limited',
        expect.stringMatching(/^Google/),
      ]);
      expect(askedModels(app)).toEqual([GOOGLE]);
    });

    it('takes over what was reserved for the first model, and reserves the rest', async () => {
      await withBudget(1, [DEAR]);
      script(app, 'google', { ...status(500), firstDelayMs: 100 });
      script(app, 'anthropic', { text: ['One ', 'two'], pauseAfter: 1 });
      const reader = await send(app, user, {
        id: randomUUID(),
        message: userMessage('Hello'),
        agent: 'chat',
      });
      await reader.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
      const [run] = await app.database.query(
        'select reserved_cost::float8 as cost from switchboard.runs where user_id = $1',
        [user.id],
      );
      // 1,000 tokens of output at 25 USD a million, and a short prompt.
      expect(run!['cost']).toBeGreaterThan(0.025);
      expect(run!['cost']).toBeLessThan(0.027);
      app.double.resume();
      await reader.rest();
      expect(
        await app.database.query('select 1 from switchboard.runs where user_id = $1', [user.id]),
      ).toEqual([]);
    });

    it('does not make suggestions that do not fit, and a cheaper one does', async () => {
      const suggested = '{"suggestions":[{"originalText":"pulls","suggestedText":"draws"}]}';
      const suggest = async (ids: string[]) => {
        await configureAgent(
          app,
          'google',
          { fallbackModels: idsOf(...ids), budget: { daily: 0.04 } },
          'artifact',
        );
        app.double.reset();
        app.double.enqueue(status(500), { when: ({ provider }) => provider === 'google', times: 3 });
        app.double.enqueue({ text: [suggested] }, { when: ({ provider }) => provider === 'openai' });
        const body = { title: 'Tides', kind: 'text', content: 'The moon pulls the sea.' };
        const { id } = (await app.request('POST', '/api/documents', { user, body })).body;
        const made = await app.request('POST', `/api/documents/${id}/suggestions`, { user, body: {} });
        await sleep(60);
        return { made, asked: app.double.requests.map(({ provider }) => provider) };
      };
      const none = await suggest([DEAR]);
      expect([none.made.status, none.made.body.detail]).toEqual([502, expect.stringMatching(/^Google/)]);
      expect(none.asked).toEqual(['google']);

      const cheap = await suggest([DEAR, OPENAI]);
      expect(cheap.asked).toEqual(['google', 'openai']);
      expect(cheap.made.body.items).toMatchObject([{ suggestedText: 'draws' }]);
    });

    it('is not paid with the server’s key beyond the budget, in place of a call with the user’s own key', async () => {
      await withBudget(0.000001, [ANTHROPIC]);
      script(app, 'google', status(429, 20), 3);
      const { status: code, problem } = await ask(GOOGLE_KEY);
      expect([code, problem.code]).toEqual([429, 'rate_limited']);
      expect(askedModels(app)).toEqual([GOOGLE]);
    });
  });

  describe('with keys of users', () => {
    beforeAll(() => withFallbacks(app, [ANTHROPIC, OPENAI], { budget: {}, parameters: {} }));

    it('uses the user’s own key if there is one, or else the server’s', async () => {
      script(app, 'google', status(429));
      const chatId = randomUUID();
      await ask({ ...GOOGLE_KEY, ...ANTHROPIC_KEY }, chatId);
      expect([askedModels(app).at(-1), lastKey()]).toEqual([ANTHROPIC, ANTHROPIC_KEY['x-anthropic-api-key']]);

      await sleep(60);
      script(app, 'google', status(429));
      await ask(GOOGLE_KEY);
      expect([askedModels(app).at(-1), lastKey()]).toEqual([ANTHROPIC, SERVER_KEYS.ANTHROPIC_API_KEY]);
      const rows = await app.database.query(
        `select metadata ->> 'ownKey' as own from usage_logs
          where user_id = $1 and metadata ->> 'purpose' = 'answer' order by request_timestamp`,
        [user.id],
      );
      expect(rows.map(({ own }) => own)).toEqual(['true', 'true', 'true', 'false']);
    });

    it('does not hide that the user’s own key is refused', async () => {
      const { status: code, problem } = await ask({ 'x-google-api-key': 'bad-key' });
      expect([code, problem.code]).toEqual([400, 'api_key_missing']);
      expect(askedModels(app)).toEqual([GOOGLE]);
    });

    it('skips models without a key', async () => {
      const other = await startBeside(app, { ...SHORT_COOL_DOWN, ANTHROPIC_API_KEY: '' });
      try {
        script(other, 'google', status(500));
        const answer = await other.say(user, randomUUID(), 'Hello', { body: { agent: 'chat' } });
        expect(liveMetadata(answer.chunks)).toMatchObject({ model: OPENAI });
        expect(askedModels(other)).toEqual([GOOGLE, OPENAI]);
      } finally {
        await other.close();
      }
    });
  });
});

describe('a write at GitHub', () => {
  let app: Awaited<ReturnType<typeof startWritingApp>>;

  beforeAll(async () => {
    app = await startWritingApp();
    await configureAgent(app, 'google', { fallbackModels: idsOf(ANTHROPIC) }, 'git_mcp');
  });

  afterAll(() => app.close());

  it('is asked for by a fallback model, and made once, even if the model fails after it', async () => {
    const chat = await app.openChat();
    script(app, 'google', status(500));
    const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
    expect(waiting.metadata).toMatchObject({ model: ANTHROPIC });
    expect(await answerRows(app, chat.chatId)).toHaveLength(2);

    script(app, 'anthropic', status(429, 60));
    script(app, 'google', status(429, 60));
    const answer = await chat.approve(answered(waiting, true));
    expect(answer.problem).toBeUndefined();
    expect(answer.chunks.some(({ type }) => type === 'tool-output-available')).toBe(true);
    expect(answer.chunks.at(-1)).toMatchObject({ type: 'error' });
    expect(app.mcp.world.writes).toEqual([{ tool: 'create_issue', input: ISSUE }]);
    expect((await storedAnswer(app, chat.user, chat.chatId)).status).toBe('failed');
  });
});
