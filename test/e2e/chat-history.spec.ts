import { randomUUID } from 'node:crypto';
import { isCompactionCall } from '../doubles/wire/reply.js';
import { addChat, addMessage, text } from '../fixtures/chat-rows.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { messagesOf, textOfParts } from '../support/turns.js';

/** The last question is sent alone, or together with the one before it if nothing is between them. */
const ANSWER = /^You said: (?:How is it outside\?)?Never mind\.$/;
const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];

/** The history that a model gets, whatever state the conversation was left in. */
describe('the history that a model gets', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  const lastPrompt = () =>
    JSON.stringify(
      app.double.requests.filter((request) => request.stream && !isCompactionCall(request)).at(-1)?.body,
    );

  /** A chat with these answer parts, and the model's answer to the next message. */
  async function sayAfter(model: string, parts: unknown[], status = 'interrupted'): Promise<string> {
    const chatId = await addChat(app, user);
    const times = [1, 2].map((minutes) => new Date(Date.now() - 60_000 * (3 - minutes)).toISOString());
    await addMessage(app, chatId, { role: 'user', parts: [text('How is it outside?')], createdAt: times[0] });
    await addMessage(app, chatId, { parts, status, createdAt: times[1] });
    const answer = await app.say(user, chatId, 'Never mind.', { body: { model } });
    expect([model, answer.status, answer.problem?.detail]).toEqual([model, 200, undefined]);
    return answer.text;
  }

  const call = { toolCallId: 'call_unfinished1', input: { city: 'Rome' } };
  const unfinished: Record<string, object> = {
    'input-streaming': { type: 'tool-weather', ...call, input: undefined, state: 'input-streaming' },
    'input-available': { type: 'tool-weather', ...call, state: 'input-available' },
    dynamic: { type: 'dynamic-tool', toolName: 'weather', ...call, state: 'input-available' },
    'approval-requested': {
      type: 'tool-weather',
      ...call,
      state: 'approval-requested',
      approval: { id: 'approval1' },
    },
  };

  for (const [what, part] of Object.entries(unfinished)) {
    it(`is not broken by an unfinished tool call (${what})`, async () => {
      for (const model of MODELS) {
        const step = { type: 'step-start' };
        const looking = { ...text('Let me look.'), state: 'done' };
        expect(await sayAfter(model, [step, looking, part])).toMatch(ANSWER);
        expect(lastPrompt()).toContain('Let me look.');
        expect(lastPrompt()).not.toContain('call_unfinished1');
        // Also if the call is all there is.
        expect(await sayAfter(model, [step, part], 'stopped')).toMatch(ANSWER);
        expect(lastPrompt()).not.toContain('call_unfinished1');
      }
    });
  }

  it('contains answered tool calls', async () => {
    for (const model of MODELS) {
      const finished = [
        { type: 'step-start' },
        { type: 'tool-weather', ...call, state: 'output-available', output: { sky: 'clear as glass' } },
        { type: 'step-start' },
        { ...text('It is clear.'), state: 'done' },
      ];
      expect(await sayAfter(model, finished, 'complete')).toMatch(ANSWER);
      expect(lastPrompt()).toContain('clear as glass');
      const failed = [
        { type: 'step-start' },
        { type: 'tool-weather', ...call, state: 'output-error', errorText: 'The station is closed.' },
        { type: 'step-start' },
        { ...text('I cannot tell.'), state: 'done' },
      ];
      expect(await sayAfter(model, failed, 'complete')).toMatch(ANSWER);
      expect(lastPrompt()).toContain('The station is closed.');
    }
  });

  it('skips answers without text, and parts that are only for display', async () => {
    for (const model of MODELS) {
      expect(await sayAfter(model, [], 'failed')).toMatch(ANSWER);
      const parts = [
        { type: 'data-agent', data: { agentType: 'chat', reason: 'shown to people' } },
        { type: 'step-start' },
        { type: 'text', text: '', state: 'done' },
        { type: 'data-chat-title', data: { title: 'shown as well' } },
      ];
      expect(await sayAfter(model, parts, 'stopped')).toMatch(ANSWER);
      expect(lastPrompt()).not.toContain('shown');
    }
  });

  it('skips parts that started and have no text, for any model', async () => {
    const begun = [
      { type: 'text', text: '', state: 'done', providerMetadata: { openai: { itemId: 'msg_begun' } } },
      { type: 'reasoning', text: 'Hm.', state: 'done', providerMetadata: { openai: { itemId: 'rs_begun' } } },
      { type: 'reasoning', text: 'Hm.', state: 'done', providerMetadata: { anthropic: { signature: 'x' } } },
      { type: 'reasoning', text: 'Hm.', state: 'done' },
      { type: 'custom', kind: 'anthropic.begun', providerMetadata: { anthropic: { id: 'msg_begun' } } },
    ];
    for (const model of MODELS) {
      for (const part of begun) {
        expect(await sayAfter(model, [{ type: 'step-start' }, part], 'stopped')).toMatch(ANSWER);
        expect(lastPrompt()).not.toMatch(/begun|Hm\./);
      }
    }
  });

  it('is in the order of the messages, even if their clocks disagree', async () => {
    const chatId = await addChat(app, user);
    const inAnHour = Date.now() + 3_600_000;
    // The clock of another machine was ahead.
    for (const [index, words] of ['alpha', 'beta', 'gamma', 'delta'].entries()) {
      const role = index % 2 === 0 ? 'user' : 'assistant';
      const createdAt = new Date(inAnHour + index).toISOString();
      await addMessage(app, chatId, { role, parts: [text(words)], createdAt });
    }
    await app.say(user, chatId, 'epsilon');
    await app.say(user, chatId, 'zeta');
    const words = (await messagesOf(app, user, chatId)).map(textOfParts);
    expect(words).toEqual([
      'alpha',
      'beta',
      'gamma',
      'delta',
      'epsilon',
      'You said: epsilon',
      'zeta',
      'You said: zeta',
    ]);
    const prompt = lastPrompt();
    const places = words.slice(0, 7).map((word) => prompt.indexOf(`"${word}"`));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('is in order if questions follow each other as fast as possible', async () => {
    const chatId = randomUUID();
    const expected: string[] = [];
    for (let index = 0; index < 10; index++) {
      await app.say(user, chatId, `question ${index}`);
      expected.push(`question ${index}`, `You said: question ${index}`);
    }
    expect((await messagesOf(app, user, chatId)).map(textOfParts)).toEqual(expected);
  });

  describe('of a very long conversation', () => {
    /** `line 0.`, a question, to `line 900.`, a question. */
    async function longChat(): Promise<{ chatId: string; idOf: (line: number) => Promise<string> }> {
      // It stays without a summary.
      app.double.enqueue({ fault: { type: 'empty' } }, { when: isCompactionCall, times: 10 });
      const chatId = await addChat(app, user);
      await app.database.query(
        `insert into "Message_v2" (id, "chatId", role, parts, "createdAt")
         select gen_random_uuid(), $1, case n % 2 when 0 then 'user' else 'assistant' end,
                json_build_array(json_build_object('type', 'text', 'text', 'line ' || n || '.')),
                now() - interval '1 day' + n * interval '1 second'
           from generate_series(0, 900) n`,
        [chatId],
      );
      const idOf = async (line: number) => {
        const rows = await app.database.query(
          `select id from "Message_v2" where "chatId" = $1 order by "createdAt", id offset $2 limit 1`,
          [chatId, line],
        );
        return rows[0].id as string;
      };
      return { chatId, idOf };
    }

    it('is its latest part, and starts with a question', async () => {
      const { chatId } = await longChat();
      for (const model of MODELS) {
        const answer = await app.say(user, chatId, 'and now?', { body: { model } });
        expect(answer.text).toMatch(/and now\?$/);
        const prompt = lastPrompt();
        expect(prompt).toContain('line 900.');
        expect(prompt).not.toContain('line 5.');
        const first = Number(/line (\d+)\./.exec(prompt)?.[1]);
        expect([model, first % 2]).toEqual([model, 0]);
      }
    });

    it('can be edited far back', async () => {
      const { chatId, idOf } = await longChat();
      const answer = await app.say(user, chatId, 'another line', { messageId: await idOf(10) });
      expect([answer.status, answer.text]).toEqual([200, 'You said: another line']);
      const words = (await messagesOf(app, user, chatId)).map(textOfParts);
      expect(words).toHaveLength(12);
      expect(words.slice(-3)).toEqual(['line 9.', 'another line', 'You said: another line']);
      expect(lastPrompt()).toContain('line 0.');
    });

    it('can be answered again far back', async () => {
      const { chatId, idOf } = await longChat();
      const body = { id: chatId, trigger: 'regenerate-message', messageId: await idOf(21) };
      expect((await app.post(user, body)).text).toBe('You said: line 20.');
      expect(await messagesOf(app, user, chatId)).toHaveLength(22);
    });
  });
});
