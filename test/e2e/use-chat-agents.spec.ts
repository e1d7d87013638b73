import { randomUUID } from 'node:crypto';
import type { Chat } from '@ai-sdk/react';
import { lastAssistantMessageIsCompleteWithApprovalResponses as isAnswered, type UIMessage } from 'ai';
import type { RecordedRequest } from '../doubles/provider-double.js';
import { isRoutingCall } from '../doubles/wire/reply.js';
import type { TestUser } from '../support/app.js';
import { ADDRESS, ISSUE } from '../support/approvals.js';
import { pendingOf, respond, toolPartsOf } from '../support/chat-approvals.js';
import { createChatClient, plain, textOf, toUiMessages } from '../support/chat-client.js';
import {
  CHOSEN,
  type GithubApp,
  type ScriptedCall,
  startGithubApp,
  TOKEN_HEADER,
} from '../support/github-app.js';
import { messagesOf, readChat } from '../support/turns.js';

const PROVIDERS = ['google', 'openai', 'anthropic'];
const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];
const ESSAY = ['# Tides\n\n', 'The moon pulls, ', 'the sea follows.'];

/** One conversation with `useChat`, in which each message is routed. */
describe('useChat and the agents', () => {
  let app: GithubApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startGithubApp();
    for (const provider of PROVIDERS) await app.configure({ url: app.mcp.url, readOnly: false }, provider);
  });

  beforeEach(async () => {
    app.double.reset();
    app.mcp.reset();
    app.mcp.world.files.set(`${CHOSEN}/README.md`, 'Run it with npm start.');
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const writes = ({ instructions }: RecordedRequest) =>
    /You write the content of a document|You change a document as you are asked/.test(instructions);
  const edits = ({ instructions }: RecordedRequest) => instructions.includes('You are an editor');
  const answers = (request: RecordedRequest) => request.stream && !writes(request);

  /** The routing model chooses this agent. Its model makes this call and then returns this text. */
  function script(agent: string, call: ScriptedCall | undefined, closing?: string): void {
    const choice = { agent, reason: `It is for ${agent}.` };
    app.double.enqueue({ text: [JSON.stringify(choice)] }, { when: isRoutingCall });
    if (call) app.double.enqueue({ toolCalls: [{ id: randomUUID(), ...call }] }, { when: answers });
    if (closing !== undefined) app.double.enqueue({ text: [closing] }, { when: answers });
  }

  /** Sends a message. Its answer is complete, and equals what is stored. */
  async function say(chat: Chat<UIMessage>, text: string, agent: string): Promise<UIMessage | undefined> {
    await chat.sendMessage({ text });
    expect([text, chat.status, chat.error]).toEqual([text, 'ready', undefined]);
    const answer = chat.lastMessage;
    const data = { agentType: agent, reason: `It is for ${agent}.` };
    expect(answer?.parts.find(({ type }) => type === 'data-agent')).toMatchObject({ data });
    await expectStored(chat);
    return answer;
  }

  /** A reload shows the same. */
  async function expectStored({ id, lastMessage }: Chat<UIMessage>): Promise<void> {
    expect(plain(lastMessage)).toEqual(toUiMessages(await messagesOf(app, user, id)).at(-1));
  }

  const get = async (path: string) => (await app.request('GET', path, { user })).body;

  it.each(MODELS)('write, edit, suggest, read, and make approved changes: %s', async (model) => {
    const told: Array<[type: string, data: unknown]> = [];
    const chat = createChatClient(app.url, {
      token: user.token,
      headers: TOKEN_HEADER,
      body: { model, repositoryId: await app.connect(user) },
      sendAutomaticallyWhen: isAnswered,
      onData: ({ type, data }) => told.push([type, data]),
    });
    const dataOf = (type: string) => told.flatMap(([name, data]) => (name === type ? [data] : []));

    // An essay is written,
    const essay = { title: 'Tides', kind: 'text', description: 'An essay on tides' };
    script('artifact', { name: 'createDocument', input: essay }, 'Written.');
    app.double.enqueue({ text: ESSAY }, { when: writes });
    expect(textOf(await say(chat, 'Write an essay on tides', 'artifact'))).toBe('Written.');
    expect(dataOf('data-textDelta').join('')).toBe(ESSAY.join(''));
    const [id] = dataOf('data-id') as [string];
    expect((await get('/api/documents')).items).toMatchObject([{ id, title: 'Tides', kind: 'text' }]);
    expect((await get(`/api/documents/${id}`)).content).toBe(ESSAY.join(''));

    // and edited.
    const change = { id, description: 'The sun as well' };
    script('artifact', { name: 'updateDocument', input: change }, 'Changed.');
    app.double.enqueue({ text: ['Moon and sun pull. ', 'The sea follows.'] }, { when: writes });
    expect(textOf(await say(chat, 'The sun as well', 'artifact'))).toBe('Changed.');
    const { content } = await get(`/api/documents/${id}`);
    expect(content).toBe('Moon and sun pull. The sea follows.');
    expect((await get(`/api/documents/${id}/versions`)).items).toHaveLength(2);

    // A suggestion is applied.
    script('artifact', { name: 'requestSuggestions', input: { id } }, 'Suggested.');
    const suggestion = { originalText: 'The sea', suggestedText: 'All water', description: 'It is more.' };
    app.double.enqueue({ text: [JSON.stringify({ suggestions: [suggestion] })] }, { when: edits });
    await say(chat, 'What could be better?', 'artifact');
    const [made] = dataOf('data-suggestion') as Array<{ id: string }>;
    expect(made).toMatchObject({ ...suggestion, documentId: id });
    const applied = await app.request('POST', `/api/suggestions/${made?.id}/apply`, { user });
    expect([applied.status, applied.body.content]).toEqual([200, 'Moon and sun pull. All water follows.']);

    // A question about the repository is answered.
    const path = { ...ADDRESS, path: 'README.md' };
    script('git_mcp', { name: 'get_file_contents', input: path }, 'With npm start.');
    const read = await say(chat, 'How do I run it?', 'git_mcp');
    expect(textOf(read)).toBe('With npm start.');
    expect(toolPartsOf(read)).toMatchObject([
      { state: 'output-available', output: expect.stringContaining('npm') },
    ]);

    // A write waits, is approved, and is made once: the same answer continues.
    script('git_mcp', { name: 'create_issue', input: ISSUE });
    const asked = await say(chat, 'Please report it.', 'git_mcp');
    expect(pendingOf(asked)).toMatchObject([
      { requestReason: `"Create Issue" changes ${CHOSEN} at GitHub.` },
    ]);
    expect(app.mcp.world.writes).toEqual([]);
    app.double.enqueue({ text: ['It is issue 1.'] }, { when: answers });
    await respond(chat, true);
    expect([chat.error, chat.lastMessage?.id, textOf(chat.lastMessage)]).toEqual([
      undefined,
      asked?.id,
      'It is issue 1.',
    ]);
    expect(app.mcp.world.writes).toEqual([{ tool: 'create_issue', input: ISSUE }]);
    await expectStored(chat);

    // Another one is denied, and is not made. The model is told.
    script('git_mcp', { name: 'create_issue', input: { ...ISSUE, title: 'And again' } });
    await say(chat, 'Report that, too.', 'git_mcp');
    app.double.enqueue({ text: ['As you wish.'] }, { when: answers });
    await respond(chat, false);
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, 'As you wish.']);
    expect(toolPartsOf(chat.lastMessage)).toMatchObject([
      { state: 'output-denied', approval: { approved: false } },
    ]);
    expect(JSON.stringify(app.double.requests.findLast(answers)?.body)).toMatch(/denied/i);
    expect(app.mcp.world.writes).toHaveLength(1);
    await expectStored(chat);

    // The last agent can read what all of them have answered.
    script('chat', undefined, 'You are welcome.');
    expect(textOf(await say(chat, 'Thank you.', 'chat'))).toBe('You are welcome.');
    const history = JSON.stringify(app.double.requests.findLast(answers)?.body);
    for (const words of ['Written.', 'With npm start.', 'As you wish.']) expect(history).toContain(words);

    await expectAccounted(chat);
  });

  /** Each message was routed once, the continued answers were not, and the chat has paid for all of it. */
  async function expectAccounted(chat: Chat<UIMessage>): Promise<void> {
    const questions = chat.messages.filter(({ role }) => role === 'user');
    expect(app.double.requests.filter(isRoutingCall)).toHaveLength(questions.length);
    const rows = await app.database.query(
      `select agent_type as agent, metadata ->> 'status' as status, input_tokens as input, output_tokens as output
         from usage_logs where user_id = $1`,
      [user.id],
    );
    expect(rows).toHaveLength(app.double.requests.length);
    expect(rows.every(({ status }) => status === 'success')).toBe(true);
    expect(new Set(rows.map(({ agent }) => agent as string))).toEqual(
      new Set(['routing', 'chat', 'artifact', 'git_mcp']),
    );
    const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
    expect(await readChat(app, user, chat.id)).toMatchObject({
      totalInputTokens: sum('input'),
      totalOutputTokens: sum('output'),
    });
  }
});
