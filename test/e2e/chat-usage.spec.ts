import { randomUUID } from 'node:crypto';
import { Decimal } from 'decimal.js';
import type { Script } from '../doubles/script.js';
import { isRoutingCall } from '../doubles/wire/reply.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { messagesOf, saying, stop } from '../support/turns.js';

/** Every model call is a row of usage_logs, counted and billed exactly once, and all sums agree. */

/** USD per million tokens, as seeded: input, cache reads, cache writes, output. */
const PRICES: Record<string, [number, number, number, number]> = {
  'gemini-2.5-flash': [0.3, 0.03, 0.3, 2.5],
  'gpt-4o-mini': [0.15, 0.075, 0.15, 0.6],
  'claude-sonnet-4-5': [3, 0.3, 3.75, 15],
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of rows
type Row = Record<string, any>;

const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];
const TITLE_USAGE = { input: 40, output: 10 };

const figuresOf = ({ input_tokens, output_tokens, total_cost }: Row) => ({
  inputTokens: input_tokens,
  outputTokens: output_tokens,
  cost: Number(total_cost),
});

describe('usage of a chat', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(() =>
    app.double.enqueue(
      { usage: TITLE_USAGE },
      { times: 99, when: ({ instructions }) => instructions.includes('short title') },
    ),
  );

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  /** The rows of a chat, oldest first, once all of them are present and closed. */
  const rowsOf = (chatId: string, count: number | undefined): Promise<Row[]> =>
    eventually(async () => {
      const rows = await app.database.query(
        `select agent_type, model_used, provider, input_tokens, output_tokens, total_tokens, input_cost::text,
                output_cost::text, total_cost::text, request_timestamp, response_timestamp, duration_ms, metadata
           from usage_logs where chat_id = $1 and user_id = $2 order by request_timestamp`,
        [chatId, user.id],
      );
      return (
        rows.length === (count ?? rows.length) &&
        rows.every(({ response_timestamp }) => response_timestamp) &&
        rows
      );
    });

  const rowOf = async (chatId: string, count: number | undefined, purpose = 'answer'): Promise<Row> =>
    (await rowsOf(chatId, count)).find(({ metadata }) => metadata.purpose === purpose)!;

  const chatOf = async (chatId: string) => (await app.request('GET', `/api/chats/${chatId}`, { user })).body;

  /** The sums of the chat are those of its rows. */
  async function expectTotals(chatId: string, rows: Row[]): Promise<void> {
    const sum = (pick: (row: Row) => number | string) =>
      rows.reduce((total, row) => total.plus(pick(row)), new Decimal(0)).toNumber();
    expect(await chatOf(chatId)).toMatchObject({
      totalInputTokens: sum((row) => row.input_tokens),
      totalOutputTokens: sum((row) => row.output_tokens),
      totalCost: sum((row) => row.total_cost),
    });
  }

  const say = (model: string, chatId: string, script: Script, headers = {}) => {
    app.double.enqueue({ text: ['So ', 'it ', 'is.'], ...script }, { when: ({ stream }) => stream });
    return app.say(user, chatId, 'How is it?', { body: { model, agent: 'chat' }, headers });
  };

  /** 1,000 input tokens, including 600 cache reads and 100 cache writes. 500 output tokens, including 200 for reasoning. */
  const USAGE = { input: 1_000, cachedRead: 600, cacheWrite: 100, output: 500, reasoning: 200 };

  it.each([
    // Gemini does not report cache writes: 400 × 0.3 + 600 × 0.03; 500 × 2.5
    [MODELS[0]!, { input: '0.000138', output: '0.001250', total: '0.001388', cacheWrite: 0 }],
    // OpenAI has no separate price for cache writes: 400 × 0.15 + 600 × 0.075; 500 × 0.6
    [MODELS[1]!, { input: '0.000105', output: '0.000300', total: '0.000405', cacheWrite: 100 }],
    // 300 × 3 + 600 × 0.3 + 100 × 3.75; 500 × 15
    [MODELS[2]!, { input: '0.001455', output: '0.007500', total: '0.008955', cacheWrite: 100 }],
  ])('is exact for %s, in every place', async (model, cost) => {
    const chatId = randomUUID();
    const before = Date.now();
    const answer = await say(model, chatId, { usage: USAGE, firstDelayMs: 200 });
    const after = Date.now();
    const [provider, modelId] = model.split('/');
    const row = await rowOf(chatId, 2);
    const [, message] = await messagesOf(app, user, chatId);
    expect(row).toEqual({
      agent_type: 'chat',
      model_used: modelId,
      provider,
      input_tokens: 1_000,
      output_tokens: 500,
      total_tokens: 1_500,
      input_cost: cost.input,
      output_cost: cost.output,
      total_cost: cost.total,
      request_timestamp: expect.any(Date),
      response_timestamp: expect.any(Date),
      duration_ms: expect.any(Number),
      metadata: {
        status: 'success',
        purpose: 'answer',
        requestId: answer.headers.get('x-request-id'),
        messageId: message!.id,
        answeredBy: modelId,
        priceVersion: 1,
        ownKey: false,
        finishReason: 'stop',
        cachedInputTokens: 600,
        cacheWriteTokens: cost.cacheWrite,
        reasoningTokens: 200,
        timeToFirstTokenMs: expect.any(Number),
        unroundedCost: expect.any(Object),
      },
    });
    const [requested, responded] = [row.request_timestamp.getTime(), row.response_timestamp.getTime()];
    expect(requested).toBeGreaterThanOrEqual(before);
    expect(responded).toBeLessThanOrEqual(after);
    // Timers can be early by one millisecond.
    for (const duration of [responded - requested, row.duration_ms, row.metadata.timeToFirstTokenMs]) {
      expect(duration).toBeGreaterThanOrEqual(198);
      expect(duration).toBeLessThanOrEqual(after - before);
    }

    const sums = { inputTokens: 1_000, outputTokens: 500, totalTokens: 1_500 };
    const usage = { ...sums, cachedInputTokens: 600, reasoningTokens: 200 };
    const told = { agentType: 'chat', model, usage, cost: Number(cost.total) };
    expect(answer.chunks.at(-1)).toMatchObject({ type: 'finish', messageMetadata: told });
    expect(message).toMatchObject({ modelUsed: modelId, ...figuresOf(row), metadata: told });
    expect((await chatOf(chatId)).lastContext).toMatchObject({ ...told.usage, model, cost: told.cost });
  });

  it('rounds half up to six decimals, once, and keeps the exact value', async () => {
    const chatId = randomUUID();
    // 7 × 0.3 = 2.1; 3 × 2.5 = 7.5; 9.6 millionths together
    await say(MODELS[0]!, chatId, { usage: { input: 7, output: 3 } });
    const row = await rowOf(chatId, 2);
    expect([row.input_cost, row.output_cost, row.total_cost]).toEqual(['0.000002', '0.000008', '0.000010']);
    expect(row.metadata.unroundedCost).toEqual({
      inputCost: '0.0000021',
      outputCost: '0.0000075',
      totalCost: '0.0000096',
    });
  });

  it.each([
    // 40 × 0.1 + 10 × 0.4
    [MODELS[0]!, 'gemini-2.5-flash-lite', '0.000008'],
    // 40 × 0.15 + 10 × 0.6
    [MODELS[1]!, 'gpt-4o-mini', '0.000012'],
    // 40 × 1 + 10 × 5
    [MODELS[2]!, 'claude-haiku-4-5', '0.000090'],
  ])('has a separate row for the title beside %s', async (model, titleModel, cost) => {
    const chatId = randomUUID();
    const answer = await say(model, chatId, { usage: { input: 30, output: 20 } });
    const title = await rowOf(chatId, 2, 'title');
    expect(title).toMatchObject({
      agent_type: 'chat',
      model_used: titleModel,
      input_tokens: 40,
      output_tokens: 10,
      total_cost: cost,
      metadata: { status: 'success', requestId: answer.headers.get('x-request-id'), ownKey: false },
    });
    expect(title.metadata).not.toHaveProperty('messageId');
    // The chat pays for it, and the answer does not.
    expect((await messagesOf(app, user, chatId))[1]).toMatchObject({ inputTokens: 30, outputTokens: 20 });
    expect(await chatOf(chatId)).toMatchObject({ totalInputTokens: 70, totalOutputTokens: 30 });
    await expectTotals(chatId, await rowsOf(chatId, 2));

    // There is no second one, and the sums continue.
    await say(model, chatId, { usage: { input: 300, output: 200 } });
    await expectTotals(chatId, await rowsOf(chatId, 3));
    expect(await chatOf(chatId)).toMatchObject({ totalInputTokens: 370, totalOutputTokens: 230 });
  });

  it('has a separate row for routing, which counts toward the chat and not the answer', async () => {
    const chatId = randomUUID();
    app.double.enqueue(
      { text: ['{"agent":"chat","reason":"It is a question."}'], usage: { input: 77, output: 7 } },
      { when: isRoutingCall },
    );
    app.double.enqueue({ text: ['So.'], usage: { input: 30, output: 20 } }, { when: ({ stream }) => stream });
    await app.say(user, chatId, 'How is it?', { body: { model: MODELS[0] } });
    const rows = await rowsOf(chatId, 3);
    const routing = rows.find(({ metadata }) => metadata.purpose === 'routing');
    expect(routing).toMatchObject({ agent_type: 'routing', input_tokens: 77, output_tokens: 7 });
    expect((await messagesOf(app, user, chatId))[1]).toMatchObject({ inputTokens: 30, outputTokens: 20 });
    await expectTotals(chatId, rows);
  });

  it.each(MODELS)('counts a stopped answer of %s, and marks estimates', async (model) => {
    const chatId = randomUUID();
    const text = ['Half of it has been said ', 'by now, ', 'and the rest ', 'is not.'];
    app.double.enqueue({ text, usage: USAGE, pauseAfter: 2 });
    const body = { id: chatId, message: userMessage('Go on'), model, agent: 'chat' };
    const reader = await app.open(user, body);
    await reader.until(saying('by now, '));
    expect(await stop(app, user, chatId)).toEqual({ stopped: true });
    await reader.rest();
    await app.double.until(() =>
      app.double.requests.some(({ stream, state }) => stream && state === 'ended'),
    );

    const rows = await rowsOf(chatId, 2);
    const row = rows.find(({ metadata }) => metadata.purpose === 'answer')!;
    const reported = app.double.reported().find(({ ended }) => ended === 'cut');
    const estimate = Math.ceil((text[0]! + text[1]!).length / 4);
    expect(row.metadata).toMatchObject({
      status: 'aborted',
      estimated: true,
      cachedInputTokens: reported?.cachedRead ?? 0,
      cacheWriteTokens: reported?.cacheWrite ?? 0,
    });
    if (model.startsWith('openai')) expect(reported).toBeUndefined();
    else expect(row.input_tokens).toBe(1_000);
    expect(row.output_tokens).toBe(Math.max(estimate, reported?.output ?? 0));
    const [plain, read, write, out] = PRICES[row.model_used]!;
    const { cachedInputTokens: cached, cacheWriteTokens: written } = row.metadata;
    const cost = new Decimal(row.input_tokens - cached - written)
      .times(plain)
      .plus(new Decimal(cached).times(read))
      .plus(new Decimal(written).times(write))
      .plus(new Decimal(row.output_tokens).times(out));
    expect(row.total_cost).toBe(cost.dividedBy(1_000_000).toFixed(6, Decimal.ROUND_HALF_UP));
    expect((await messagesOf(app, user, chatId)).at(-1)).toMatchObject({
      status: 'stopped',
      ...figuresOf(row),
    });
    await expectTotals(chatId, rows);
  });

  it('bills the prompt of an answer that is stopped before any data', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ fault: { type: 'stall-before-first-byte' } });
    const text = 'The tide comes in, and the tide goes out. '.repeat(400);
    const body = { id: chatId, message: userMessage(text), model: MODELS[0], agent: 'chat' };
    const waiting = app.post(user, body);
    await app.double.until(() => app.double.requests[0]?.state === 'held');
    expect(await stop(app, user, chatId)).toEqual({ stopped: true });
    await waiting;
    const row = await rowOf(chatId, undefined);
    expect(row).toMatchObject({ output_tokens: 0, metadata: { status: 'aborted', estimated: true } });
    expect(row.input_tokens).toBeGreaterThan(4_000);
    expect(row.input_tokens).toBeLessThan(5_500);
    expect(Number(row.total_cost)).toBeGreaterThan(0);
    expect((await messagesOf(app, user, chatId))[1]).toMatchObject(figuresOf(row));
  });

  it('counts each attempt of a retried answer', async () => {
    const chatId = randomUUID();
    const fault = { type: 'reset-after', chunks: 0 } as const;
    app.double.enqueue({ text: ['never'], usage: { input: 1_000, output: 9 }, fault });
    const answer = await say(MODELS[2]!, chatId, { usage: { input: 1_000, output: 20 } });
    const rows = await rowsOf(chatId, 3);
    const attempts = rows.filter(({ metadata }) => metadata.purpose === 'answer');
    // Anthropic had reported the input of the first attempt, and that it had begun to write.
    expect(attempts.map((row) => [row.input_tokens, row.output_tokens, row.metadata.status])).toEqual([
      [1_000, 1, 'error'],
      [1_000, 20, 'success'],
    ]);
    expect(answer.chunks.at(-1).messageMetadata.usage).toMatchObject({
      inputTokens: 2_000,
      outputTokens: 21,
    });
    expect((await messagesOf(app, user, chatId))[1]).toMatchObject({ inputTokens: 2_000, outputTokens: 21 });
    await expectTotals(chatId, rows);
  });

  it('records whose key was used', async () => {
    for (const [own, headers] of [
      [true, { 'x-openai-api-key': 'my-own-key' }],
      [false, { 'x-google-api-key': 'for-another-provider' }],
    ] as const) {
      const chatId = randomUUID();
      await say(MODELS[1]!, chatId, { usage: { input: 1, output: 1 } }, headers);
      expect((await rowsOf(chatId, 2)).map(({ metadata }) => metadata.ownKey)).toEqual([own, own]);
    }
  });
});
