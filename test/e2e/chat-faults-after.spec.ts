import { RUNNING_CALLS } from '../../src/modules/usage/usage-words.js';
import { randomUUID } from 'node:crypto';
import { ANSWER_LIMIT } from '../../src/modules/turns/turn.js';
import type { ErrorReason, Fault, UsageLie } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import {
  type Answer,
  type ChatApp,
  eventually,
  SERVER_KEYS,
  startBeside,
  startChatApp,
  userMessage,
} from '../support/chat-app.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { answerCalls, messagesOf, saying, storedAnswer, textOfParts } from '../support/turns.js';

/**
 * Faults after a part of the answer has arrived. The call is not repeated, the reader gets an error at the end of the
 * stream, and the text so far is kept and paid for. Unhandled rejections fail a test by themselves.
 */

const PROVIDERS = {
  google: { model: 'google/gemini-2.5-flash', name: 'Google' },
  openai: { model: 'openai/gpt-4o-mini', name: 'OpenAI' },
  /** OpenAI's older API, which gateways and local servers use. */
  openaiChat: { model: 'openai/gpt-4o-mini', name: 'OpenAI' },
  anthropic: { model: 'anthropic/claude-sonnet-4-5', name: 'Anthropic' },
};
type Provider = keyof typeof PROVIDERS;
const ALL = Object.keys(PROVIDERS) as Provider[];

const TEXT = ['one ', 'two ', 'three ', 'four'];
const FIRST_BYTE_TIMEOUT = 4_000;
const IDLE_TIMEOUT = 800;

/** What the reader is told (with NAME for the provider), and what is recorded in the call's row. */
type Meaning = [text: string, code: string];

const brokenOff: Meaning = ['NAME ended its answer early.', 'upstream_error'];
const late: Meaning = ['NAME did not respond in time.', 'upstream_timeout'];
const errorFrame = (reason: ErrorReason): Fault => ({ type: 'error-frame', chunks: 2, reason });

const CASES: Array<[Fault, ...Meaning]> = [
  [{ type: 'reset-after', chunks: 2 }, ...brokenOff],
  [{ type: 'half-close', chunks: 2 }, ...brokenOff],
  [{ type: 'half-close', chunks: 2, abrupt: true }, ...brokenOff],
  [{ type: 'malformed', chunks: 2 }, ...brokenOff],
  [{ type: 'stall-after', chunks: 2 }, ...late],
  [errorFrame('internal'), ...brokenOff],
  [errorFrame('overloaded'), 'NAME is overloaded. Try again.', 'upstream_error'],
  [errorFrame('rate-limit'), 'NAME is rate limiting requests. Try again in 30 s.', 'rate_limited'],
  [
    errorFrame('context-length'),
    'The conversation has become too long for this model. Start a new chat or choose another model.',
    'upstream_error',
  ],
];

/** One question to one of the providers, in its own chat. */
interface Ask {
  app: ChatApp;
  provider: Provider;
  chatId: string;
  question: string;
  body: object;
}

/** 16 MB, of the stored form. */
const FULL_LIMIT = 16 * 1024 ** 2;

describe('faults after the first byte', () => {
  let app: ChatApp;
  /** Another instance on the same database that uses OpenAI's older API. */
  let chatApp: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    const environment = {
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: String(FIRST_BYTE_TIMEOUT),
      UPSTREAM_IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT),
    };
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

  const askOf = (provider: Provider): Ask => ({
    app: provider === 'openaiChat' ? chatApp : app,
    provider,
    chatId: randomUUID(),
    question: randomUUID(),
    body: { model: PROVIDERS[provider].model, agent: 'chat' },
  });

  const everywhere = (check: (ask: Ask) => Promise<void>) => Promise.all(ALL.map(askOf).map(check));

  const program = ({ app: { double }, question }: Ask, fault: Fault) =>
    double.enqueue(
      { text: TEXT, usage: { input: 100, output: 40 }, fault },
      { times: 2, when: ({ stream, userText }) => stream && userText === question },
    );

  const send = (ask: Ask) => ask.app.say(user, ask.chatId, ask.question, ask);

  const callsOf = (chatId: string) =>
    app.database.query(
      `select input_tokens as "inputTokens", output_tokens as "outputTokens", total_cost::float as cost,
              response_timestamp is not null as closed, metadata
         from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [chatId],
    );

  /** The stream ended properly, with a readable message. All text that arrived is stored. */
  async function expectFailedAnswer(
    { app, provider, chatId }: Ask,
    answer: Answer,
    [text, code]: Meaning,
    arrived: string,
  ): Promise<void> {
    const errorText = text.replace('NAME', PROVIDERS[provider].name);
    expect([provider, answer.status, answer.done]).toEqual([provider, 200, true]);
    expect(answer.text).toBe(arrived);
    expect(answer.chunks.at(-1)).toEqual({ type: 'error', errorText });
    const count = (type: string) => answer.chunks.filter((chunk) => chunk.type === type).length;
    expect([count('error'), count('finish'), count('text-end')]).toEqual([1, 0, count('text-start')]);
    for (const key of Object.values(SERVER_KEYS)) expect(JSON.stringify(answer.chunks)).not.toContain(key);

    // Everything is in place as soon as the stream has ended.
    const stored = (await messagesOf(app, user, chatId)).at(-1)!;
    expect([stored.role, stored.status, textOfParts(stored)]).toEqual(['assistant', 'failed', arrived]);
    expect(stored.parts.some(({ state }) => state === 'streaming')).toBe(false);
    expect(stored.metadata.error).toEqual({ code, message: errorText });
    expect(await app.database.query('select 1 from "Stream" where "chatId" = $1', [chatId])).toEqual([]);
    expect((await app.request('GET', `/api/chats/${chatId}`, { user })).body.isStreaming).toBe(false);
  }

  /** One call, counted with the provider's figures and an estimate of the rest. No row stays open. */
  async function expectCounted({ provider, chatId }: Ask, status: string, code?: string): Promise<void> {
    const calls = await callsOf(chatId);
    expect(calls).toHaveLength(1);
    const [{ metadata, closed, ...figures }] = calls;
    expect({ provider, closed, ...metadata }).toMatchObject({
      provider,
      closed: true,
      status,
      estimated: true,
    });
    expect(metadata.errorCode).toBe(code);
    expect(metadata.finishReason).not.toBe('stop');
    // OpenAI reports nothing for an interrupted stream.
    if (provider.startsWith('openai')) expect(figures.inputTokens).toBeGreaterThan(0);
    else expect(figures.inputTokens).toBe(100);
    expect(figures.outputTokens).toBeGreaterThan(0);
    expect((await messagesOf(app, user, chatId)).at(-1)).toMatchObject(figures);
    await eventually(async () => {
      const open = `select 1 from ${RUNNING_CALLS} as running where chat_id = $1`;
      return (await app.database.query(open, [chatId])).length === 0;
    });
  }

  async function expectNextTurn({ app, chatId, body }: Ask): Promise<Answer> {
    const next = await app.say(user, chatId, 'And now?', { body });
    expect([next.status, next.text, next.done]).toEqual([200, 'You said: And now?', true]);
    const statuses = (await messagesOf(app, user, chatId)).map(({ status }) => status);
    expect(statuses).toEqual(['complete', 'failed', 'complete', 'complete']);
    return next;
  }

  eachSideBySide('%j', CASES, async (fault, text, code) => {
    await everywhere(async (ask) => {
      program(ask, fault);
      const answer = await send(ask);
      await expectFailedAnswer(ask, answer, [text, code], 'one two ');
      await expectCounted(ask, 'error', code);
      const { app, question } = ask;
      expect(answerCalls(app, question)).toHaveLength(1);
      await app.double.until(() => answerCalls(app, question)[0]?.state === 'ended');

      await expectNextTurn(ask);
      const sent = app.double.requests.map(({ body }) => JSON.stringify(body));
      const next = sent.find((body) => body.includes(question) && body.includes('And now?'));
      expect(next).toContain('one two');
    });
  });

  it('treat an answer without its final event as broken, even if all text has arrived', async () => {
    await everywhere(async (ask) => {
      program(ask, { type: 'half-close', chunks: 99 });
      const answer = await send(ask);
      await expectFailedAnswer(ask, answer, brokenOff, TEXT.join(''));
      await expectCounted(ask, 'error', 'upstream_error');
      await expectNextTurn(ask);
    });
  });

  it('allow a slow model as long as it continues', async () => {
    await everywhere(async (ask) => {
      const { app, question } = ask;
      app.double.enqueue(
        { text: TEXT, firstDelayMs: IDLE_TIMEOUT * 1.5, chunkDelayMs: IDLE_TIMEOUT / 2 },
        { when: ({ stream, userText }) => stream && userText === question },
      );
      const answer = await send(ask);
      expect([answer.status, answer.text, answer.chunks.at(-1).type]).toEqual([200, TEXT.join(''), 'finish']);
      expect(answerCalls(app, question)).toHaveLength(1);
    });
  });

  afterEach(() => {
    ANSWER_LIMIT.size = FULL_LIMIT;
  });

  it('end an endless answer, and read no more of it', async () => {
    // A quarter of the limit shows the same for four providers. It is put back in `afterEach`, because the test may run twice.
    const limit = FULL_LIMIT / 4;
    expect(ANSWER_LIMIT.size).toBe(FULL_LIMIT);
    ANSWER_LIMIT.size = limit;
    for (const ask of ALL.map(askOf)) {
      const { app, question, chatId } = ask;
      program(ask, { type: 'flood', characters: 20 * limit });
      // The reader only reads the beginning until the answer is stored: nothing may depend on it.
      const reader = await app.open(user, { id: chatId, message: userMessage(question), ...ask.body });
      await reader.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
      await eventually(async () => {
        const [answer] = await app.database.query(
          `select status from "Message_v2" where "chatId" = $1 and role = 'assistant'`,
          [chatId],
        );
        return answer.status === 'failed';
      });
      const stored = await storedAnswer(app, user, chatId);
      expect(textOfParts(stored).length).toBeLessThan(limit + 100_000);
      const meaning: Meaning = ['The answer became too long and was stopped.', 'upstream_error'];
      await expectFailedAnswer(ask, await reader.rest(), meaning, textOfParts(stored));
      await expectCounted(ask, 'aborted');

      await app.double.until(() => answerCalls(app, question)[0]?.state === 'ended');
      const [call, ...more] = answerCalls(app, question);
      expect([call!.closedByClient, more]).toEqual([true, []]);
      // The data in transit then is limited by the buffers of the connection: on Linux, up to 10 MB.
      expect(call!.chunks * 8_400).toBeLessThan(4 * limit);
      await expectNextTurn(ask);
    }
  });

  it.each<UsageLie>(['negative', 'absurd', 'missing'])(
    'lead to an estimate if the figures are %s',
    async (lie) => {
      await everywhere(async (ask) => {
        program(ask, { type: 'usage-lies', lie });
        const answer = await send(ask);
        expect([answer.text, answer.chunks.at(-1).type]).toEqual([TEXT.join(''), 'finish']);
        const [{ metadata, ...figures }] = await callsOf(ask.chatId);
        expect(metadata).toMatchObject({ status: 'success', estimated: true, finishReason: 'stop' });
        expect(metadata).toMatchObject({ cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 });
        // An estimate of the text, and of the prompt of a few words with its instructions.
        expect(figures).toMatchObject({ closed: true, outputTokens: 4 });
        expect(figures.inputTokens).toBeGreaterThan(10);
        expect(figures.inputTokens).toBeLessThan(200);
        expect(answer.chunks.at(-1).messageMetadata.usage).toMatchObject({
          outputTokens: 4,
          cachedInputTokens: 0,
        });
      });
    },
  );

  it('bill parts that are larger than their whole as plain input', async () => {
    await everywhere(async (ask) => {
      program(ask, { type: 'usage-lies', lie: 'inconsistent' });
      await send(ask);
      const [{ metadata, ...figures }] = await callsOf(ask.chatId);
      expect(figures).toMatchObject({ inputTokens: 100, outputTokens: 40, closed: true });
      expect(metadata).toMatchObject({ status: 'success', cachedInputTokens: 0, reasoningTokens: 0 });
    });
  });

  it('are reported to all readers, also to late ones', async () => {
    const ask = askOf('openai');
    app.double.enqueue({ text: TEXT, pauseAfter: 1, fault: { type: 'reset-after', chunks: 2 } });
    const message = { id: ask.chatId, message: userMessage(ask.question, 'q'), ...ask.body };
    const first = await app.open(user, message);
    await first.until(saying('one '));
    const second = await app.open(user, message);
    await second.until(saying('one '));
    app.double.resume();
    for (const reader of [first, second])
      await expectFailedAnswer(ask, await reader.rest(), brokenOff, 'one two ');
  });
});
