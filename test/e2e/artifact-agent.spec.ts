import { randomUUID } from 'node:crypto';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';

const PROVIDERS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];
const ESSAY = ['# Tides\n\n', 'The moon pulls, ', 'the sea follows.'];

describe('the artifact agent', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  beforeEach(() => app.double.reset());
  afterAll(() => app.close());

  const tool = (name: string, input: object) => ({ toolCalls: [{ id: randomUUID(), name, input }] });
  const writes = ({ instructions }: { instructions: string }) =>
    /You write the content of a document|You change a document as you are asked/.test(instructions);
  const answers = ({ instructions, stream }: { instructions: string; stream: boolean }) =>
    stream && !writes({ instructions });

  /** The agent calls a tool, the writing call returns `content`, and the agent ends with `closing`. */
  function script(name: string, input: object, content: string[], closing = 'Done.'): void {
    app.double.enqueue(tool(name, input), { when: answers });
    app.double.enqueue({ text: content, usage: { input: 100, output: 40 } }, { when: writes });
    app.double.enqueue({ text: [closing] }, { when: answers });
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- chunks of any type
  const dataOf = (chunks: any[], type: string): any[] =>
    chunks.filter((chunk) => chunk.type === type).map(({ data }) => data as unknown);

  async function create(
    title: string,
    kind: string,
    content: string[],
  ): Promise<{ id: string; content: string }> {
    script('createDocument', { title, kind, description: 'As asked.' }, content);
    const answer = await app.say(user, randomUUID(), `Write ${title}`, { body: { agent: 'artifact' } });
    const [id] = dataOf(answer.chunks, 'data-id') as string[];
    const { body } = await app.request('GET', `/api/documents/${id}`, { user });
    return body;
  }

  it.each(PROVIDERS)('writes a document live into the answer, and stores it: %s', async (model) => {
    const chatId = randomUUID();
    script('createDocument', { title: 'Tides', kind: 'text', description: 'An essay on tides' }, ESSAY);
    const answer = await app.say(user, chatId, 'Write an essay on tides', {
      body: { agent: 'artifact', model },
    });
    expect([answer.status, answer.text, answer.done]).toEqual([200, 'Done.', true]);
    expect(dataOf(answer.chunks, 'data-agent')).toEqual([
      { agentType: 'artifact', reason: expect.any(String) },
    ]);
    expect(dataOf(answer.chunks, 'data-kind')).toEqual(['text']);
    expect(dataOf(answer.chunks, 'data-title')).toEqual(['Tides']);
    expect(dataOf(answer.chunks, 'data-clear')).toHaveLength(1);
    expect(dataOf(answer.chunks, 'data-textDelta').join('')).toBe(ESSAY.join(''));
    expect(dataOf(answer.chunks, 'data-finish')).toHaveLength(1);

    const [id] = dataOf(answer.chunks, 'data-id') as string[];
    const document = await app.request('GET', `/api/documents/${id}`, { user });
    expect(document.body).toMatchObject({ title: 'Tides', kind: 'text', content: ESSAY.join('') });
    const { body: messages } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
    const part = messages.items[1].parts.find(({ type }: { type: string }) => type === 'tool-createDocument');
    expect(part).toMatchObject({ state: 'output-available', output: { id, title: 'Tides', kind: 'text' } });

    // Every call is recorded: two of the agent, one that wrote, one for the title.
    const rows = await app.database.query(
      `select agent_type, metadata ->> 'purpose' as purpose, total_tokens from usage_logs where chat_id = $1`,
      [chatId],
    );
    expect(rows.map(({ agent_type, purpose }) => `${agent_type} ${purpose}`).toSorted()).toEqual([
      ...Array<string>(3).fill('artifact answer'),
      'artifact title',
    ]);
    const { body: chat } = await app.request('GET', `/api/chats/${chatId}`, { user });
    const sum = rows.reduce((total, row) => total + Number(row.total_tokens), 0);
    expect(chat.totalInputTokens + chat.totalOutputTokens).toBe(sum);
    expect(answer.chunks.at(-1).messageMetadata.usage.totalTokens).toBe(
      messages.items[1].inputTokens + messages.items[1].outputTokens,
    );
  });

  it('sends code and sheets whole, without the code fence that models add', async () => {
    const code = await create('Hello', 'code', ['```js\n', 'console.log(1)', '\n```']);
    expect(code.content).toBe('console.log(1)');
    const sheet = await create('Prices', 'sheet', ['item,price\n', 'tea,2\n']);
    expect(sheet.content.trim()).toBe('item,price\ntea,2');
  });

  it('tells the model that a sheet is not CSV, and stores nothing', async () => {
    const before = (await app.request('GET', '/api/documents?limit=100', { user })).body.items.length;
    script(
      'createDocument',
      { title: 'Broken', kind: 'sheet', description: 'x' },
      ['a,"b\n1,2'],
      'It failed.',
    );
    const answer = await app.say(user, randomUUID(), 'Make a sheet', { body: { agent: 'artifact' } });
    expect(answer.text).toBe('It failed.');
    expect(answer.chunks.find(({ type }) => type === 'tool-output-error').errorText).toContain('content');
    expect((await app.request('GET', '/api/documents?limit=100', { user })).body.items).toHaveLength(before);
    expect(dataOf(answer.chunks, 'data-draft')).toMatchObject([{ kind: 'sheet', content: 'a,"b\n1,2' }]);
  });

  it('writes one document after the other, even if the calls are concurrent', async () => {
    const titles = ['First', 'Second'];
    const calls = titles.flatMap(
      (title) => tool('createDocument', { title, kind: 'text', description: 'x' }).toolCalls,
    );
    app.double.enqueue({ toolCalls: calls }, { when: answers });
    for (const title of titles) {
      app.double.enqueue({ text: [title, ' and', ' more'], chunkDelayMs: 20 }, { when: writes });
    }
    const answer = await app.say(user, randomUUID(), 'Write two', { body: { agent: 'artifact' } });
    const said = answer.chunks.filter(({ type }) => /^data-(id|textDelta|finish)$/.test(type as string));
    const one = ['data-id', 'data-textDelta', 'data-textDelta', 'data-textDelta', 'data-finish'];
    expect(said.map(({ type }) => type as string)).toEqual([...one, ...one]);
    for (const [index, title] of titles.entries()) {
      const [{ data: id }] = said.slice(index * one.length);
      const { body } = await app.request('GET', `/api/documents/${id}`, { user });
      expect([body.title, body.content]).toEqual([title, `${title} and more`]);
    }
  });

  it('makes several concurrent changes of one document', async () => {
    const { id } = await create('Steps', 'text', ['one two three']);
    const calls = ['one', 'two', 'three'].flatMap((oldText) => {
      const edits = [{ oldText, newText: oldText.toUpperCase() }];
      return tool('updateDocument', { id, description: 'Louder', edits }).toolCalls;
    });
    app.double.enqueue({ toolCalls: calls }, { when: answers });
    await app.say(user, randomUUID(), 'Louder', { body: { agent: 'artifact' } });
    expect((await app.request('GET', `/api/documents/${id}`, { user })).body.content).toBe('ONE TWO THREE');
  });

  it("stores a model's text without the characters that cannot be stored", async () => {
    script('createDocument', { title: 'O\u0000dd', kind: 'text', description: 'x' }, ['a\u0000b']);
    const answer = await app.say(user, randomUUID(), 'Write', { body: { agent: 'artifact' } });
    const [id] = dataOf(answer.chunks, 'data-id') as string[];
    const document = await app.request('GET', `/api/documents/${id}`, { user });
    expect(document.body).toMatchObject({ title: 'Odd', content: 'ab' });
    const suggestion = { originalText: 'ab', suggestedText: 'c\u0000', description: '\ud800' };
    app.double.enqueue({ text: [JSON.stringify({ suggestions: [suggestion] })] });
    const { status, body } = await app.request('POST', `/api/documents/${id}/suggestions`, {
      user,
      body: {},
    });
    expect([status, body.items]).toMatchObject([201, [{ suggestedText: 'c', description: '\ufffd' }]]);
  });

  it('keeps the draft in the stored answer while it writes, in case of a crash, and then removes it', async () => {
    const chatId = randomUUID();
    const input = { title: 'Safe', kind: 'text', description: 'x' };
    app.double.enqueue(tool('createDocument', input), { when: answers });
    app.double.enqueue({ text: ['Half', ' and half'], pauseAfter: 1 }, { when: writes });
    const reader = await app.open(user, { id: chatId, message: userMessage('Write'), agent: 'artifact' });
    const draft = async () => {
      const { body } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
      return body.items[1]?.parts.find(({ type }: { type: string }) => type === 'data-draft');
    };
    await reader.until((chunks) => chunks.some(({ type }) => type === 'data-textDelta'));
    expect((await eventually(draft)).data).toMatchObject({ title: 'Safe', kind: 'text', content: 'Half' });
    app.double.resume();
    await reader.rest();
    expect(await draft()).toBeUndefined();
  });

  it('keeps what it has written if another writer was faster', async () => {
    const { id } = await create('Shared', 'text', ['As it was.']);
    const chatId = randomUUID();
    app.double.enqueue(tool('updateDocument', { id, description: 'More' }), { when: answers });
    app.double.enqueue({ text: ['By the ', 'model'], pauseAfter: 1 }, { when: writes });
    const reader = await app.open(user, { id: chatId, message: userMessage('More'), agent: 'artifact' });
    await reader.until((chunks) => chunks.some(({ type }) => type === 'data-textDelta'));
    await app.request('PUT', `/api/documents/${id}`, { user, body: { content: 'By a person' } });
    app.double.resume();
    await reader.rest();
    expect((await app.request('GET', `/api/documents/${id}`, { user })).body.content).toBe('By a person');
    const { body: messages } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
    const draft = messages.items[1].parts.find(({ type }: { type: string }) => type === 'data-draft');
    expect(draft.data).toMatchObject({ id, content: 'By the model' });
  });

  it('changes the open document, and knows its content', async () => {
    const { id } = await create('Draft', 'text', ['First version.']);
    const before = app.double.requests.length;
    script('updateDocument', { id, description: 'Make it second' }, ['Second version.']);
    const answer = await app.say(user, randomUUID(), 'Make it second', {
      body: { agent: 'artifact', documentId: id },
    });
    expect(answer.text).toBe('Done.');
    const [asked] = app.double.requests.slice(before).filter(({ stream }) => stream);
    expect(JSON.stringify(asked?.body)).toContain('First version.');
    const versions = await app.request('GET', `/api/documents/${id}/versions?content=true`, { user });
    expect(versions.body.items.map(({ content }: { content: string }) => content)).toEqual([
      'First version.',
      'Second version.',
    ]);
  });

  it('answers 404 for another user’s document', async () => {
    const { id } = await create('Mine', 'text', ['Mine.']);
    const stranger = await app.createUser();
    app.double.reset();
    const chat = randomUUID();
    const answer = await app.say(stranger, chat, 'Show it', { body: { agent: 'artifact', documentId: id } });
    expect([answer.status, answer.problem.code]).toEqual([404, 'not_found']);
    expect((await app.request('GET', `/api/chats/${chat}`, { user: stranger })).status).toBe(404);
    app.double.enqueue(tool('updateDocument', { id, description: 'Steal it' }), { when: answers });
    app.double.enqueue({ text: ['No.'] }, { when: answers });
    const second = await app.say(stranger, randomUUID(), 'Change it', { body: { agent: 'artifact' } });
    expect(second.chunks.find(({ type }) => type === 'tool-output-error').errorText).toContain('not found');
    expect((await app.request('GET', `/api/documents/${id}`, { user })).body.content).toBe('Mine.');
  });

  it('keeps the last version when it is stopped, and the reader keeps the draft', async () => {
    const { id } = await create('Stopped', 'text', ['As it was.']);
    const chatId = randomUUID();
    app.double.enqueue(tool('updateDocument', { id, description: 'More' }), { when: answers });
    app.double.enqueue({ text: ['Half of ', 'what was to come'], pauseAfter: 1 }, { when: writes });
    const reader = await app.open(user, { id: chatId, message: userMessage('More'), agent: 'artifact' });
    await reader.until((chunks) => chunks.some(({ type }) => type === 'data-textDelta'));
    expect((await app.request('POST', `/api/chat/${chatId}/stop`, { user })).body).toEqual({ stopped: true });
    await reader.rest();
    expect((await app.request('GET', `/api/documents/${id}`, { user })).body.content).toBe('As it was.');
    const { body: messages } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
    expect(messages.items[1].status).toBe('stopped');
    const draft = messages.items[1].parts.find(({ type }: { type: string }) => type === 'data-draft');
    expect(draft.data).toMatchObject({ id, kind: 'text', content: 'Half of ' });
    expect(app.double.requests.findLast(writes)?.closedByClient).toBe(true);
  });

  it.each(PROVIDERS)(
    'can be stopped before its tool has done anything, and every provider accepts the history: %s',
    async (model) => {
      const chatId = randomUUID();
      const body = { agent: 'artifact', model };
      const input = { title: 'Never', kind: 'text', description: 'x' };
      app.double.enqueue(tool('createDocument', input), { when: answers });
      app.double.enqueue({ text: ['Never.'], pauseAfter: 0 }, { when: writes });
      const reader = await app.open(user, { id: chatId, message: userMessage('Begin'), ...body });
      await app.double.until(() =>
        app.double.requests.some((request) => writes(request) && request.state === 'held'),
      );
      await app.request('POST', `/api/chat/${chatId}/stop`, { user });
      await reader.rest();
      for (const next of PROVIDERS) {
        const { status, text } = await app.say(user, chatId, `Go on, ${next}`, { body: { model: next } });
        expect([next, status, text]).toEqual([next, 200, expect.stringContaining(`Go on, ${next}`)]);
      }
    },
  );

  it('returns an empty answer if its model returns nothing', async () => {
    for (const model of PROVIDERS) {
      app.double.enqueue({ fault: { type: 'empty' } }, { when: answers });
      const answer = await app.say(user, randomUUID(), 'Are you there?', {
        body: { agent: 'artifact', model },
      });
      expect([model, answer.status, answer.problem?.code]).toEqual([model, 502, 'upstream_error']);
    }
  });

  it('fails the answer when the writing call fails, and keeps the draft so far', async () => {
    const chatId = randomUUID();
    app.double.enqueue(tool('createDocument', { title: 'Lost', kind: 'text', description: 'x' }), {
      when: answers,
    });
    app.double.enqueue(
      { text: ['Begun', ' but'], fault: { type: 'reset-after', chunks: 1 } },
      { when: writes },
    );
    app.double.enqueue({ text: ['I could not.'] }, { when: answers });
    await app.say(user, chatId, 'Write', { body: { agent: 'artifact' } });
    const { body: messages } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
    const { parts } = messages.items[1];
    expect(parts.find(({ type }: { type: string }) => type === 'data-draft').data.content).toBe('Begun');
    expect(parts.find(({ type }: { type: string }) => type === 'tool-createDocument').state).toBe(
      'output-error',
    );
  });

  it('suggests improvements that can be applied', async () => {
    const { id } = await create('Plain', 'text', ['It was a nice day. We went out.']);
    app.double.enqueue(tool('requestSuggestions', { id }), { when: answers });
    const suggestion = {
      originalText: 'a nice day',
      suggestedText: 'a golden day',
      description: 'More vivid.',
    };
    const useless = { originalText: 'not in there', suggestedText: 'x', description: 'y' };
    app.double.enqueue(
      { text: [JSON.stringify({ suggestions: [suggestion, useless] })] },
      { when: ({ instructions }) => instructions.includes('You are an editor') },
    );
    app.double.enqueue({ text: ['Suggested.'] }, { when: answers });
    const answer = await app.say(user, randomUUID(), 'Improve it', { body: { agent: 'artifact' } });
    expect(answer.text).toBe('Suggested.');
    const [stored] = dataOf(answer.chunks, 'data-suggestion');
    expect(stored).toMatchObject({ ...suggestion, documentId: id, isResolved: false });
    const applied = await app.request('POST', `/api/suggestions/${stored.id}/apply`, { user });
    expect([applied.status, applied.body.content]).toEqual([200, 'It was a golden day. We went out.']);
  });

  it('suggests for a document on its own route, accounted as suggestions', async () => {
    const { id } = await create('Route', 'text', ['Some words here.']);
    const suggestion = { originalText: 'Some words', suggestedText: 'Many words', description: 'More.' };
    const editor = ({ instructions }: { instructions: string }) => instructions.includes('You are an editor');
    app.double.enqueue({ text: [JSON.stringify({ suggestions: [suggestion] })] }, { when: editor });
    const path = `/api/documents/${id}/suggestions`;
    const made = await app.request('POST', path, { user, body: { instruction: 'More words' } });
    expect([made.status, made.body.nextCursor]).toEqual([201, null]);
    expect(made.body.items).toEqual([expect.objectContaining({ ...suggestion, documentId: id })]);
    expect((await app.request('GET', path, { user })).body.items).toEqual(made.body.items);
    expect(JSON.stringify(app.double.requests.findLast(editor)?.body)).toContain('More words');
    const [call] = await app.database.query(
      `select agent_type, metadata ->> 'status' as status from usage_logs
        where user_id = $1 and metadata ->> 'purpose' = 'suggestions' order by request_timestamp desc limit 1`,
      [user.id],
    );
    expect(call).toEqual({ agent_type: 'artifact', status: 'success' });

    app.double.enqueue({ text: ['No idea.'] }, { when: editor });
    const useless = await app.request('POST', path, { user });
    expect([useless.status, useless.body.code]).toEqual([502, 'upstream_error']);
    const wrong = await app.request('POST', path, { user, body: { instruction: 5 } });
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([400, 'instruction']);
    const stranger = await app.createUser();
    expect((await app.request('POST', path, { user: stranger, body: {} })).status).toBe(404);
  });
});
