import { randomUUID } from 'node:crypto';
import { isCallBesideAnswer } from '../doubles/wire/reply.js';
import type { TestUser } from '../support/app.js';
import { configureAgent, type Provider, PROVIDERS } from '../support/agent-config.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { answerCalls } from '../support/turns.js';

/** Thinking is enabled and disabled with each message, in every vendor's own format. */
describe('thinking', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(async () => {
    app.double.reset();
    for (const provider of PROVIDERS) {
      await configureAgent(app, provider, { capabilities: { thinking: false }, parameters: {} });
    }
  });
  afterAll(() => app.close());

  /** The request that the model got. */
  async function askedWith(model: string, thinking?: boolean): Promise<Record<string, unknown>> {
    const question = `Question ${randomUUID()}`;
    const answer = await app.say(user, randomUUID(), question, { body: { model, thinking } });
    expect([answer.status, answer.done]).toEqual([200, true]);
    const [call] = answerCalls(app, question);
    return call?.body as Record<string, unknown>;
  }

  /** The field in which each vendor has the output limit. */
  function limitOf(body: Record<string, unknown>): unknown {
    const { maxOutputTokens } = (body['generationConfig'] ?? {}) as { maxOutputTokens?: number };
    return body['max_tokens'] ?? body['max_output_tokens'] ?? maxOutputTokens;
  }

  const google = (thinkingConfig?: object): object =>
    expect.objectContaining({
      generationConfig: thinkingConfig
        ? expect.objectContaining({ thinkingConfig })
        : expect.not.objectContaining({ thinkingConfig: expect.anything() }),
    });
  const reasoning = (expected: object): object => expect.objectContaining({ reasoning: expected });
  const without = (field: string): object => expect.not.objectContaining({ [field]: expect.anything() });

  it.each<[model: string, on: object, off: object]>([
    ['google/gemini-2.5-flash', google({ includeThoughts: true }), google({ thinkingBudget: 0 })],
    ['google/gemini-2.5-pro', google({ includeThoughts: true }), google({ thinkingBudget: 128 })],
    // It does not think without a budget.
    [
      'google/gemini-2.5-flash-lite',
      google({ includeThoughts: true, thinkingBudget: -1 }),
      google({ thinkingBudget: 0 }),
    ],
    [
      'google/gemini-3-flash-preview',
      google({ includeThoughts: true }),
      google({ thinkingLevel: 'minimal' }),
    ],
    ['google/gemini-3-pro-preview', google({ includeThoughts: true }), google({ thinkingLevel: 'low' })],
    ['openai/gpt-5', reasoning({ effort: 'medium', summary: 'auto' }), reasoning({ effort: 'minimal' })],
    ['openai/gpt-5.2', reasoning({ effort: 'medium', summary: 'auto' }), reasoning({ effort: 'none' })],
    [
      'anthropic/claude-sonnet-4-5',
      expect.objectContaining({ thinking: { type: 'enabled', budget_tokens: 4_096 } }),
      without('thinking'),
    ],
    [
      'anthropic/claude-opus-4-6',
      expect.objectContaining({ thinking: { type: 'adaptive', display: 'summarized' } }),
      expect.objectContaining({ thinking: { type: 'disabled' } }),
    ],
  ])('of %s is on or off, and off if the configuration says so', async (model, on, off) => {
    expect(await askedWith(model, true)).toEqual(on);
    expect(await askedWith(model, false)).toEqual(off);
    expect(await askedWith(model)).toEqual(off);
  });

  it.each<[provider: Provider, model: string, on: object, off: object, unsaid: object]>([
    [
      'google',
      'gemini-2.5-flash',
      google({ includeThoughts: true }),
      google({ thinkingBudget: 0 }),
      google(),
    ],
    [
      'openai',
      'gpt-5',
      reasoning({ effort: 'medium', summary: 'auto' }),
      reasoning({ effort: 'minimal' }),
      without('reasoning'),
    ],
    [
      'anthropic',
      'claude-sonnet-4-5',
      expect.objectContaining({ thinking: { type: 'enabled', budget_tokens: 4_096 } }),
      without('thinking'),
      without('thinking'),
    ],
  ])(
    'of %s follows the message, or else the configuration, or else the vendor',
    async (provider, name, on, off, unsaid) => {
      const model = `${provider}/${name}`;
      await configureAgent(app, provider, { capabilities: { thinking: true } });
      expect(await askedWith(model)).toEqual(on);
      expect(await askedWith(model, false)).toEqual(off);
      await configureAgent(app, provider, { capabilities: {} });
      expect(await askedWith(model)).toEqual(unsaid);
      expect(await askedWith(model, true)).toEqual(on);
    },
  );

  it.each([
    ['google/gemini-2.5-flash', 2_000],
    ['openai/gpt-5', 2_000],
    ['anthropic/claude-sonnet-4-5', 2_000],
  ])('does not reduce the output limit of %s', async (model, maxOutputTokens) => {
    const provider = model.slice(0, model.indexOf('/')) as Provider;
    await configureAgent(app, provider, { parameters: { maxOutputTokens, temperature: 0.4, topK: 20 } });
    const body = await askedWith(model, true);
    const limit = limitOf(body);
    const budget = (body['thinking'] as { budget_tokens?: number } | undefined)?.budget_tokens ?? 0;
    expect(limit).toBeGreaterThan(maxOutputTokens + budget - 1);
    expect(limit).toBeGreaterThan(maxOutputTokens);
    expect(limitOf(await askedWith(model, false))).toBe(maxOutputTokens);
  });

  it('is part of what a budget reserves', async () => {
    await configureAgent(app, 'google', { parameters: { maxOutputTokens: 1_000 }, budget: { daily: 0.1 } });
    const thinker = await app.createUser();
    // 0.0425 USD, nearly all of it for reasoning.
    const usage = { input: 20, output: 17_000, reasoning: 16_000 };
    app.double.enqueue({ usage, firstDelayMs: 300 }, { when: ({ stream }) => stream, times: 6 });
    const body = { model: 'google/gemini-2.5-flash', agent: 'chat', thinking: true };
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => app.say(thinker, randomUUID(), 'Think', { body })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    const [spent] = await app.database.query(
      `select sum(total_cost)::float8 as cost from usage_logs where user_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [thinker.id],
    );
    expect(spent.cost).toBeGreaterThan(0.08);
    expect(spent.cost).toBeLessThanOrEqual(0.1);
    await configureAgent(app, 'google', { budget: {} });
  });

  it('is not used for the small calls beside the answer', async () => {
    await configureAgent(app, 'google', { capabilities: { thinking: true } });
    await app.say(user, randomUUID(), 'A question that gives a chat its title', {
      body: { model: 'google/gemini-2.5-flash', thinking: true },
    });
    const thoughts = google({ thinkingBudget: 0 });
    const small = app.double.requests.filter(isCallBesideAnswer);
    expect(small.map(({ body }) => body)).toEqual([thoughts, thoughts]);
  });

  it('counts reasoning tokens once, and shows them', async () => {
    const chat = randomUUID();
    app.double.enqueue({
      reasoning: ['Let me ', 'think.'],
      text: ['Done.'],
      usage: { input: 100, output: 60, reasoning: 40 },
    });
    const answer = await app.say(user, chat, 'Think', {
      body: { model: 'google/gemini-2.5-flash', thinking: true },
    });
    expect(answer.chunks.some(({ type }) => type === 'reasoning-delta')).toBe(true);
    const { messageMetadata } = answer.chunks.at(-1) as {
      messageMetadata: { usage: Record<string, number>; cost: number };
    };
    expect(messageMetadata.usage).toMatchObject({ outputTokens: 60, reasoningTokens: 40, totalTokens: 160 });
    // 0.30 and 2.50 USD per million.
    expect(messageMetadata.cost).toBeCloseTo((100 * 0.3 + 60 * 2.5) / 1e6, 6);
  });

  it('does not appear in the output of the process', async () => {
    const chat = randomUUID();
    const warned = jest.spyOn(process, 'emitWarning');
    app.double.enqueue({ reasoning: ['Between us.'], text: ['Done.'] });
    await app.say(user, chat, 'Think', { body: { model: 'anthropic/claude-sonnet-4-5', thinking: true } });
    // Another vendor does not accept such reasoning, and its client warns about it.
    const body = { model: 'openai/gpt-5-mini', agent: 'artifact' };
    expect((await app.say(user, chat, 'And now?', { body })).status).toBe(200);
    expect(warned.mock.calls).toEqual([]);
    warned.mockRestore();
  });

  it('is refused for a model without it, and for a value that is not a boolean', async () => {
    const chat = randomUUID();
    const refused = await app.say(user, chat, 'Think', {
      body: { model: 'openai/gpt-4o-mini', thinking: true },
    });
    expect(refused).toMatchObject({
      status: 400,
      problem: { code: 'validation_failed', errors: [{ path: 'thinking' }] },
    });
    const wrong = await app.say(user, chat, 'Think', { body: { thinking: 'yes' } });
    expect(wrong).toMatchObject({ status: 400, problem: { errors: [{ path: 'thinking' }] } });
    expect((await app.request('GET', `/api/chats/${chat}`, { user })).status).toBe(404);
    // Such a model always answers without thinking.
    expect(await askedWith('openai/gpt-4o-mini', false)).toEqual(without('reasoning'));
  });
});
