import { randomUUID } from 'node:crypto';
import type { Chat } from '@ai-sdk/react';
import {
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses as isApproved,
  lastAssistantMessageIsCompleteWithToolCalls as isComplete,
  type UIMessage,
} from 'ai';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { TestUser } from '../support/app.js';
import { ISSUE } from '../support/approvals.js';
import { eventually, userMessage } from '../support/chat-app.js';
import { pendingOf, respond } from '../support/chat-approvals.js';
import { createChatClient, plain, textOf, toUiMessages } from '../support/chat-client.js';
import { type GithubApp, startGithubApp, TOKEN_HEADER } from '../support/github-app.js';
import { messagesOf, readChat, resume, stop, storedAnswer } from '../support/turns.js';

/** `useChat` sends an answer back: with results of tools, by itself (`sendAutomaticallyWhen`), or with decisions. */
describe('useChat and an answer that it sends back', () => {
  let app: GithubApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startGithubApp();
    await app.configure({ url: app.mcp.url, readOnly: false });
  });

  beforeEach(async () => {
    app.double.reset();
    app.mcp.reset();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  type Helper = (state: { messages: UIMessage[] }) => boolean;
  interface Client {
    chat: Chat<UIMessage>;
    requests: Array<{ method: string; body: string }>;
  }

  function client(options: Partial<Parameters<typeof createChatClient>[1]> = {}): Client {
    const requests: Client['requests'] = [];
    const chat = createChatClient(app.url, {
      token: user.token,
      headers: TOKEN_HEADER,
      ...options,
      fetch: (input, init) => {
        requests.push({ method: init?.method ?? 'GET', body: (init?.body ?? '') as string });
        return fetch(input, init);
      },
    });
    return { chat, requests };
  }

  const loaded = async (chatId: string) => toUiMessages(await messagesOf(app, user, chatId));
  const writes = ({ instructions }: RecordedRequest) =>
    /You write the content of a document/.test(instructions);
  const answers = (request: RecordedRequest) => request.stream && !writes(request);
  const essay = (id: string) => ({
    id,
    name: 'createDocument',
    input: { title: 'Tides', kind: 'text', description: 'An essay on tides' },
  });
  const untilText = (chat: Chat<UIMessage>, text: string) =>
    eventually(() => Promise.resolve(textOf(chat.lastMessage) === text));

  /** What must not change: the messages, what was spent, and the number of calls. */
  const stateOf = async (chatId: string) => ({
    messages: await messagesOf(app, user, chatId),
    chat: await readChat(app, user, chatId),
    calls: app.double.requests.length,
  });

  async function expectShown(chat: Chat<UIMessage>, status = 'ready'): Promise<void> {
    expect([chat.status, chat.error?.message]).toEqual([status, undefined]);
    expect(plain(chat.lastMessage)).toEqual((await loaded(chat.id)).at(-1));
  }

  it('changes nothing and asks no model if nothing in it waits, and shows the answer as it is stored', async () => {
    const { chat, requests } = client({ body: { agent: 'artifact' } });
    app.double.enqueue({ text: ['I write.'], toolCalls: [essay('call-1')] }, { when: answers });
    app.double.enqueue({ text: ['The sea follows.'] }, { when: writes });
    app.double.enqueue({ text: ['Done.'] }, { when: answers });
    await chat.sendMessage({ text: 'Write an essay' });
    const before = await stateOf(chat.id);

    // A result of the client does not replace that of the server.
    const output = 'my own result';
    await chat.addToolOutput({ tool: 'createDocument', toolCallId: 'call-1', output });
    expect(JSON.stringify(chat.lastMessage)).toContain(output);
    await chat.sendMessage();
    expect(requests).toHaveLength(2);
    await expectShown(chat);

    // In the compact form, with an answer that has other parts.
    const message = { id: before.messages[1]!.id, role: 'assistant', parts: [{ type: 'text', text: 'no' }] };
    for (const body of [{ message }, { messages: [userMessage('Write'), message] }]) {
      const shown = await app.post(user, { id: chat.id, ...body });
      expect([shown.status, shown.text, shown.done]).toEqual([200, 'I write.Done.', true]);
      expect(shown.chunks.slice(0, 2)).toEqual([
        { type: 'start', messageId: message.id, messageMetadata: expect.anything() },
        { type: 'reset-step' },
      ]);
      expect(shown.chunks.at(-1)).toEqual({
        type: 'finish',
        finishReason: 'stop',
        messageMetadata: before.messages[1]!.metadata,
      });
    }
    expect(await stateOf(chat.id)).toEqual(before);
  });

  it('finds no answer of another user, and none that is not there', async () => {
    const chatId = randomUUID();
    await app.say(user, chatId, 'Hello', { body: { agent: 'chat' } });
    const { id } = await storedAnswer(app, user, chatId);
    const stranger = await app.createUser();
    const parts = [{ type: 'text', text: 'x' }];
    for (const [who, messageId] of [
      [stranger, id],
      [user, randomUUID()],
    ] as const) {
      const message = { id: messageId, role: 'assistant', parts };
      const one = await app.post(who, { id: chatId, message });
      expect([one.status, one.problem.errors[0].path]).toEqual([400, 'message.role']);
      const many = await app.post(who, { id: chatId, messages: [userMessage('Hello'), message] });
      expect([many.status, many.problem.errors[0].path]).toEqual([400, 'messages']);
    }
  });

  describe.each([
    ['lastAssistantMessageIsCompleteWithToolCalls', isComplete],
    ['lastAssistantMessageIsCompleteWithApprovalResponses', isApproved],
  ] as Array<[string, Helper]>)('%s makes one request', (_name, sendAutomaticallyWhen) => {
    /** Sends a message, and makes sure that nothing more is sent than that. */
    async function expectOne({ chat, requests }: Client, ending: () => Promise<unknown>): Promise<void> {
      const sending = chat.sendMessage({ text: 'Write an essay' });
      await ending();
      await sending;
      const [calls, sent] = [app.double.requests.length, requests.length];
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect([sent, requests.length, app.double.requests.length]).toEqual([1, 1, calls]);
      // The loaded answer does not start it, either.
      const messages = await loaded(chat.id);
      expect(sendAutomaticallyWhen({ messages })).toBe(false);
      const again = client({ id: chat.id, messages, sendAutomaticallyWhen });
      await again.chat.resumeStream();
      expect(again.requests.map(({ method }) => method)).toEqual(['GET']);
      expect(plain(again.chat.messages)).toEqual(plain(messages));
    }
    const writing = () => client({ body: { agent: 'artifact' }, sendAutomaticallyWhen });

    it('if the answer ends with words', async () => {
      app.double.enqueue({ toolCalls: [essay('call-1')] }, { when: answers });
      app.double.enqueue({ text: ['The sea follows.'] }, { when: writes });
      app.double.enqueue({ text: ['Done.'] }, { when: answers });
      const writer = writing();
      await expectOne(writer, () => Promise.resolve());
      await expectShown(writer.chat);
    });

    it('if the answer ends with the results of calls', async () => {
      for (let step = 0; step < 20; step++)
        app.double.enqueue({ toolCalls: [essay(`call-${step}`)] }, { when: answers });
      app.double.enqueue({ text: ['Tides.'] }, { when: writes, times: 20 });
      const writer = writing();
      await expectOne(writer, () => Promise.resolve());
      expect(writer.chat.lastMessage?.metadata).toMatchObject({ finishReason: 'tool-calls' });
      await expectShown(writer.chat);
    });

    it('if the answer is stopped in the middle of a call', async () => {
      app.double.enqueue({ toolCalls: [essay('call-1')] }, { when: answers });
      app.double.enqueue({ text: ['The sea ', 'follows.'], pauseAfter: 1 }, { when: writes });
      const writer = writing();
      await expectOne(writer, async () => {
        await app.double.until(() =>
          app.double.requests.some((call) => writes(call) && call.state === 'held'),
        );
        await stop(app, user, writer.chat.id);
      });
      await expectShown(writer.chat);
      const calls = writer.chat.lastMessage?.parts.filter(isToolUIPart);
      expect(calls).toMatchObject([
        { state: 'output-error', errorText: expect.stringContaining('interrupted') },
      ]);
    });

    it('if the provider fails after a call', async () => {
      app.double.enqueue({ toolCalls: [essay('call-1')] }, { when: answers });
      app.double.enqueue({ text: ['The sea follows.'] }, { when: writes });
      app.double.enqueue({ fault: { type: 'status', status: 401 } }, { when: answers });
      const writer = writing();
      await expectOne(writer, () => Promise.resolve()).catch((error: unknown) => {
        // The replay of a failed answer fails, too.
        if (writer.chat.status !== 'error') throw error;
      });
      expect(writer.chat.status).toBe('error');
      expect(writer.requests).toHaveLength(1);
      expect(plain(writer.chat.lastMessage)).toEqual((await loaded(writer.chat.id)).at(-1));
    });
  });

  describe('with a decision', () => {
    async function ask(): Promise<Client> {
      const repositoryId = await app.connect(user);
      const asking = client({ body: { agent: 'git_mcp', repositoryId }, sendAutomaticallyWhen: isApproved });
      app.double.enqueue({
        text: ['I would like to.'],
        toolCalls: [{ id: 'write-1', name: 'create_issue', input: ISSUE }],
      });
      await asking.chat.sendMessage({ text: 'Please report it.' });
      expect(pendingOf(asking.chat.lastMessage)).toHaveLength(1);
      return asking;
    }

    it('makes the call once; the same or another decision in an old window shows what came of it', async () => {
      const { chat, requests } = await ask();
      const old = await Promise.all(
        [true, false].map(async () =>
          client({ id: chat.id, messages: await loaded(chat.id), sendAutomaticallyWhen: isApproved }),
        ),
      );
      app.double.enqueue({ text: ['It is issue 1.'] });
      await respond(chat, true);
      expect(requests).toHaveLength(2);
      await expectShown(chat);
      const before = await stateOf(chat.id);
      for (const [index, { chat: window, requests: sent }] of old.entries()) {
        await respond(window, index === 0);
        expect(sent).toHaveLength(1);
        await expectShown(window);
      }
      expect(await stateOf(chat.id)).toEqual(before);
      expect(app.mcp.world.writes).toHaveLength(1);
    });

    it('goes on, and a window that is opened meanwhile has all of the answer', async () => {
      const { chat } = await ask();
      app.double.enqueue({ text: ['It is ', 'issue 1.'], pauseAfter: 1 });
      const responding = respond(chat, true);
      const said = (text: string) => `I would like to.${text}`;
      await untilText(chat, said('It is '));
      // Once it has loaded nothing of the continuation, once everything so far.
      const early = client({ id: chat.id, messages: await loaded(chat.id) });
      await eventually(async () => textOf((await loaded(chat.id)).at(-1)) === said('It is '));
      const late = client({ id: chat.id, messages: await loaded(chat.id) });
      const resuming = [early, late].map((window) => window.chat.resumeStream());
      for (const window of [early, late]) await untilText(window.chat, said('It is '));
      app.double.resume();
      await Promise.all([responding, ...resuming]);
      for (const window of [chat, early.chat, late.chat]) {
        expect(textOf(window.lastMessage)).toBe(said('It is issue 1.'));
        await expectShown(window);
      }
      const raw = await (await resume(app, user, chat.id)).rest();
      expect(raw.text).toBe(said('It is issue 1.'));
    });
  });

  it('resumes in the middle of a call without doubling what was loaded', async () => {
    const { chat } = client({ body: { agent: 'artifact' } });
    app.double.enqueue({ text: ['I write.'], toolCalls: [essay('call-1')] }, { when: answers });
    app.double.enqueue({ text: ['The sea ', 'follows.'], pauseAfter: 1 }, { when: writes });
    app.double.enqueue({ text: ['Done.'] }, { when: answers });
    const sending = chat.sendMessage({ text: 'Write an essay' });
    await app.double.until(() => app.double.requests.some((call) => writes(call) && call.state === 'held'));
    await eventually(async () => textOf((await loaded(chat.id)).at(-1)) === 'I write.');
    const windows = await Promise.all(
      [1, 2].map(async () => client({ id: chat.id, messages: await loaded(chat.id) })),
    );
    // As React does in strict mode: the second resume takes over from the first one.
    const resuming = windows.flatMap((window) => [window.chat.resumeStream(), window.chat.resumeStream()]);
    for (const window of windows)
      await eventually(() => Promise.resolve(window.chat.lastMessage?.parts.some(isToolUIPart)));
    app.double.resume();
    await Promise.all([sending, ...resuming]);
    for (const window of [chat, ...windows.map(({ chat }) => chat)]) await expectShown(window);
    expect(textOf(chat.lastMessage)).toBe('I write.Done.');
  });
});
