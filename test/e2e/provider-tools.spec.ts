import { randomUUID } from 'node:crypto';
import type { UIMessage } from 'ai';
import type { TestUser } from '../support/app.js';
import { configureAgent, type Provider, PROVIDERS } from '../support/agent-config.js';
import { type Answer, type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import { answerCalls, storedAnswer, textOfParts } from '../support/turns.js';

const MODELS: Record<Provider, string> = {
  google: 'google/gemini-2.5-flash',
  openai: 'openai/gpt-5',
  anthropic: 'anthropic/claude-sonnet-4-5',
};
const OFF = { thinking: false, fileInput: true };
const SOURCES = [{ url: 'https://example.com/tides', title: 'Tides' }];
const CODE = { code: 'print(6 * 7)', output: '42\n' };

describe("OpenAI's other API", () => {
  let app: ChatApp;

  beforeAll(async () => {
    app = await startChatApp({ OPENAI_API: 'chat' });
  });
  afterAll(() => app.close());

  it('has no tools, thinks on demand, and continues after answers that used tools', async () => {
    const user = await app.createUser();
    await configureAgent(app, 'google', { capabilities: { ...OFF, codeExecution: true } });
    await configureAgent(app, 'openai', {
      capabilities: { ...OFF, webSearch: true, codeExecution: true },
      parameters: { temperature: 0.4, topK: 5, maxOutputTokens: 500 },
    });
    const chatId = randomUUID();
    app.double.enqueue({ codeRun: CODE, text: ['It is 42.'] });
    await app.say(user, chatId, 'Six times seven?', { body: { model: MODELS.google } });
    const body = { model: 'openai/gpt-5.2' };
    expect((await app.say(user, chatId, 'Why so?', { body })).text).toBe('You said: Why so?');
    const [asked] = answerCalls(app, 'Why so?');
    expect(asked?.path).toBe('/openai/chat/completions');
    expect(asked?.body).not.toHaveProperty('tools');
    expect(asked?.body).toMatchObject({
      reasoning_effort: 'none',
      temperature: 0.4,
      max_completion_tokens: 500,
    });
    await app.say(user, chatId, 'Think!', { body: { ...body, thinking: true } });
    expect(answerCalls(app, 'Think!')[0]?.body).toMatchObject({ reasoning_effort: 'medium' });
  });
});

/** Tools that vendors run themselves during an answer: web search, page fetching, code execution. */
describe('the tools of the providers', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(async () => {
    app.double.reset();
    for (const provider of PROVIDERS) {
      await configureAgent(app, provider, { capabilities: OFF, parameters: {} });
    }
  });
  afterAll(() => app.close());

  const allow = (provider: Provider, ...names: string[]) =>
    configureAgent(app, provider, {
      capabilities: { ...OFF, ...Object.fromEntries(names.map((name) => [name, true])) },
    });

  /** The tools in the request to the model. */
  async function toolsOf(provider: Provider, body: object = {}): Promise<unknown> {
    const question = `Question ${randomUUID()}`;
    const { status } = await app.say(user, randomUUID(), question, {
      body: { model: MODELS[provider], ...body },
    });
    expect(status).toBe(200);
    return (answerCalls(app, question)[0]?.body as Record<string, unknown>)['tools'];
  }

  const typesOf = ({ chunks }: Answer) => [...new Set(chunks.map(({ type }) => type as string))];
  const chunkOf = ({ chunks }: Answer, type: string) => chunks.find((chunk) => chunk.type === type);

  it.each<[provider: Provider, capability: string, tool: object]>([
    ['google', 'googleSearch', { googleSearch: {} }],
    ['google', 'urlContext', { urlContext: {} }],
    ['google', 'codeExecution', { codeExecution: {} }],
    ['openai', 'webSearch', { type: 'web_search' }],
    ['openai', 'codeExecution', { type: 'code_interpreter', container: { type: 'auto' } }],
    ['anthropic', 'webSearch', { type: 'web_search_20250305', name: 'web_search', max_uses: 5 }],
    ['anthropic', 'urlContext', { type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 5 }],
    ['anthropic', 'codeExecution', { type: 'code_execution_20250825', name: 'code_execution' }],
  ])('of %s: %s is only offered if it is enabled', async (provider, capability, tool) => {
    expect(await toolsOf(provider)).toBeUndefined();
    await allow(provider, capability);
    expect(await toolsOf(provider)).toEqual([tool]);
  });

  it('can all be enabled together', async () => {
    await allow('google', 'googleSearch', 'urlContext', 'codeExecution');
    expect(await toolsOf('google')).toEqual([
      { googleSearch: {} },
      { urlContext: {} },
      { codeExecution: {} },
    ]);
    await allow('openai', 'webSearch', 'codeExecution');
    expect(await toolsOf('openai')).toHaveLength(2);
    await allow('anthropic', 'webSearch', 'urlContext', 'codeExecution');
    expect(await toolsOf('anthropic')).toHaveLength(3);
  });

  it('work with thinking, and with as little of it as they accept', async () => {
    await allow('openai', 'webSearch');
    const question = `Question ${randomUUID()}`;
    await app.say(user, randomUUID(), question, { body: { model: MODELS.openai, thinking: false } });
    // Its search refuses the effort "minimal".
    expect(answerCalls(app, question)[0]?.body['reasoning']).toEqual({ effort: 'low' });
    expect(await toolsOf('openai', { thinking: true })).toHaveLength(1);
    await allow('anthropic', 'webSearch');
    expect(await toolsOf('anthropic', { thinking: true })).toHaveLength(1);
    await allow('google', 'googleSearch');
    expect(await toolsOf('google', { thinking: true })).toHaveLength(1);
  });

  it.each<[provider: Provider, capability: string, calls: string[]]>([
    ['google', 'googleSearch', []],
    ['openai', 'webSearch', ['web_search']],
    ['anthropic', 'webSearch', ['web_search']],
    ['anthropic', 'urlContext', ['web_fetch']],
  ])('of %s: the results of %s are streamed and stored', async (provider, capability, calls) => {
    await allow(provider, capability);
    app.double.enqueue({ sources: SOURCES, text: ['The moon ', 'pulls.'] });
    const chatId = randomUUID();
    const answer = await app.say(user, chatId, 'Tides?', { body: { model: MODELS[provider] } });
    expect([answer.status, answer.text, answer.done]).toEqual([200, 'The moon pulls.', true]);
    const found = answer.chunks.filter(({ type }) => type === 'source-url');
    expect(found).toEqual([expect.objectContaining(SOURCES[0]!)]);
    expect(typesOf(answer)).not.toContain('tool-input-error');

    const stored = await storedAnswer(app, user, chatId);
    expect(stored.status).toBe('complete');
    expect(textOfParts(stored)).toBe('The moon pulls.');
    expect(stored.parts.find(({ type }) => type === 'source-url')).toMatchObject(SOURCES[0]!);
    const called = stored.parts.filter(({ type }) => type.startsWith('tool-'));
    expect(called.map(({ type }) => type)).toEqual(calls.map((name) => `tool-${name}`));
    for (const part of called)
      expect(part).toMatchObject({ state: 'output-available', providerExecuted: true });
  });

  it.each<[provider: Provider, name: string, input: object, output: object]>([
    ['google', 'code_execution', { code: CODE.code }, { outcome: 'OUTCOME_OK', output: '42\n' }],
    ['openai', 'code_interpreter', { code: CODE.code }, { outputs: [{ type: 'logs', logs: '42\n' }] }],
    ['anthropic', 'code_execution', { command: CODE.code }, { stdout: '42\n', return_code: 0 }],
  ])('of %s: code is shown with its result', async (provider, name, input, output) => {
    await allow(provider, 'codeExecution');
    app.double.enqueue({ codeRun: CODE, text: ['It is 42.'] });
    const chatId = randomUUID();
    const answer = await app.say(user, chatId, 'Six times seven?', { body: { model: MODELS[provider] } });
    expect(answer.text).toBe('It is 42.');
    expect(chunkOf(answer, 'tool-input-available')).toMatchObject({
      toolName: name,
      input,
      providerExecuted: true,
    });
    expect(chunkOf(answer, 'tool-output-available')).toMatchObject({ output, providerExecuted: true });
    const stored = await storedAnswer(app, user, chatId);
    expect(stored.parts.find(({ type }) => type === `tool-${name}`)).toMatchObject({
      state: 'output-available',
      input,
      output,
    });
    const calls = await eventually(async () => {
      const [row] = await app.database.query(
        `select metadata -> 'toolCalls' as calls from usage_logs
          where chat_id = $1 and metadata ->> 'purpose' = 'answer' and response_timestamp is not null`,
        [chatId],
      );
      return row?.calls as unknown;
    });
    expect(calls).toEqual([expect.objectContaining({ toolName: name })]);
  });

  const PAIRS = PROVIDERS.flatMap((first) => PROVIDERS.map((second) => [first, second] as const));
  it.each(PAIRS)('of %s do not lose %s in the next question', async (first, second) => {
    for (const provider of PROVIDERS) await allow(provider, 'codeExecution', ...searchOf(provider));
    const chatId = randomUUID();
    app.double.enqueue({ reasoning: ['Hm.'], sources: SOURCES, codeRun: CODE, text: ['It is 42.'] });
    const body = { thinking: true };
    const answer = await app.say(user, chatId, 'Six times seven?', {
      body: { ...body, model: MODELS[first] },
    });
    expect(typesOf(answer)).toEqual(expect.arrayContaining(['reasoning-delta', 'tool-output-available']));
    const next = await app.say(user, chatId, 'Why so?', { body: { ...body, model: MODELS[second] } });
    expect([next.status, next.text]).toEqual([200, 'You said: Why so?']);
    // The computed result is still known.
    const asked = JSON.stringify(answerCalls(app, 'Why so?')[0]?.body);
    expect(asked).toContain('It is 42.');
    expect(asked).toContain(CODE.code);
  });

  it('stay on their side when the agent continues in another way', async () => {
    await allow('google', 'codeExecution');
    const chatId = randomUUID();
    app.double.enqueue({ codeRun: CODE, text: ['It is 42.'] });
    await app.say(user, chatId, 'Six times seven?', { body: { model: MODELS.google } });
    const body = { model: MODELS.google, agent: 'artifact' };
    expect((await app.say(user, chatId, 'Write it down', { body })).text).toBe('You said: Write it down');
    const [asked] = answerCalls(app, 'Write it down');
    expect(JSON.stringify(asked?.body['tools'])).not.toContain('codeExecution');
  });

  it('do not put whole pages into the answer', async () => {
    await allow('anthropic', 'urlContext');
    app.double.enqueue({ sources: SOURCES, text: ['Read.'] });
    const chatId = randomUUID();
    await app.say(user, chatId, 'Read it', { body: { model: MODELS.anthropic } });
    const { parts } = await storedAnswer(app, user, chatId);
    const { output } = parts.find(({ type }) => type === 'tool-web_fetch');
    expect(output.content.source.data).toMatch(/^Tides\. .*…$/s);
    expect(output.content.source.data.length).toBeLessThan(5_000);
  });

  it('reach useChat as parts of the message', async () => {
    await allow('anthropic', 'webSearch', 'codeExecution');
    app.double.enqueue({ sources: SOURCES, codeRun: CODE, text: ['Found and counted.'] });
    const chat = createChatClient(app.url, { token: user.token, body: { model: MODELS.anthropic } });
    await chat.sendMessage({ text: 'Find and count' });
    expect(chat.error).toBeUndefined();
    const message = chat.messages.at(-1) as UIMessage;
    expect(textOf(message)).toBe('Found and counted.');
    const types = message.parts.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['tool-web_search', 'tool-code_execution', 'source-url']));
    const stored = await storedAnswer(app, user, chat.id);
    expect(stored.parts.map(({ type }) => type)).toEqual(types);
  });

  it('cannot be enabled for a vendor without them', async () => {
    const admin = await app.createUser({ role: 'admin' });
    const patch = (key: string, capabilities: object) =>
      app.request('PATCH', `/api/admin/config/${key}`, {
        user: admin,
        body: { configData: { capabilities } },
      });
    for (const [key, name] of [
      ['chat_agent_openai', 'googleSearch'],
      ['chat_agent_openai', 'urlContext'],
      ['chat_agent_google', 'webSearch'],
      ['artifact_agent_google', 'googleSearch'],
      ['git_mcp_agent_anthropic', 'codeExecution'],
    ] as const) {
      const { status, body } = await patch(key, { [name]: true });
      expect([key, status, body.errors?.[0]?.path]).toEqual([key, 400, `configData.capabilities.${name}`]);
    }
    const { status, body } = await patch('chat_agent_google', { googleSearch: true });
    expect([status, body.configData.capabilities.googleSearch]).toEqual([200, true]);
    await eventually(async () => JSON.stringify(await toolsOf('google')) === '[{"googleSearch":{}}]');
  });
});

function searchOf(provider: Provider): string[] {
  return [provider === 'google' ? 'googleSearch' : 'webSearch'];
}
