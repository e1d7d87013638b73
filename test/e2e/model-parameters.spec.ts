import { randomUUID } from 'node:crypto';
import type { TestUser } from '../support/app.js';
import { configureAgent, type Provider, PROVIDERS } from '../support/agent-config.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { answerCalls } from '../support/turns.js';

const PARAMETERS = { temperature: 0.4, topP: 0.8, topK: 20, maxOutputTokens: 500 };
const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';

/** How the configuration of model calls appears on the wire. */
describe('the parameters and capabilities of a configuration', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(async () => {
    app.double.reset();
    for (const provider of PROVIDERS) {
      await configureAgent(app, provider, {
        capabilities: { thinking: false, fileInput: true },
        parameters: PARAMETERS,
      });
    }
  });
  afterAll(() => app.close());

  async function askedWith(model: string, body: object = {}): Promise<Record<string, unknown>> {
    const question = `Question ${randomUUID()}`;
    const answer = await app.say(user, randomUUID(), question, { body: { model, ...body } });
    expect([model, answer.status, answer.done]).toEqual([model, 200, true]);
    return answerCalls(app, question)[0]?.body as Record<string, unknown>;
  }

  const NAMES = ['temperature', 'top_p', 'top_k', 'max_tokens', 'max_output_tokens', 'max_completion_tokens'];
  const settingsOf = (body: Record<string, unknown>) =>
    Object.fromEntries(NAMES.flatMap((name) => (name in body ? [[name, body[name]]] : [])));

  it('reach Gemini', async () => {
    const { generationConfig } = await askedWith('google/gemini-2.5-flash');
    expect(generationConfig).toMatchObject(PARAMETERS);
  });

  it('reach OpenAI, which has no topK', async () => {
    expect(settingsOf(await askedWith('openai/gpt-4o-mini'))).toEqual({
      temperature: 0.4,
      top_p: 0.8,
      max_output_tokens: 500,
    });
  });

  it('reach a reasoning model of OpenAI as far as it supports them', async () => {
    expect(settingsOf(await askedWith('openai/gpt-5'))).toEqual({ max_output_tokens: 500 });
    // If it can be disabled completely, the other parameters are accepted too.
    expect(settingsOf(await askedWith('openai/gpt-5.2'))).toEqual({
      temperature: 0.4,
      top_p: 0.8,
      max_output_tokens: 500,
    });
    const thinking = settingsOf(await askedWith('openai/gpt-5.2', { thinking: true }));
    expect(Object.keys(thinking)).toEqual(['max_output_tokens']);
  });

  it('reach Anthropic, which accepts temperature or topP', async () => {
    expect(settingsOf(await askedWith('anthropic/claude-sonnet-4-5'))).toEqual({
      temperature: 0.4,
      top_k: 20,
      max_tokens: 500,
    });
    await configureAgent(app, 'anthropic', { parameters: { topP: 0.8 } });
    expect(settingsOf(await askedWith('anthropic/claude-sonnet-4-5'))).toMatchObject({ top_p: 0.8 });
  });

  it.each(['anthropic/claude-sonnet-4-5', 'anthropic/claude-opus-4-6'])(
    'omit what %s does not accept while it thinks',
    async (model) => {
      const settings = settingsOf(await askedWith(model, { thinking: true }));
      expect(Object.keys(settings)).toEqual(['max_tokens']);
    },
  );

  it('ask no model for more output than it supports', async () => {
    for (const provider of PROVIDERS) {
      await configureAgent(app, provider, { parameters: { maxOutputTokens: 1_000_000 } });
    }
    expect(settingsOf(await askedWith('openai/gpt-4o-mini'))).toEqual({ max_output_tokens: 16_384 });
    expect(settingsOf(await askedWith('anthropic/claude-sonnet-4-5'))).toEqual({ max_tokens: 64_000 });
    const { generationConfig } = await askedWith('google/gemini-2.5-flash', { thinking: true });
    expect(generationConfig).toMatchObject({ maxOutputTokens: 65_536 });
  });

  it('apply to the calls of the other agents, and to a test of the configuration', async () => {
    await configureAgent(
      app,
      'google',
      { parameters: { temperature: 0.1, maxOutputTokens: 700 } },
      'artifact',
    );
    const { generationConfig } = await askedWith('google/gemini-2.5-flash', { agent: 'artifact' });
    expect(generationConfig).toMatchObject({ temperature: 0.1, maxOutputTokens: 700 });
    const admin = await app.createUser({ role: 'admin' });
    const { status } = await app.request('POST', '/api/admin/config/chat_agent_openai/test', {
      user: admin,
      body: { prompt: 'Say hello' },
    });
    expect(status).toBe(200);
    expect(settingsOf(app.double.requests.at(-1)!.body)).toEqual({
      temperature: 0.4,
      top_p: 0.8,
      max_output_tokens: 500,
    });
  });

  describe('file input', () => {
    const message = (text: string, ...files: object[]) => ({
      id: randomUUID(),
      role: 'user',
      parts: [{ type: 'text', text }, ...files],
    });
    const picture = { type: 'file', mediaType: 'image/png', filename: 'cat.png', url: PIXEL };
    const allowFiles = (provider: Provider, fileInput: boolean) =>
      configureAgent(app, provider, { capabilities: { thinking: false, fileInput } });

    it.each<[provider: Provider, model: string]>([
      ['google', 'google/gemini-2.5-flash'],
      ['openai', 'openai/gpt-4o-mini'],
      ['anthropic', 'anthropic/claude-sonnet-4-5'],
    ])('of %s is refused if it is disabled', async (provider, model) => {
      const id = randomUUID();
      const taken = await app.post(user, { id, model, message: message('What is it?', picture) });
      expect(taken.status).toBe(200);
      expect(JSON.stringify(answerCalls(app, 'What is it?')[0]?.body)).toContain('iVBORw0KGgo=');

      await allowFiles(provider, false);
      app.double.reset();
      const refused = await app.post(user, {
        id: randomUUID(),
        model,
        message: message('What is it?', picture),
      });
      expect(refused).toMatchObject({
        status: 400,
        problem: { code: 'validation_failed', errors: [{ path: 'message.parts.1' }] },
      });
      expect(app.double.requests).toHaveLength(0);

      // A chat with a file continues without it.
      const next = await app.post(user, { id, model, message: message('And now?') });
      expect([next.status, next.text]).toEqual([200, 'You said: And now?']);
      const asked = JSON.stringify(answerCalls(app, 'And now?')[0]?.body);
      expect(asked).not.toContain('iVBORw0KGgo=');
      expect(asked).toContain(`[omitted file: cat.png; it cannot be given to ${model} here]`);
    });
  });

  it('show which models can think', async () => {
    const { body } = await app.request('GET', '/api/models', { user });
    const reasoning = (id: string) =>
      body.items.find((model: { id: string }) => model.id === id).capabilities.reasoning as unknown;
    expect(reasoning('google/gemini-2.5-flash')).toBe(true);
    expect(reasoning('openai/gpt-5')).toBe(true);
    expect(reasoning('openai/gpt-4o-mini')).toBe(false);
    expect(reasoning('anthropic/claude-sonnet-4-5')).toBe(true);
  });
});
