import type { Chat } from '@ai-sdk/react';
import type { UIMessage } from 'ai';
import { findCsvProblem } from '../../src/modules/documents/csv.js';
import type { TestUser } from '../support/app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import { type GithubApp, startGithubApp, TOKEN_HEADER } from '../support/github-app.js';

const NO_KEYS = { GOOGLE_GENERATIVE_AI_API_KEY: '', OPENAI_API_KEY: '', ANTHROPIC_API_KEY: '' };

/** On a machine without keys, everything can be tried, and nobody is told that a language model answered. */
describe('the demo model', () => {
  let app: GithubApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startGithubApp({ ...NO_KEYS, DEMO_MODEL: 'true' });
  });

  beforeEach(async () => {
    user = await app.createUser();
  });

  // No other model was called.
  afterEach(() => expect(app.double.requests).toEqual([]));

  afterAll(() => app.close());

  const open = (body: object = {}) =>
    createChatClient(app.url, { token: user.token, headers: TOKEN_HEADER, body });

  /** Sends a message, and returns the agent and the answer. */
  async function ask(chat: Chat<UIMessage>, text: string): Promise<{ agent: unknown; text: string }> {
    await chat.sendMessage({ text });
    expect([text, chat.error]).toEqual([text, undefined]);
    const choice = chat.lastMessage?.parts.find(({ type }) => type === 'data-agent');
    return {
      agent: (choice as { data?: { agentType?: string } })?.data?.agentType,
      text: textOf(chat.lastMessage),
    };
  }

  const get = async (path: string) => (await app.request('GET', path, { user })).body;
  const documents = async () => (await get('/api/documents')).items as Array<Record<string, string>>;

  it('writes an essay, changes it, and suggests improvements', async () => {
    const chat = open();
    const written = await ask(chat, 'write an essay about tides');
    expect(written).toEqual({ agent: 'artifact', text: expect.stringContaining('I wrote “Tides”') });
    expect(written.text).toContain('not a language model');
    const [essay] = await documents();
    expect(essay).toMatchObject({ title: 'Tides', kind: 'text' });
    const first = await get(`/api/documents/${essay!['id']}`);
    expect(first.content).toMatch(/^# Tides\n[^]*not a language model/);

    expect(await ask(chat, 'Make it shorter')).toMatchObject({ agent: 'artifact' });
    const { content } = await get(`/api/documents/${essay!['id']}`);
    expect([first.content.startsWith(content.trim()), content.length < first.content.length]).toEqual([
      true,
      true,
    ]);
    expect((await get(`/api/documents/${essay!['id']}/versions`)).items).toHaveLength(2);

    expect(await ask(chat, 'Replace “Tides” with “Waves”')).toMatchObject({ agent: 'artifact' });
    expect((await get(`/api/documents/${essay!['id']}`)).content).toMatch(/^# Waves\n/);

    expect(await ask(chat, 'Suggest improvements of it')).toMatchObject({ agent: 'artifact' });
    const { items } = await get(`/api/documents/${essay!['id']}/suggestions`);
    expect(items.length).toBeGreaterThan(0);
    const applied = await app.request('POST', `/api/suggestions/${items[0].id}/apply`, { user });
    expect([applied.status, applied.body.content]).toEqual([
      200,
      expect.stringContaining(items[0].suggestedText),
    ]);

    // Calls without a price also count as calls.
    const rows = await app.database.query(
      `select agent_type as agent, metadata ->> 'purpose' as purpose, total_cost::float8 as cost, provider
         from usage_logs where user_id = $1 and total_tokens > 0 and metadata ->> 'status' = 'success'`,
      [user.id],
    );
    expect(rows.filter(({ purpose }) => purpose === 'routing')).toHaveLength(4);
    expect(new Set(rows.map(({ purpose }) => purpose as string))).toEqual(
      new Set(['routing', 'answer', 'title', 'suggestions']),
    );
    expect(rows.every(({ cost, provider }) => cost === 0 && provider === 'demo')).toBe(true);
  });

  it('writes code and tables, and generates no images', async () => {
    const chat = open();
    await ask(chat, 'Write a function that greets people');
    await ask(chat, 'Now make a table of greetings, "formal" ones too');
    const byKind = Object.fromEntries((await documents()).map(({ kind, id }) => [kind, id]));
    expect(Object.keys(byKind).sort()).toEqual(['code', 'sheet']);
    expect((await get(`/api/documents/${byKind['code']}`)).content).toContain('console.log(');
    expect(findCsvProblem((await get(`/api/documents/${byKind['sheet']}`)).content)).toBeUndefined();
    const drawn = await ask(chat, 'Draw a lighthouse');
    expect(drawn).toEqual({ agent: 'artifact', text: expect.stringContaining('Images are not available') });
    expect(await documents()).toHaveLength(2);
  });

  it('answers everything else in text', async () => {
    const chat = open();
    const { agent, text } = await ask(chat, 'Good morning!');
    expect(agent).toBe('chat');
    expect(text).toContain('not a language model');
    expect((await ask(chat, 'And how are you?')).text).toContain('“Good morning!”');
    expect(await documents()).toEqual([]);
    expect((await get(`/api/chats/${chat.id}`)).title).toBe('Good morning!');
  });

  it('reads the connected repository', async () => {
    app.mcp.world.files.set('octo-org/hello/README.md', 'Run it with npm start.');
    const chat = open({ repositoryId: await app.connect(user) });
    const { agent, text } = await ask(chat, 'What does the README of the repository say?');
    expect([agent, text]).toEqual(['git_mcp', expect.stringContaining('Run it with npm start.')]);
    expect((await ask(chat, 'What is in docs/missing.md?')).text).toContain('docs/missing.md');
    expect((await ask(chat, 'Thank you')).agent).toBe('chat');
  });
});
