import { randomUUID } from 'node:crypto';
import type { Encoding, Script } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type Answer, type ChatApp, startBeside, startChatApp } from '../support/chat-app.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { answerCalls, messagesOf } from '../support/turns.js';
import { MODELS, type Vendor } from '../support/wire-formats.js';

/** A provider's connection contains more than the text of an answer: signs of life, new event types, redirects to the same answer. */

const ALL = Object.keys(MODELS) as Vendor[];

const TEXT = ['one ', 'two'];
const IDLE_TIMEOUT = 1_500;
/** A silence of twice the timeout, with a sign of life from time to time. */
const LIFE = { times: 8, everyMs: IDLE_TIMEOUT / 4 };

const COMMENT = ': keepalive\n\n';
const sse = (data: object, event?: string) =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
const chatChunk = (delta: object) =>
  sse({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta }],
  });

const SIGNS: Array<[Vendor, string, string]> = [
  ...ALL.map((vendor): [Vendor, string, string] => [vendor, 'comments', COMMENT]),
  ['anthropic', 'pings', sse({ type: 'ping' }, 'ping')],
  [
    'openai',
    'response.in_progress',
    sse({
      type: 'response.in_progress',
      sequence_number: 1,
      response: { id: 'resp_1', object: 'response', created_at: 1, model: 'm', status: 'in_progress' },
    }),
  ],
  ['openaiChat', 'reasoning_content', chatChunk({ reasoning_content: 'Hm. ' })],
  ['openaiChat', 'empty deltas', chatChunk({ content: '' })],
];

/** Event types that are newer than the clients. */
const NEWS: Array<[Vendor, string, string]> = [
  ['google', 'an object', sse({ somethingNew: true })],
  ['google', 'a word', 'data: "still here"\n\n'],
  ['openai', 'an event', sse({ type: 'response.something_new', sequence_number: 1, item: { type: 'new' } })],
  ['openaiChat', 'an event', sse({ type: 'ping' })],
  ['openaiChat', 'a heartbeat', sse({ id: 'x', object: 'chat.completion.heartbeat' }, 'heartbeat')],
  ['anthropic', 'an event', sse({ type: 'something_new', detail: { words: 'none' } }, 'something_new')],
  [
    'anthropic',
    'a delta',
    sse({ type: 'content_block_delta', index: 0, delta: { type: 'new_delta' } }, 'content_block_delta'),
  ],
];

describe('an answer on the wire', () => {
  let app: ChatApp;
  let chatApp: ChatApp;
  /** A server on another address. */
  let stranger: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    const environment = {
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: String(IDLE_TIMEOUT),
      UPSTREAM_IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT),
    };
    app = await startChatApp(environment);
    chatApp = await startBeside(app, { ...environment, OPENAI_API: 'chat' });
    stranger = await startBeside(app);
    user = await app.createUser();
  });

  afterAll(async () => {
    for (const one of [stranger, chatApp, app]) await one?.close();
  });

  async function ask(
    vendor: Vendor,
    ...scripts: Script[]
  ): Promise<{ answer: Answer; served: ChatApp; question: string; chatId: string }> {
    const served = vendor === 'openaiChat' ? chatApp : app;
    const [chatId, question] = [randomUUID(), randomUUID()];
    for (const script of scripts)
      served.double.enqueue(script, { when: ({ stream, userText }) => stream && userText === question });
    const body = { model: MODELS[vendor], agent: 'chat' };
    return { answer: await served.say(user, chatId, question, { body }), served, question, chatId };
  }

  const expectWhole = ({ status, text, chunks }: Answer) =>
    expect([status, text, chunks.at(-1)?.type]).toEqual([200, TEXT.join(''), 'finish']);

  eachSideBySide(
    'lives by signs of life: %s, %s',
    SIGNS,
    async (vendor, _name, data) => {
      const { answer, served, question } = await ask(vendor, {
        text: TEXT,
        interludes: [
          { after: 0, data, ...LIFE },
          { after: 1, data, ...LIFE },
        ],
      });
      expectWhole(answer);
      expect(answerCalls(served, question)).toHaveLength(1);
    },
    SIGNS.length,
  );

  eachSideBySide(
    'shows the reasoning of OpenAI-compatible servers as it arrives: %s',
    [['reasoning_content'], ['reasoning']] as Array<['reasoning_content' | 'reasoning']>,
    async (thoughtsIn) => {
      const reasoning = ['Let me ', 'think. ', 'Yes.'];
      const script: Script = { reasoning, thoughtsIn, text: TEXT, chunkDelayMs: IDLE_TIMEOUT / 2 };
      const { answer, chatId } = await ask('openaiChat', script);
      expectWhole(answer);
      const heard = answer.chunks
        .filter(({ type }) => type === 'reasoning-delta')
        .map(({ delta }) => delta as string);
      expect(heard).toEqual(reasoning);
      const types = answer.chunks.map(({ type }) => type as string);
      expect(types.indexOf('reasoning-end')).toBeLessThan(types.indexOf('text-start'));
      const [, stored] = await messagesOf(app, user, chatId);
      expect(
        stored?.parts.filter(({ type }) => type !== 'step-start' && type !== 'data-agent'),
      ).toMatchObject([
        { type: 'reasoning', text: reasoning.join(''), state: 'done' },
        { type: 'text', text: TEXT.join(''), state: 'done' },
      ]);
    },
  );

  it('keeps the reasoning of such a server if nothing follows it', async () => {
    const { answer, chatId } = await ask('openaiChat', {
      reasoning: ['Hm.'],
      thoughtsIn: 'reasoning_content',
      text: [],
      finishReason: 'length',
    });
    expect([answer.status, answer.text, answer.chunks.at(-1)]).toMatchObject([
      200,
      '',
      { finishReason: 'length' },
    ]);
    const [, stored] = await messagesOf(app, user, chatId);
    expect(stored?.parts.at(-1)).toMatchObject({ type: 'reasoning', text: 'Hm.' });
  });

  eachSideBySide('passes over what nobody knows: %s, %s', NEWS, async (vendor, _name, data) => {
    const { answer, served, question } = await ask(vendor, {
      text: TEXT,
      interludes: [
        { after: 0, data },
        { after: 1, data },
      ],
    });
    expectWhole(answer);
    expect(answerCalls(served, question)).toHaveLength(1);
  });

  it('ignores unknown events before its very first event', async () => {
    const { answer } = await ask('anthropic', { text: TEXT, overture: NEWS.at(-2)![2] + COMMENT });
    expectWhole(answer);
  });

  eachSideBySide(
    'is read when it is compressed: %s, %s',
    ALL.flatMap((vendor) =>
      (['gzip', 'br', 'deflate'] as const).map((encoding): [Vendor, Encoding] => [vendor, encoding]),
    ),
    async (vendor, encoding) => {
      const { answer } = await ask(vendor, { text: TEXT, encoding, chunkDelayMs: 10 });
      expectWhole(answer);
    },
  );

  it('is cut off, and not complete, if its compressed body ends early', async () => {
    const { answer } = await ask('openai', {
      text: TEXT,
      encoding: 'gzip',
      fault: { type: 'reset-after', chunks: 1 },
    });
    expect(answer.chunks.at(-1)).toMatchObject({
      type: 'error',
      errorText: 'OpenAI ended its answer early.',
    });
  });

  eachSideBySide(
    'is found behind a redirect of its own origin: %s, %s',
    ALL.flatMap((vendor) => ([307, 308] as const).map((status): [Vendor, 307 | 308] => [vendor, status])),
    async (vendor, status) => {
      const { answer, served, question } = await ask(vendor, { redirect: { status } }, { text: TEXT });
      expectWhole(answer);
      const [first, second, ...more] = answerCalls(served, question);
      expect([first?.status, second?.body, more]).toEqual([status, first?.body, []]);
    },
  );

  it.each(ALL)('does not follow redirects that would send its key elsewhere: %s', async (vendor) => {
    const { answer } = await ask(vendor, {
      redirect: { status: 307, to: `${stranger.double.url}/${vendor.replace('Chat', '')}/elsewhere` },
    });
    expect([answer.status, answer.problem.code]).toEqual([502, 'upstream_error']);
    expect(answer.problem.detail).toContain('redirected the request (status 307)');
    expect(stranger.double.requests).toEqual([]);
  });

  it.each([301, 302, 303] as const)(
    'does not follow redirects that would not repeat the request: %s',
    async (status) => {
      const { answer, served, question } = await ask('openai', { redirect: { status } });
      expect([answer.status, answer.problem.code]).toEqual([502, 'upstream_error']);
      expect(answerCalls(served, question)).toHaveLength(1);
    },
  );

  it('does not follow redirects in circles', async () => {
    const { answer, served, question } = await ask(
      'openai',
      ...Array<Script>(20).fill({ redirect: { status: 307 } }),
    );
    expect(answer.status).toBe(502);
    expect(answerCalls(served, question).length).toBeLessThan(8);
  });
});
