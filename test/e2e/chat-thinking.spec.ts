import { randomUUID } from 'node:crypto';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { answerCalls } from '../support/turns.js';

/** Thinking is switched on and off with each message, in every vendor's own words. */
describe('thinking', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(() => app.double.reset());
  afterAll(() => app.close());

  /** What the model was asked with. */
  async function askedWith(model: string, thinking?: boolean): Promise<Record<string, unknown>> {
    const question = `Question ${randomUUID()}`;
    const answer = await app.say(user, randomUUID(), question, { body: { model, thinking } });
    expect([answer.status, answer.done]).toEqual([200, true]);
    const [call] = answerCalls(app, question);
    return call?.body as Record<string, unknown>;
  }

  const google = (thinkingConfig?: object): object =>
    expect.objectContaining({
      generationConfig: thinkingConfig
        ? expect.objectContaining({ thinkingConfig })
        : expect.not.objectContaining({ thinkingConfig: expect.anything() }),
    });
  const without = (field: string): object => expect.not.objectContaining({ [field]: expect.anything() });

  it.each<[model: string, on: object, off: object, unsaid: object]>([
    ['google/gemini-2.5-flash', google({ includeThoughts: true }), google({ thinkingBudget: 0 }), google()],
    ['google/gemini-2.5-pro', google({ includeThoughts: true }), google({ thinkingBudget: 128 }), google()],
    [
      'google/gemini-3-flash-preview',
      google({ includeThoughts: true }),
      google({ thinkingLevel: 'minimal' }),
      google(),
    ],
    [
      'openai/gpt-5',
      expect.objectContaining({ reasoning: { effort: 'medium', summary: 'auto' } }),
      expect.objectContaining({ reasoning: expect.objectContaining({ effort: 'minimal' }) as object }),
      without('reasoning'),
    ],
    [
      'openai/gpt-5.2',
      expect.objectContaining({ reasoning: { effort: 'medium', summary: 'auto' } }),
      expect.objectContaining({ reasoning: expect.objectContaining({ effort: 'none' }) as object }),
      without('reasoning'),
    ],
    [
      'anthropic/claude-sonnet-4-5',
      expect.objectContaining({ thinking: { type: 'enabled', budget_tokens: 4_096 } }),
      without('thinking'),
      without('thinking'),
    ],
  ])('of %s is on, off, or as it is configured', async (model, on, off, unsaid) => {
    expect(await askedWith(model, true)).toEqual(on);
    expect(await askedWith(model, false)).toEqual(off);
    expect(await askedWith(model)).toEqual(unsaid);
  });

  it('switched off for a message wins over the configuration', async () => {
    await app.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{capabilities,thinking}', 'true')
        where config_key = 'chat_agent_anthropic'`,
    );
    await expect(
      (async () => {
        for (let attempt = 0; attempt < 50; attempt++) {
          const asked = await askedWith('anthropic/claude-sonnet-4-5');
          if ('thinking' in asked) return asked;
        }
        throw new Error('The configuration did not arrive.');
      })(),
    ).resolves.toHaveProperty('thinking');
    expect(await askedWith('anthropic/claude-sonnet-4-5', false)).toEqual(without('thinking'));
  });

  it('counts what is thought once, and shows it', async () => {
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
    // 0.30 and 2.50 USD a million.
    expect(messageMetadata.cost).toBeCloseTo((100 * 0.3 + 60 * 2.5) / 1e6, 6);
  });

  it('is refused for a model that has none, and for what is neither true nor false', async () => {
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
    // Without thought is what such a model answers anyway.
    expect(await askedWith('openai/gpt-4o-mini', false)).toEqual(without('reasoning'));
  });
});
