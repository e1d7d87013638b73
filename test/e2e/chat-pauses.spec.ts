import { randomUUID } from 'node:crypto';
import type { Script } from '../doubles/script.js';
import { CONTAINER } from '../doubles/wire/anthropic.js';
import { THINKING_SIGNATURE } from '../doubles/wire/signatures.js';
import type { TestUser } from '../support/app.js';
import { configureAgent } from '../support/agent-config.js';
import { type Answer, type ChatApp, startChatApp } from '../support/chat-app.js';
import { answerCalls, messagesOf, textOfParts } from '../support/turns.js';

const SOURCES = [{ url: 'https://example.com/tides', title: 'Tides' }];
const CODE = { code: 'print(6 * 7)', output: '42\n' };
const usage = { input: 100, output: 40 };

/** Anthropic pauses long turns of its own tools, and continues when it gets back what it has said. */
describe('an answer that its vendor pauses', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
    await configureAgent(app, 'anthropic', {
      capabilities: { thinking: false, fileInput: true, webSearch: true, codeExecution: true },
    });
  });

  afterEach(() => app.double.reset());
  afterAll(() => app.close());

  async function ask(scripts: Script[], body: object = {}) {
    const [chatId, question] = [randomUUID(), randomUUID()];
    for (const script of scripts)
      app.double.enqueue(
        { usage, ...script },
        { when: ({ stream, userText }) => stream && userText === question },
      );
    const options = { body: { model: 'anthropic/claude-sonnet-4-5', agent: 'chat', ...body } };
    const answer = await app.say(user, chatId, question, options);
    const stored = (await messagesOf(app, user, chatId)).at(-1)!;
    return { answer, chatId, stored, calls: answerCalls(app, question) };
  }

  const typesOf = ({ chunks }: Answer) => chunks.map(({ type }) => type as string);
  const once = (answer: Answer, ...types: string[]) =>
    types.map((type) => typesOf(answer).filter((other) => other === type).length);

  it('continues until its end as one answer', async () => {
    const { answer, chatId, stored, calls } = await ask([
      { text: ['I looked. '], sources: SOURCES, ending: 'pause_turn' },
      { text: ['I calculated. '], codeRun: CODE, ending: 'pause_turn' },
      { text: ['It is 42.'] },
    ]);
    const text = 'I looked. I calculated. It is 42.';
    expect([answer.status, answer.text, answer.done]).toEqual([200, text, true]);
    expect(once(answer, 'start', 'start-step', 'finish-step', 'finish', 'error')).toEqual([1, 1, 1, 1, 0]);
    expect(answer.chunks.at(-1)).toMatchObject({ finishReason: 'stop', messageMetadata: stored.metadata });
    expect([stored.status, textOfParts(stored)]).toEqual(['complete', text]);
    expect(stored.parts.some(({ state }) => state === 'streaming' || state === 'input-available')).toBe(
      false,
    );

    // Each call is a row, and the answer has the usage of all of them.
    const rows = await app.database.query(
      `select metadata from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [chatId],
    );
    expect(rows.map(({ metadata }) => [metadata.status, metadata.finishReason])).toEqual(
      Array(3).fill(['success', 'stop']),
    );
    expect([stored.inputTokens, stored.outputTokens]).toEqual([300, 120]);

    // The content is sent back unchanged.
    expect(calls).toHaveLength(3);
    const [first, second, third] = calls.map(({ body }) => body);
    const asked = first?.['messages'] as unknown[];
    expect((second?.['messages'] as unknown[]).slice(0, -1)).toEqual(asked);
    const [, ...repeated] = [first, second, third].map((body) => body?.['messages'].at(-1));
    const search = [
      { type: 'server_tool_use', name: 'web_search', input: { query: 'what the user said' } },
      {
        type: 'web_search_tool_result',
        content: [
          { type: 'web_search_result', url: SOURCES[0]!.url, encrypted_content: 'ZG91YmxlIGNvbnRlbnQ=' },
        ],
      },
    ];
    expect(repeated[0]).toMatchObject({
      role: 'assistant',
      content: [...search, { type: 'text', text: 'I looked.' }],
    });
    expect(repeated[0].content[1].tool_use_id).toBe(repeated[0].content[0].id);
    expect(repeated[1]).toMatchObject({
      role: 'assistant',
      content: [
        ...search,
        { type: 'text', text: 'I looked. ' },
        { type: 'server_tool_use', name: 'bash_code_execution', input: { command: CODE.code } },
        { type: 'bash_code_execution_tool_result', content: { stdout: CODE.output } },
        { type: 'text', text: 'I calculated.' },
      ],
    });
    expect([second?.['container'], third?.['container']]).toEqual([undefined, CONTAINER]);
    expect(second?.['tools']).toEqual(first?.['tools']);
  });

  it('continues after its reasoning, with the signature', async () => {
    const { answer, calls } = await ask(
      [{ reasoning: ['Hm, ', 'tides.'], text: ['So: '], ending: 'pause_turn' }, { text: ['the moon.'] }],
      { thinking: true },
    );
    expect(answer.text).toBe('So: the moon.');
    expect(calls[1]?.body['messages'].at(-1).content).toEqual([
      { type: 'thinking', thinking: 'Hm, tides.', signature: THINKING_SIGNATURE },
      { type: 'text', text: 'So:' },
    ]);
  });

  it('ends at the limit of steps if it pauses forever, and reports that', async () => {
    const pause: Script = { text: ['Still looking. '], sources: SOURCES, ending: 'pause_turn' };
    const { answer, stored, calls } = await ask(Array<Script>(20).fill(pause));
    expect(calls).toHaveLength(9);
    expect(answer.chunks.at(-1)).toMatchObject({ type: 'finish', finishReason: 'tool-calls' });
    expect(stored).toMatchObject({ status: 'complete', metadata: { finishReason: 'tool-calls' } });
    expect(textOfParts(stored)).toBe('Still looking. '.repeat(9));
  });

  it('keeps its content if it cannot continue', async () => {
    const { answer, stored } = await ask([
      { text: ['I looked. '], sources: SOURCES, ending: 'pause_turn' },
      { fault: { type: 'status', status: 401 } },
    ]);
    expect(answer.chunks.at(-1)).toMatchObject({ type: 'error' });
    expect([stored.status, textOfParts(stored)]).toEqual(['failed', 'I looked. ']);
  });

  it('can be stopped in a later part as in the first one', async () => {
    const [chatId, question] = [randomUUID(), randomUUID()];
    const when = ({ stream, userText }: { stream: boolean; userText: string }) =>
      stream && userText === question;
    app.double.enqueue({ text: ['one '], ending: 'pause_turn' }, { when });
    app.double.enqueue({ text: ['two ', 'three'], pauseAfter: 1 }, { when });
    const body = { model: 'anthropic/claude-sonnet-4-5', agent: 'chat' };
    const reading = app.say(user, chatId, question, { body });
    await app.double.until(() => answerCalls(app, question).some(({ state }) => state === 'held'));
    await app.request('POST', `/api/chat/${chatId}/stop`, { user });
    expect((await reading).text).toBe('one two ');
    await app.double.until(() => answerCalls(app, question).every(({ state }) => state === 'ended'));
    expect(answerCalls(app, question).at(-1)?.closedByClient).toBe(true);
    const [first, second] = await app.database.query(
      `select metadata ->> 'status' as status from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'
        order by request_timestamp`,
      [chatId],
    );
    expect([first.status, second.status]).toEqual(['success', 'aborted']);
  });
});
