import { randomUUID } from 'node:crypto';
import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import type { AgentConfig } from '../../src/modules/admin-config/config-schemas.js';
import { AnthropicCache } from '../doubles/wire/anthropic-cache.js';
import type { Body } from '../doubles/wire/dialect.js';
import { configureAgent } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import { Metrics } from '../support/metrics.js';
import { messagesOf } from '../support/turns.js';

const GEMINI = 'google/gemini-2.5-flash';
const GPT = 'openai/gpt-4o-mini';
const CLAUDE = 'anthropic/claude-sonnet-4-5';

const FIVE_MINUTES = { type: 'ephemeral' };
const AN_HOUR = { type: 'ephemeral', ttl: '1h' };

/** What the vendors are told so that they find the beginning of a chat in their caches, and what that saves. */
describe('prompt caching', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
    await app.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{models}', (
         select jsonb_agg(case when model ->> 'id' = 'claude-sonnet-4-5'
                               then jsonb_set(model, '{pricing,cacheWriteHour}', '6') else model end)
           from jsonb_array_elements(config_data -> 'models') model))
        where config_key = 'model_catalog'`,
    );
    await eventually(async () => {
      const { catalog } = await app.app.get(AdminConfigService).current();
      return catalog.get(CLAUDE)?.pricing?.cacheWriteHour === 6;
    });
  });

  beforeEach(async () => {
    app.double.reset();
    await caching({});
  });
  afterAll(() => app.close());

  /** Sets it for the chat agent and the artifact agent with Anthropic and OpenAI. */
  async function caching(settings: AgentConfig['caching'], more: Partial<AgentConfig> = {}): Promise<void> {
    for (const agent of ['chat', 'artifact'] as const)
      for (const provider of ['anthropic', 'openai'] as const)
        await configureAgent(app, provider, { systemPrompt: 'Be brief.', caching: settings, ...more }, agent);
  }

  /** The bodies of the calls of successive turns, without those for titles. */
  async function turns(
    model: string,
    count: number,
    body: object = {},
    chatId = randomUUID(),
  ): Promise<Body[]> {
    const before = app.double.requests.length;
    for (let turn = 1; turn <= count; turn++) {
      const answer = await app.say(user, chatId, `Question ${turn}`, {
        body: { model, agent: 'chat', ...body },
      });
      expect([answer.status, answer.done]).toEqual([200, true]);
    }
    return app.double.requests
      .slice(before)
      .filter(({ stream }) => stream)
      .map((request) => request.body);
  }

  const says = (text: string, mark?: object) => ({
    type: 'text',
    text,
    ...(mark ? { cache_control: mark } : {}),
  });

  describe('with Anthropic', () => {
    it.each([
      ['five minutes, which is the default', {}, FIVE_MINUTES],
      ['five minutes', { enabled: true, ttl: '5m' }, FIVE_MINUTES],
      ['an hour', { ttl: '1h' }, AN_HOUR],
    ] as const)(
      'marks the system prompt and the end of the conversation: %s',
      async (_name, settings, mark) => {
        await caching(settings);
        for (let turn = 0; turn < 3; turn++) app.double.enqueue({ text: ['Yes.'] });
        const [first, second, third] = await turns(CLAUDE, 3);
        expect(first).toMatchObject({
          system: [says('Be brief.', mark)],
          messages: [{ role: 'user', content: [says('Question 1', mark)] }],
        });
        expect(second?.['system']).toEqual(first?.['system']);
        expect(second?.['messages']).toEqual([
          { role: 'user', content: [says('Question 1', mark)] },
          { role: 'assistant', content: [says('Yes.')] },
          { role: 'user', content: [says('Question 2', mark)] },
        ]);
        expect(third?.['messages']).toEqual([
          { role: 'user', content: [says('Question 1')] },
          { role: 'assistant', content: [says('Yes.')] },
          { role: 'user', content: [says('Question 2', mark)] },
          { role: 'assistant', content: [says('Yes.')] },
          { role: 'user', content: [says('Question 3', mark)] },
        ]);
        beginAlike([first, second, third]);
      },
    );

    it('marks four places at most, the tools among them, in each step of an answer', async () => {
      const update = { name: 'updateDocument', input: { id: randomUUID(), description: 'Shorter' } };
      const steps = [
        {
          toolCalls: [
            { id: 'call_1', ...update },
            { id: 'call_2', ...update },
          ],
        },
        { toolCalls: [{ id: 'call_3', ...update }] },
        { text: ['It is not there.'] },
        { text: ['Still not.'] },
      ];
      for (const step of steps) app.double.enqueue(step);
      const bodies = await turns(CLAUDE, 2, { agent: 'artifact' });
      expect(bodies).toHaveLength(4);
      for (const { tools, system, messages } of bodies) {
        expect((tools as Body[]).map((tool) => tool['cache_control'])).toEqual([
          ...(tools as Body[]).slice(1).map(() => undefined),
          FIVE_MINUTES,
        ]);
        expect((system as Body[]).map((block) => block['cache_control'])).toEqual([FIVE_MINUTES]);
        const marked = (messages as Body[]).flatMap(({ content }, index) =>
          (content as Body[]).some((block) => block['cache_control']) ? [index] : [],
        );
        // The end of the previous call, and the end of this one.
        const last = messages.length - 1;
        expect(marked).toEqual(last === 0 ? [0] : [last - 2, last]);
        expect((messages as Body[])[last]?.['content'].at(-1).cache_control).toEqual(FIVE_MINUTES);
        expect(JSON.stringify(messages).match(/cache_control/g)).toHaveLength(last === 0 ? 1 : 2);
      }
      beginAlike(bodies);
    });

    it('marks nothing when caching is switched off', async () => {
      await caching({ enabled: false });
      const bodies = await turns(CLAUDE, 2);
      expect(bodies).toHaveLength(2);
      expect(JSON.stringify(bodies)).not.toContain('cache_control');
    });

    it('marks nothing in calls that no other call begins like', async () => {
      await turns(CLAUDE, 1);
      const titles = await eventually(() =>
        Promise.resolve(app.double.requests.filter(({ stream }) => !stream)).then(
          (all) => all.length > 0 && all,
        ),
      );
      expect(JSON.stringify(titles.map(({ body }) => body))).not.toContain('cache_control');
    });

    /** Ten turns as Anthropic bills them. */
    async function tenTurns(settings: AgentConfig['caching'], minutesBetween: number) {
      await caching(settings, { systemPrompt: 'Be careful. '.repeat(400) });
      let time = 0;
      const cache = new AnthropicCache(1_024, () => time);
      const chatId = randomUUID();
      for (let turn = 1; turn <= 10; turn++) {
        app.double.enqueue(({ body }) => ({
          text: ['So it is. '.repeat(150)],
          usage: { ...cache.read(body), output: 400 },
        }));
        const said = `Question ${turn}: ${'why is that so? '.repeat(60)}`;
        const answer = await app.say(user, chatId, said, { body: { model: CLAUDE, agent: 'chat' } });
        expect([answer.status, answer.done]).toEqual([200, true]);
        time += minutesBetween * 60_000;
      }
      const answers = await eventually(async () => {
        const all = (await messagesOf(app, user, chatId)).filter(({ role }) => role === 'assistant');
        return all.length === 10 && all.every(({ cost }) => cost > 0) && all;
      });
      const sum = (pick: (answer: (typeof answers)[number]) => number) =>
        answers.reduce((total, answer) => total + pick(answer), 0);
      return {
        cost: sum(({ cost }) => cost),
        read: sum(({ metadata }) => metadata.usage.inputTokens as number),
        cached: sum(({ metadata }) => metadata.usage.cachedInputTokens as number),
      };
    }

    it('makes ten turns cheaper, and tells the share that was cached', async () => {
      const before = await Metrics.scrape(app);
      const cached = await tenTurns({}, 1);
      const after = await Metrics.scrape(app);
      const hour = await tenTurns({ ttl: '1h' }, 1);
      const plain = await tenTurns({ enabled: false }, 1);
      expect([hour.read, plain.read]).toEqual([cached.read, cached.read]);
      expect([plain.cached, hour.cached]).toEqual([0, cached.cached]);
      expect(cached.cached / cached.read).toBeGreaterThan(0.8);
      expect(cached.cost / plain.cost).toBeLessThan(0.52);
      expect(hour.cost / plain.cost).toBeLessThan(0.61);
      // By the vendor's rules: what is written costs 1.25 or 2 times as much as plain input, and what is read a tenth.
      const costAt = (write: number) =>
        (((cached.read - cached.cached) * write + cached.cached * 0.1) * 3 + 4_000 * 15) / 1e6;
      expect(plain.cost).toBeCloseTo((cached.read * 3 + 4_000 * 15) / 1e6, 5);
      expect(cached.cost).toBeCloseTo(costAt(1.25), 5);
      expect(hour.cost).toBeCloseTo(costAt(2), 5);
      const grown = (kind: string) =>
        after.growth(before, 'switchboard_model_tokens_total', {
          provider: 'anthropic',
          model: 'claude-sonnet-4-5',
          kind,
        });
      expect(grown('input')).toBe(cached.read);
      expect(grown('cached_input')).toBe(cached.cached);
    });

    it('keeps it for an hour where users think for longer than five minutes', async () => {
      const [minutes, hour, plain] = [
        await tenTurns({}, 10),
        await tenTurns({ ttl: '1h' }, 10),
        await tenTurns({ enabled: false }, 10),
      ];
      expect(minutes.cached).toBe(0);
      expect(hour.cost).toBeLessThan(plain.cost);
    });

    it('finds the turn before again behind more than twenty parts', async () => {
      await caching({}, { systemPrompt: 'Be careful. '.repeat(400) });
      const cache = new AnthropicCache();
      const chatId = randomUUID();
      const read: Array<ReturnType<AnthropicCache['read']>> = [];
      for (let turn = 1; turn <= 3; turn++) {
        app.double.enqueue(({ body }) => {
          read.push(cache.read(body));
          return { text: ['Yes.'] };
        });
        const parts = Array.from({ length: 30 }, (_, part) => ({
          type: 'text',
          text: `Part ${part} of ${turn}`,
        }));
        const message = { id: randomUUID(), role: 'user', parts };
        await app.post(user, { id: chatId, message, model: CLAUDE, agent: 'chat' });
      }
      const [first, second, third] = read;
      expect(first?.cacheWrite).toBe(first?.input);
      expect(second?.cachedRead).toBe(first?.input);
      expect(third?.cachedRead).toBe(second?.input);
    });
  });

  describe('with OpenAI', () => {
    it('names the chat by a key that does not tell which it is', async () => {
      const chatId = randomUUID();
      for (let turn = 0; turn < 3; turn++) app.double.enqueue({ text: ['Yes.'] });
      const [first, second] = await turns(GPT, 2, {}, chatId);
      const [other] = await turns(GPT, 1);
      const key = String(first?.['prompt_cache_key']);
      expect(key).toMatch(/^[\w-]{43}$/);
      expect(key).not.toContain(chatId);
      expect(second?.['prompt_cache_key']).toBe(key);
      expect(other?.['prompt_cache_key']).toMatch(/^[\w-]{43}$/);
      expect(other?.['prompt_cache_key']).not.toBe(key);
      expect(second?.['input']).toEqual([
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'input_text', text: 'Question 1' }] },
        { role: 'assistant', content: 'Yes.' },
        { role: 'user', content: [{ type: 'input_text', text: 'Question 2' }] },
      ]);
      beginAlike([first, second]);
    });

    it('has one key in all steps of an answer', async () => {
      const input = { id: randomUUID(), description: 'Shorter' };
      app.double.enqueue({ toolCalls: [{ id: 'call_1', name: 'updateDocument', input }] });
      app.double.enqueue({ text: ['It is not there.'] });
      const bodies = await turns(GPT, 1, { agent: 'artifact' });
      expect(bodies).toHaveLength(2);
      expect(new Set(bodies.map((body) => body['prompt_cache_key'] as unknown)).size).toBe(1);
      expect(bodies[0]?.['prompt_cache_key']).toMatch(/^[\w-]{43}$/);
    });

    it('has none when caching is switched off', async () => {
      await caching({ enabled: false });
      for (const body of await turns(GPT, 2)) expect(body).not.toHaveProperty('prompt_cache_key');
    });
  });

  it.each([
    GEMINI,
    'google/gemini-3-pro-preview',
    GPT,
    'openai/gpt-5-mini',
    CLAUDE,
    'anthropic/claude-opus-4-5',
  ])('begins a later question with what the steps of the answer before were told: %s', async (model) => {
    const create = { title: 'Tides', kind: 'text', description: 'An essay' };
    const update = { id: randomUUID(), description: 'Shorter' };
    const isWriting = ({ instructions }: { instructions: string }) =>
      instructions.includes('You write the content of a document');
    const answers = (request: { instructions: string; stream: boolean }) =>
      request.stream && !isWriting(request);
    app.double.enqueue({ text: ['The sea.'] }, { when: isWriting });
    const reasoning = ['Let me think.'];
    for (const step of [
      { reasoning, text: ['First. '], toolCalls: [{ id: 'call_1', name: 'createDocument', input: create }] },
      { reasoning, toolCalls: [{ id: 'call_2', name: 'updateDocument', input: update }] },
      { reasoning, text: ['Done.'] },
      { text: ['You are welcome.'] },
    ])
      app.double.enqueue(step, { when: answers });
    const bodies = await turns(model, 2, { agent: 'artifact', ...(model === GPT ? {} : { thinking: true }) });
    const steps = bodies.filter(
      (body) => !JSON.stringify(body).includes('You write the content of a document'),
    );
    expect(steps).toHaveLength(4);
    beginAlike(steps);
  });

  it('tells Gemini nothing, which caches by itself what begins alike', async () => {
    for (let turn = 0; turn < 2; turn++) app.double.enqueue({ text: ['Yes.'] });
    const [first, second] = await turns(GEMINI, 2);
    expect(second?.['contents']).toEqual([
      { role: 'user', parts: [{ text: 'Question 1' }] },
      { role: 'model', parts: [{ text: 'Yes.' }] },
      { role: 'user', parts: [{ text: 'Question 2' }] },
    ]);
    expect(JSON.stringify(second)).not.toMatch(/cache/i);
    beginAlike([first, second]);
  });
});

/** Each request begins with the bytes of the one before, but for the marks. */
function beginAlike(bodies: ReadonlyArray<Body | undefined>): void {
  const written = bodies.map((body = {}) => {
    const { contents, messages, input, ...rest } = body;
    const conversation = JSON.stringify(contents ?? messages ?? input).replaceAll(
      /,"cache_control":\{[^}]*\}/g,
      '',
    );
    return { rest: JSON.stringify(rest), conversation: conversation.slice(0, -1) };
  });
  for (const [index, { rest, conversation }] of written.slice(1).entries()) {
    const before = written[index];
    expect(rest).toBe(before?.rest);
    expect(conversation.slice(0, before?.conversation.length)).toBe(before?.conversation);
  }
}
