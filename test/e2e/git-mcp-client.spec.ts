import { lastAssistantMessageIsCompleteWithApprovalResponses as isAnswered, type UIMessage } from 'ai';
import type { TestUser } from '../support/app.js';
import { pendingOf, respond, toolPartsOf } from '../support/chat-approvals.js';
import { createChatClient, plain, textOf, toUiMessages } from '../support/chat-client.js';
import { eventually } from '../support/chat-app.js';
import { type GithubApp, startGithubApp, TOKEN_HEADER } from '../support/github-app.js';
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

  const loaded = async (chatId: string) => toUiMessages(await messagesOf(app, user, chatId));

  it('continue after a reload, with a client that knows neither agent nor repository', async () => {
    app.script({ name: 'create_issue', input: ISSUE });
    const first = client();
    await first.sendMessage({ text: 'Please report it.' });
    const chat = client({ id: first.id, messages: await loaded(first.id), body: {} });
    app.script({ name: 'add_issue_comment', input: { ...ADDRESS, issue_number: 1, body: 'Me too.' } });
    for (const { id } of pendingOf(chat.lastMessage))
      await chat.addToolApprovalResponse({ id, approved: true });
    await eventually(() =>
      Promise.resolve(chat.status === 'ready' && toolPartsOf(chat.lastMessage).length === 2),
    );
    app.script('Both done.');
    await respond(chat, true);
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'Both done.']);
    expect(app.mcp.world.writes.map(({ tool }) => tool)).toEqual(['create_issue', 'add_issue_comment']);
    expect(plain(chat.messages)).toEqual(await loaded(chat.id));
  });

  it('can approve again if the first attempt failed', async () => {
    app.script({ name: 'create_issue', input: ISSUE });
    const chat = client();
    await chat.sendMessage({ text: 'Please report it.' });
    app.mcp.quirks = { status: { status: 503 } };
    await respond(chat, true);
    expect(chat.status).toBe('error');
    expect(JSON.parse(chat.error?.message ?? '{}')).toMatchObject({ code: 'upstream_error' });
    app.mcp.quirks = {};
    app.script('Done.');
    await chat.sendMessage();
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(['ready', 'Done.']);
    expect(app.mcp.world.writes).toHaveLength(1);
  });
});
