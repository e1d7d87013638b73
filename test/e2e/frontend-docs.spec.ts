import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Chat } from '@ai-sdk/react';
import {
  type ChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses as isAnswered,
  type UIMessage,
} from 'ai';
import type {
  ApiProblem,
  ChatMessage,
  StoredChatMessage,
} from '../../src/modules/chat/contract/chat-message.js';
import type { TestUser } from '../support/app.js';
import { ISSUE } from '../support/approvals.js';
import { eventually } from '../support/chat-app.js';
import { plain, textOf } from '../support/chat-client.js';
import { type GithubApp, startGithubApp } from '../support/github-app.js';
import { GITHUB_TOKEN } from '../doubles/github/github-double.js';
import { answerCalls, messagesOf } from '../support/turns.js';

interface Server {
  url: string;
  accessToken: () => Promise<string>;
}

/** What the code in docs/frontend.md exports. */
interface Snippets {
  chatTransport(server: Server, options?: object): ChatTransport<ChatMessage>;
  serverOf(url: string, supabase: object): Server;
  loadMessages(
    server: Server,
    chatId: string,
    before?: string,
  ): Promise<{ messages: StoredChatMessage[]; older: string | null }>;
  stopAnswer(server: Server, chatId: string): Promise<boolean>;
  interrupting: { body: object };
  waitingCalls(message: ChatMessage | undefined): Array<{ id: string; reason?: string }>;
  problemOf(error: Error | undefined): ApiProblem | undefined;
  messageFor(error: Error): string;
}

/** The code in docs/frontend.md does what the page says. */
describe('docs/frontend.md', () => {
  let app: GithubApp;
  let user: TestUser;
  let server: Server;
  let snippets: Snippets;
  let folder: string;

  beforeAll(async () => {
    app = await startGithubApp();
    await app.configure({ url: app.mcp.url, readOnly: false });
    // In the folder of the build, packages are found, and types are removed.
    folder = mkdtempSync(join(process.cwd(), 'dist', 'frontend-docs-'));
    const page = readFileSync('docs/frontend.md', 'utf8');
    const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
    expect(blocks.length).toBeGreaterThan(5);
    writeFileSync(join(folder, 'frontend.ts'), blocks.join('\n'));
    copyFileSync('src/modules/chat/contract/chat-message.ts', join(folder, 'chat-message.ts'));
    snippets = (await import(pathToFileURL(join(folder, 'frontend.ts')).href)) as Snippets;
  });

  beforeEach(async () => {
    app.double.reset();
    user = await app.createUser();
    const session = { access_token: user.token };
    const supabase = { auth: { getSession: () => Promise.resolve({ data: { session } }) } };
    server = snippets.serverOf(app.url, supabase);
  });

  afterAll(async () => {
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const bodies: string[] = [];

  function open(options: { id?: string; messages?: ChatMessage[]; body?: object } = {}): Chat<ChatMessage> {
    const { body, ...more } = options;
    return new Chat<ChatMessage>({
      ...more,
      transport: snippets.chatTransport(server, body),
      sendAutomaticallyWhen: isAnswered,
    });
  }

  const untilText = (chat: Chat<ChatMessage>, text: string) =>
    eventually(() => Promise.resolve(textOf(chat.lastMessage as UIMessage | undefined) === text));

  it('sends the last message only, edits, regenerates, and loads what it has shown', async () => {
    const fetched = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      if (init?.method === 'POST') bodies.push(init.body as string);
      return fetched(input, init);
    };
    const chat = open({ body: { agent: 'chat' } });
    try {
      for (const text of ['one', 'two', 'three']) await chat.sendMessage({ text });
    } finally {
      globalThis.fetch = fetched;
    }
    expect(chat.error).toBeUndefined();
    for (const body of bodies) expect((body.match(/"role"/g) ?? []).length).toBe(1);
    await chat.sendMessage({ text: 'two!', messageId: chat.messages[2]!.id });
    await chat.regenerate();
    expect(chat.messages.map((message) => textOf(message))).toEqual([
      'one',
      'You said: one',
      'two!',
      'You said: two!',
    ]);

    const { messages, older } = await snippets.loadMessages(server, chat.id);
    expect(older).toBeNull();
    for (const role of ['user', 'assistant']) {
      const shown = chat.messages.filter((message) => message.role === role);
      const loaded = messages.filter((message) => message.role === role);
      expect(loaded.map(({ parts, metadata }) => ({ parts, metadata }))).toEqual(
        shown.map(({ parts, metadata }) => plain({ parts, metadata })),
      );
    }
    const next = open({ id: chat.id, messages });
    await next.sendMessage({ text: 'four' });
    expect(textOf(next.lastMessage)).toBe('You said: four');
    expect((await snippets.loadMessages(server, 'not-there')).messages).toEqual([]);
  });

  it('resumes, stops and interrupts', async () => {
    const chat = open();
    app.double.enqueue({ text: ['On and ', 'on.'], pauseAfter: 1 }, { times: 2 });
    const sending = chat.sendMessage({ text: 'a story' });
    await untilText(chat, 'On and ');
    const { messages } = await snippets.loadMessages(server, chat.id);
    const window = open({ id: chat.id, messages });
    const resuming = window.resumeStream();
    await untilText(window, 'On and ');
    expect(await snippets.stopAnswer(server, chat.id)).toBe(true);
    await Promise.all([sending, resuming]);
    const stored = (await messagesOf(app, user, chat.id)).at(-1)!;
    for (const each of [chat, window]) {
      expect([each.status, plain(each.lastMessage?.metadata)]).toEqual(['ready', stored.metadata]);
      expect(plain(each.lastMessage?.parts)).toEqual(stored.parts);
    }

    const again = chat.sendMessage({ text: 'another one' });
    await untilText(chat, 'On and ');
    const other = open({ id: chat.id, messages: (await snippets.loadMessages(server, chat.id)).messages });
    await other.sendMessage({ text: 'me, too' });
    expect(snippets.problemOf(other.error)).toMatchObject({ status: 409, code: 'stream_in_progress' });
    const messageId = other.lastMessage!.id;
    await other.sendMessage({ text: 'me, too', messageId }, snippets.interrupting);
    await again;
    expect([other.error, textOf(other.lastMessage)]).toEqual([undefined, 'You said: me, too']);
    expect(chat.lastMessage?.metadata?.status).toBe('stopped');
    expect(answerCalls(app, 'story')).not.toHaveLength(0);
  });

  it('asks for approval, and continues', async () => {
    const repositoryId = await app.connect(user);
    const transport = snippets.chatTransport(server, { agent: 'git_mcp', repositoryId });
    Object.assign(transport, {
      headers: () => ({ ...user.headers, 'x-github-token': GITHUB_TOKEN }),
    });
    const chat = new Chat<ChatMessage>({ transport, sendAutomaticallyWhen: isAnswered });
    app.script({ name: 'create_issue', input: ISSUE }, 'It is issue 1.');
    await chat.sendMessage({ text: 'Report it' });
    const [waiting] = snippets.waitingCalls(chat.lastMessage);
    expect(waiting?.reason).toContain('Create Issue');
    await chat.addToolApprovalResponse({ id: waiting!.id, approved: true });
    await untilText(chat, 'It is issue 1.');
    expect(app.mcp.world.writes).toHaveLength(1);
  });

  it('explains errors', async () => {
    const chat = open({ body: { model: 'google/unheard-of' } });
    await chat.sendMessage({ text: 'Hello' });
    expect(snippets.problemOf(chat.error)).toMatchObject({ status: 400 });
    expect(snippets.messageFor(chat.error!)).not.toMatch(/[{}]/);
    const broken = open();
    app.double.enqueue({ text: ['It is ', 'well'], fault: { type: 'error-frame', chunks: 1 } });
    await broken.sendMessage({ text: 'How is it?' });
    expect(snippets.problemOf(broken.error)).toBeUndefined();
    expect(snippets.messageFor(broken.error!)).toMatch(/^Google .*\.$/);
  });
});
