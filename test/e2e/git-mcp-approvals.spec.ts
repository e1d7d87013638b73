import { OTHER_GITHUB_TOKEN } from '../doubles/github/github-double.js';
import {
  ADDRESS,
  answered,
  expectNothingAsked,
  ISSUE,
  startWritingApp,
  toolParts,
  type WritingChat,
} from '../support/approvals.js';
import { CHOSEN, TOKEN_HEADER } from '../support/github-app.js';
import { messagesOf, readChat, send, storedAnswer, stop } from '../support/turns.js';

/** Writes wait for the user's decision. */
describe('the approval of a write', () => {
  let app: Awaited<ReturnType<typeof startWritingApp>>;
  let chat: WritingChat;

  beforeAll(async () => {
    app = await startWritingApp();
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    chat = await app.openChat();
  });

  const writes = () => app.mcp.world.writes;

  describe('asking', () => {
    it('ends the answer before anything is done', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      expect(waiting.status).toBe('complete');
      expect(toolParts(waiting)).toEqual([
        {
          type: 'dynamic-tool',
          toolName: 'create_issue',
          toolCallId: 'write-0',
          title: 'Create Issue',
          state: 'approval-requested',
          input: ISSUE,
          approval: { id: expect.any(String), requestReason: `"Create Issue" changes ${CHOSEN} at GitHub.` },
          toolMetadata: { repositoryId: chat.repositoryId, repository: CHOSEN },
          callProviderMetadata: expect.any(Object),
        },
      ]);
      expect(writes()).toEqual([]);
    });

    it('is not done for a call that would be refused, nor for a call that only reads', async () => {
      app.mcp.world.files.set(`${CHOSEN}/README.md`, '# Hello');
      app.script(
        { name: 'create_issue', input: { owner: 'octo', repo: 'secret', title: 'x' } },
        { name: 'get_file_contents', input: { ...ADDRESS, path: 'README.md' } },
        'No.',
      );
      const answer = await app.ask(chat.user, chat.chatId, 'Hm?', { repositoryId: chat.repositoryId });
      expect(answer.text).toBe('No.');
      expect(answer.chunks.filter(({ type }) => type === 'tool-approval-request')).toEqual([]);
      expect(app.mcp.calls.map(({ name }) => name)).toEqual(['get_file_contents']);
    });

    it('lets the chat continue with another message, which cancels the request', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.script('Then not.');
      const next = await app.ask(chat.user, chat.chatId, 'Never mind.', { repositoryId: chat.repositoryId });
      expect([next.status, next.text]).toEqual([200, 'Then not.']);
      const late = await chat.approve(answered(waiting, true));
      expect([late.status, late.problem.code]).toEqual([400, 'validation_failed']);
      expect(writes()).toEqual([]);
    });
  });

  describe('given', () => {
    it('makes the call once, with the stored input, and continues the same answer', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.script('It is issue 1.');
      const answer = await chat.approve(answered(waiting, true));
      expect([answer.status, answer.text]).toEqual([200, 'It is issue 1.']);
      expect(writes()).toEqual([{ tool: 'create_issue', input: ISSUE }]);
      expect(answer.chunks[0]).toMatchObject({ type: 'start', messageId: waiting.id });
      expect(answer.chunks.filter(({ type }) => type === 'data-agent')).toEqual([]);
      expect(answer.chunks.find(({ type }) => type === 'tool-output-available')).toMatchObject({
        toolCallId: 'write-0',
        output: '{"done":"create_issue","number":1}',
      });

      const messages = await messagesOf(app, chat.user, chat.chatId);
      expect(messages).toHaveLength(2);
      const stored = messages[1]!;
      expect(stored).toMatchObject({
        id: waiting.id,
        status: 'complete',
        inputTokens: 200,
        outputTokens: 20,
      });
      expect(stored.parts.map(({ type }) => type)).toEqual([
        'data-agent',
        'step-start',
        'text',
        'dynamic-tool',
        'step-start',
        'text',
      ]);
      expect(toolParts(stored)[0]).toMatchObject({ state: 'output-available', input: ISSUE });
    });

    it("adds up the usage: of the message, the chat, the rows and the provider's report", async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      expect([waiting.inputTokens, waiting.outputTokens]).toEqual([100, 10]);
      app.script({ name: 'add_issue_comment', input: { ...ADDRESS, issue_number: 1, body: 'Same here.' } });
      await chat.approve(answered(waiting, true));
      const again = await storedAnswer(app, chat.user, chat.chatId);
      app.script('Both are done.');
      const answer = await chat.approve(answered(again, true));
      expect(writes().map(({ tool }) => tool)).toEqual(['create_issue', 'add_issue_comment']);
      const stored = await storedAnswer(app, chat.user, chat.chatId);
      expect([stored.id, stored.inputTokens, stored.outputTokens]).toEqual([waiting.id, 300, 30]);
      expect(answer.chunks.at(-1).messageMetadata).toEqual(stored.metadata);
      expect(stored.metadata).toMatchObject({
        agentType: 'git_mcp',
        usage: { totalTokens: 330 },
        cost: stored.cost,
      });
      const [answers, all] = await Promise.all(
        [`and metadata ->> 'purpose' = 'answer'`, ''].map((filter) =>
          app.database.query(
            `select count(*)::int as calls, sum(input_tokens)::int as input, sum(output_tokens)::int as output, sum(total_cost)::float as cost
               from usage_logs where user_id = $1 ${filter}`,
            [chat.user.id],
          ),
        ),
      );
      expect(answers![0]).toMatchObject({ calls: 3, input: 300, output: 30 });
      const figures = await readChat(app, chat.user, chat.chatId);
      expect(figures).toMatchObject({ totalInputTokens: all![0].input, totalOutputTokens: all![0].output });
      expect(figures.totalCost).toBeCloseTo(all![0].cost, 6);
    });

    it('of a reloaded message only needs the message and the token', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.script('Done.');
      const [part] = toolParts(waiting);
      const minimal = {
        id: waiting.id,
        role: 'assistant',
        parts: [{ state: 'approval-responded', approval: { id: part.approval.id, approved: true } }],
      };
      const answer = await chat.approve(minimal);
      expect([answer.status, answer.text]).toEqual([200, 'Done.']);
      expect(writes()).toEqual([{ tool: 'create_issue', input: ISSUE }]);
    });

    it('for several calls needs a decision for each, and keeps them apart', async () => {
      const waiting = await chat.ask(
        { name: 'create_issue', input: ISSUE },
        { name: 'create_branch', input: { ...ADDRESS, branch: 'fix' } },
      );
      const [first, second] = toolParts(waiting);
      const word = (part: typeof first, approved: boolean) => ({
        ...part,
        state: 'approval-responded',
        approval: { ...part.approval, approved },
      });
      const half = await chat.approve({
        id: waiting.id,
        role: 'assistant',
        parts: [word(first, true), second],
      });
      expect([half.status, half.problem.code]).toEqual([400, 'validation_failed']);
      expect(writes()).toEqual([]);
      app.script('One of them.');
      const both = { id: waiting.id, role: 'assistant', parts: [word(first, false), word(second, true)] };
      expect((await chat.approve(both)).status).toBe(200);
      expect(writes()).toEqual([{ tool: 'create_branch', input: { ...ADDRESS, branch: 'fix' } }]);
      expect(toolParts(await storedAnswer(app, chat.user, chat.chatId)).map(({ state }) => state)).toEqual([
        'output-denied',
        'output-available',
      ]);
    });

    it('continues with the model that started, unless another is requested', async () => {
      app.double.enqueue({ toolCalls: [{ id: 'w', name: 'create_issue', input: ISSUE }] });
      await app.ask(chat.user, chat.chatId, 'Please.', {
        repositoryId: chat.repositoryId,
        body: { model: 'google/gemini-2.5-pro' },
      });
      app.script('Done.');
      await chat.approve(answered(await storedAnswer(app, chat.user, chat.chatId), true));
      const models = app.double.requests.filter(({ stream }) => stream).map(({ model }) => model);
      expect(models).toEqual(['gemini-2.5-pro', 'gemini-2.5-pro']);
    });
  });

  describe('denied', () => {
    it('does nothing at GitHub, and the model gets the reason', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.script('Then I leave it.');
      const answer = await chat.approve(answered(waiting, false, { reason: 'Not on a Friday.' }));
      expect([answer.status, answer.text]).toEqual([200, 'Then I leave it.']);
      expect(app.mcp.calls).toEqual([]);
      expect(JSON.stringify(app.double.requests.findLast(({ stream }) => stream)?.body)).toContain(
        'Not on a Friday.',
      );
      const stored = await storedAnswer(app, chat.user, chat.chatId);
      expect(stored.id).toBe(waiting.id);
      expect(toolParts(stored)[0]).toMatchObject({
        state: 'output-denied',
        approval: { approved: false, reason: 'Not on a Friday.' },
      });
      app.script('As I said.');
      expect((await app.ask(chat.user, chat.chatId, 'So?', { repositoryId: chat.repositoryId })).status).toBe(
        200,
      );
    });
  });

  describe('for a call that is no longer allowed', () => {
    it.each([
      ['the tool was excluded', { excludeTools: ['create_issue'] }],
      ['writes were switched off', { readOnly: true }],
    ])('does nothing: %s', async (_, change) => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.mcp.quirks = { ignoresReadonly: true, ignoresToolsets: true };
      await app.configure(change);
      app.script('It is not allowed.');
      const answer = await chat.approve(answered(waiting, true));
      expect([answer.status, answer.text]).toEqual([200, 'It is not allowed.']);
      expect(app.mcp.calls).toEqual([]);
      expect(toolParts(await storedAnswer(app, chat.user, chat.chatId))[0].state).toBe('output-denied');
    });

    it('keeps waiting while the repository is deactivated', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      const path = `/api/github/repositories/${chat.repositoryId}`;
      await app.request('PATCH', path, { user: chat.user, body: { isActive: false } });
      const refused = await chat.approve(answered(waiting, true));
      expect([refused.status, refused.problem.code]).toEqual([400, 'validation_failed']);
      await app.request('PATCH', path, { user: chat.user, body: { isActive: true } });
      app.script('Done.');
      expect((await chat.approve(answered(waiting, true))).status).toBe(200);
      expect(writes()).toHaveLength(1);
    });
  });

  describe('when something fails', () => {
    const reasons: Array<[string, () => unknown, Record<string, string>, number, string]> = [
      ['there is no token', () => undefined, {}, 400, 'github_token_missing'],
      [
        'the token is bad',
        () => undefined,
        { 'x-github-token': OTHER_GITHUB_TOKEN },
        400,
        'github_token_missing',
      ],
      [
        'GitHub is away',
        () => (app.mcp.quirks = { status: { status: 503 } }),
        TOKEN_HEADER,
        502,
        'upstream_error',
      ],
    ];

    it.each(reasons)(
      'before the call is made, it can be given again: %s',
      async (_, breakIt, headers, status, code) => {
        const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
        breakIt();
        const failed = await chat.approve(answered(waiting, true), { headers });
        expect([failed.status, failed.problem.code]).toEqual([status, code]);
        expect(await storedAnswer(app, chat.user, chat.chatId)).toEqual(waiting);
        app.mcp.quirks = {};
        app.script('Done.');
        const answer = await chat.approve(answered(waiting, true));
        expect([answer.status, answer.text]).toEqual([200, 'Done.']);
        expect(writes()).toHaveLength(1);
      },
    );

    it('in the call itself, it is not made again', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.mcp.failCall({ type: 'reset', midway: true });
      app.script('I do not know whether it was done.');
      const answer = await chat.approve(answered(waiting, true));
      expect(answer.chunks.find(({ type }) => type === 'tool-output-error')).toMatchObject({
        toolCallId: 'write-0',
      });
      expect(app.mcp.requests.filter(({ rpc }) => rpc === 'tools/call')).toHaveLength(1);
      await expectNothingAsked(app, chat, () => chat.approve(answered(waiting, true)));
      expect(app.mcp.requests.filter(({ rpc }) => rpc === 'tools/call')).toHaveLength(1);
    });

    it('after the call, the result stays in the answer', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.double.enqueue({ fault: { type: 'status', status: 400 } });
      const failed = await chat.approve(answered(waiting, true));
      expect(failed.chunks.at(-1)?.type).toBe('error');
      expect(writes()).toHaveLength(1);
      const stored = await storedAnswer(app, chat.user, chat.chatId);
      expect([stored.status, toolParts(stored)[0].state]).toEqual(['failed', 'output-available']);
      await expectNothingAsked(app, chat, () => chat.approve(answered(waiting, true)));
      app.script('It was done.');
      expect(
        (await app.ask(chat.user, chat.chatId, 'And now?', { repositoryId: chat.repositoryId })).text,
      ).toBe('It was done.');
      expect(writes()).toHaveLength(1);
    });

    it('if it is stopped during the call, the call is not made again', async () => {
      const waiting = await chat.ask({ name: 'create_issue', input: ISSUE });
      app.mcp.failCall({ type: 'slow' });
      const running = send(
        app,
        chat.user,
        { id: chat.chatId, message: answered(waiting, true) },
        TOKEN_HEADER,
      );
      await app.mcp.held();
      expect(await stop(app, chat.user, chat.chatId)).toEqual({ stopped: true });
      await (await running).rest();
      expect((await storedAnswer(app, chat.user, chat.chatId)).status).toBe('stopped');
      await expectNothingAsked(app, chat, () => chat.approve(answered(waiting, true)));
      app.script('Fine.');
      expect(
        (await app.ask(chat.user, chat.chatId, 'And now?', { repositoryId: chat.repositoryId })).text,
      ).toBe('Fine.');
    });
  });
});
