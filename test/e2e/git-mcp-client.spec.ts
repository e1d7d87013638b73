import {
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses as isAnswered,
  type UIMessage,
} from 'ai';
import type { TestUser } from '../support/app.js';
import { createChatClient, textOf } from '../support/chat-client.js';
import { eventually } from '../support/chat-app.js';
import { CHOSEN, type GithubApp, startGithubApp, TOKEN_HEADER } from '../support/github-app.js';
import { messagesOf } from '../support/turns.js';

const ADDRESS = { owner: 'octo-org', repo: 'hello' };
const ISSUE = { ...ADDRESS, title: 'It does not start' };

describe('useChat and a repository', () => {
  let app: GithubApp;
  let user: TestUser;
  let repositoryId: string;

  beforeAll(async () => {
    app = await startGithubApp();
    await app.configure({ readOnly: false });
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    app.double.reset();
    app.mcp.reset();
    user = await app.createUser();
    repositoryId = await app.connect(user);
  });

  const client = (options: { id?: string; messages?: UIMessage[]; body?: object } = {}) =>
    createChatClient(app.url, {
      token: user.token,
      headers: TOKEN_HEADER,
      body: { agent: 'git_mcp', repositoryId },
      sendAutomaticallyWhen: isAnswered,
      ...options,
    });

  const loaded = async (chatId: string): Promise<UIMessage[]> =>
    (await messagesOf(app, user, chatId)).map(({ id, role, parts, metadata }) => ({
      id,
      role,
      parts,
      metadata,
    }));

  /** As JSON has it: without fields that are undefined. */
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  const toolParts = (message: UIMessage | undefined) => (message?.parts ?? []).filter(isToolUIPart);
  const pending = (message: UIMessage | undefined) =>
    toolParts(message).flatMap((part) => (part.state === 'approval-requested' ? [part.approval] : []));

  /** The client says the word and sends the message by itself; resolves when the answer has ended. */
  async function answer(chat: ReturnType<typeof client>, approved: boolean): Promise<void> {
    for (const { id } of pending(chat.lastMessage)) await chat.addToolApprovalResponse({ id, approved });
    await eventually(() =>
      Promise.resolve(
        chat.status === 'error' || (chat.status === 'ready' && pending(chat.lastMessage).length === 0),
      ),
    );
  }

  it('answers a question about it', async () => {
    app.mcp.world.files.set(`${CHOSEN}/README.md`, 'Run it with npm start.');
    app.script({ name: 'get_file_contents', input: { ...ADDRESS, path: 'README.md' } }, 'With npm start.');
    const chat = client();
    await chat.sendMessage({ text: 'How do I run it?' });
    expect([chat.status, chat.error, textOf(chat.lastMessage)]).toEqual([
      'ready',
      undefined,
      'With npm start.',
    ]);
    expect(toolParts(chat.lastMessage)).toMatchObject([
      { type: 'dynamic-tool', toolName: 'get_file_contents', state: 'output-available' },
    ]);
    expect(plain(chat.lastMessage)).toEqual((await loaded(chat.id)).at(-1));
  });

  it('makes a write that is approved, once, and goes on in the same message', async () => {
    app.script({ name: 'create_issue', input: ISSUE });
    const chat = client();
    await chat.sendMessage({ text: 'Please report it.' });
    const asked = chat.lastMessage;
    expect(pending(asked)).toMatchObject([{ requestReason: `"Create Issue" changes ${CHOSEN} at GitHub.` }]);
    expect(plain(asked)).toEqual((await loaded(chat.id)).at(-1));
    expect(app.mcp.world.writes).toEqual([]);

    app.script('It is issue 1.');
    await answer(chat, true);
    expect([chat.status, chat.error]).toEqual(['ready', undefined]);
    expect(app.mcp.world.writes).toEqual([{ tool: 'create_issue', input: ISSUE }]);
    expect(chat.messages).toHaveLength(2);
    expect(chat.lastMessage?.id).toBe(asked?.id);
    expect(textOf(chat.lastMessage)).toBe('It is issue 1.');
    expect(chat.lastMessage?.metadata).toMatchObject({ usage: { inputTokens: 200, outputTokens: 20 } });
    expect(plain(chat.lastMessage)).toEqual((await loaded(chat.id)).at(-1));
  });

  it('does not make one that is denied, and the model is told', async () => {
    app.script({ name: 'create_issue', input: ISSUE });
    const chat = client();
    await chat.sendMessage({ text: 'Please report it.' });
    app.script('As you wish.');
    await answer(chat, false);
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'As you wish.']);
    expect(app.mcp.calls).toEqual([]);
    expect(toolParts(chat.lastMessage)).toMatchObject([
      { state: 'output-denied', approval: { approved: false } },
    ]);
    expect(JSON.stringify(app.double.requests.findLast(({ stream }) => stream)?.body)).toMatch(/denied/i);
    expect(plain(chat.lastMessage)).toEqual((await loaded(chat.id)).at(-1));
    app.script('Gladly.');
    await chat.sendMessage({ text: 'Thank you.' });
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'Gladly.']);
  });

  it('goes on after a reload, by a client that was told neither agent nor repository', async () => {
    app.script({ name: 'create_issue', input: ISSUE });
    const first = client();
    await first.sendMessage({ text: 'Please report it.' });
    const chat = client({ id: first.id, messages: await loaded(first.id), body: {} });
    app.script({ name: 'add_issue_comment', input: { ...ADDRESS, issue_number: 1, body: 'Me too.' } });
    for (const { id } of pending(chat.lastMessage))
      await chat.addToolApprovalResponse({ id, approved: true });
    await eventually(() =>
      Promise.resolve(chat.status === 'ready' && toolParts(chat.lastMessage).length === 2),
    );
    app.script('Both done.');
    await answer(chat, true);
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'Both done.']);
    expect(app.mcp.world.writes.map(({ tool }) => tool)).toEqual(['create_issue', 'add_issue_comment']);
    expect(plain(chat.messages)).toEqual(await loaded(chat.id));
  });

  it('can approve again what could not be done the first time', async () => {
    app.script({ name: 'create_issue', input: ISSUE });
    const chat = client();
    await chat.sendMessage({ text: 'Please report it.' });
    app.mcp.quirks = { status: { status: 503 } };
    await answer(chat, true);
    expect(chat.status).toBe('error');
    expect(JSON.parse(chat.error?.message ?? '{}')).toMatchObject({ code: 'upstream_error' });
    app.mcp.quirks = {};
    app.script('Done.');
    await chat.sendMessage();
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'Done.']);
    expect(app.mcp.world.writes).toHaveLength(1);
  });
});
