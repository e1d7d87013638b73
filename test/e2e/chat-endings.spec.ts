import { randomUUID } from 'node:crypto';
import type { Script } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type Answer, type ChatApp, startBeside, startChatApp } from '../support/chat-app.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { messagesOf, type StoredMessage, textOfParts } from '../support/turns.js';
import { MODELS, type Vendor } from '../support/wire-formats.js';

/** The ending that a vendor reports is stored, counted and shown, live and after a reload. */

const NAMES: Record<Vendor, string> = {
  google: 'Google',
  openai: 'OpenAI',
  openaiChat: 'OpenAI',
  anthropic: 'Anthropic',
};
const TEXT = ['one ', 'two'];
const SAID = TEXT.join('');
const usage = { input: 100, output: 40 };

interface Expected {
  status: 'complete' | 'failed';
  finishReason: string;
  text: string;
  /** The fields of the call's row. */
  call: 'success' | 'error';
  /** The text that people see. NAME stands for the vendor. */
  error?: string;
}

const complete = (finishReason: string, text = SAID): Expected => ({
  status: 'complete',
  finishReason,
  text,
  call: 'success',
});
const refused = (reason: string): Expected => ({
  status: 'failed',
  finishReason: 'content-filter',
  text: '',
  call: 'success',
  error: `NAME declined to answer (${reason}). Rephrase your message.`,
});
const failed = (text = SAID, error = 'NAME ended its answer early.'): Expected => ({
  status: 'failed',
  finishReason: 'error',
  text,
  call: 'error',
  error,
});
const unfinished = (reason: string, text = SAID) =>
  failed(text, `NAME did not finish its answer (${reason}). Try again.`);

const CASES: Array<[Vendor, string, Script, Expected]> = [];
const ALL = Object.keys(MODELS) as Vendor[];
for (const vendor of ALL) {
  CASES.push(
    [vendor, 'a stop', { text: TEXT }, complete('stop')],
    [vendor, 'a token limit', { text: TEXT, finishReason: 'length' }, complete('length')],
    [
      vendor,
      'a filter in the middle',
      { text: TEXT, finishReason: 'content-filter' },
      complete('content-filter'),
    ],
    [
      vendor,
      'a token limit before the first word',
      { text: [], finishReason: 'length' },
      complete('length', ''),
    ],
  );
}
for (const vendor of ['google', 'openai', 'anthropic'] as const) {
  const reasoning = ['Let me ', 'think.'];
  CASES.push(
    [
      vendor,
      'a token limit after thoughts only',
      { reasoning, text: [], finishReason: 'length' },
      complete('length', ''),
    ],
    [
      vendor,
      'a filter after thoughts only',
      { reasoning, text: [], finishReason: 'content-filter' },
      refused({ google: 'SAFETY', openai: 'content_filter', anthropic: 'refusal' }[vendor]),
    ],
  );
}
for (const vendor of ['google', 'openaiChat'] as const) {
  CASES.push(
    [
      vendor,
      'a token limit inside of a chunk',
      { text: TEXT, finishReason: 'length', endsInside: true },
      complete('length'),
    ],
    [
      vendor,
      'a filter inside of a chunk',
      { text: TEXT, finishReason: 'content-filter', endsInside: true },
      complete('content-filter'),
    ],
  );
}
for (const ending of ['RECITATION', 'PROHIBITED_CONTENT', 'BLOCKLIST', 'SPII', 'IMAGE_PROHIBITED_CONTENT'])
  CASES.push(
    ['google', `${ending} with text`, { text: TEXT, ending }, complete('content-filter')],
    ['google', `${ending} without`, { text: [], ending }, refused(ending)],
  );
for (const ending of ['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'OTHER', 'SOMETHING_NEW'])
  CASES.push(
    ['google', `${ending} with text`, { text: TEXT, ending }, unfinished(ending)],
    ['google', `${ending} without`, { text: [], ending }, unfinished(ending, '')],
  );
CASES.push(
  ['google', 'a blocked prompt', { promptBlock: 'PROHIBITED_CONTENT' }, refused('PROHIBITED_CONTENT')],
  [
    'google',
    'a failure after thoughts',
    { reasoning: ['Hm.'], text: [], ending: 'OTHER' },
    unfinished('OTHER', ''),
  ],
  ['openai', 'a refusal', { refusal: ["I'm sorry, ", 'no.'] }, complete('content-filter', "I'm sorry, no.")],
  [
    'openaiChat',
    'a refusal',
    { refusal: ["I'm sorry, ", 'no.'] },
    complete('content-filter', "I'm sorry, no."),
  ],
  ['openai', 'a failure without a word', { text: TEXT, ending: 'failed' }, unfinished('error')],
  ['openai', 'a failure with an error', { text: TEXT, ending: 'error' }, failed()],
  [
    'openai',
    'a reason that nobody knows',
    { text: TEXT, ending: 'something_new' },
    unfinished('something_new'),
  ],
  ['openaiChat', 'an error inside of a chunk', { text: TEXT, ending: 'error' }, failed()],
  ['openaiChat', 'a reason that nobody knows', { text: TEXT, ending: 'eaten' }, unfinished('eaten')],
  ['anthropic', 'a full window', { text: TEXT, ending: 'model_context_window_exceeded' }, complete('length')],
  ['anthropic', 'a stop sequence', { text: TEXT, ending: 'stop_sequence' }, complete('stop')],
  [
    'anthropic',
    'a reason that nobody knows',
    { text: TEXT, ending: 'something_new' },
    unfinished('something_new'),
  ],
);

describe('the end of an answer', () => {
  let app: ChatApp;
  /** Another instance on the same database, which uses OpenAI's older interface. */
  let chatApp: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    chatApp = await startBeside(app, { OPENAI_API: 'chat' });
    user = await app.createUser();
  });

  afterAll(async () => {
    await chatApp?.close();
    await app?.close();
  });

  interface Asked {
    answer: Answer;
    stored: StoredMessage & { finishReason: string | null };
    calls: Array<Record<string, unknown>>;
    chatId: string;
    served: ChatApp;
  }

  async function ask(vendor: Vendor, script: Script): Promise<Asked> {
    const served = vendor === 'openaiChat' ? chatApp : app;
    const [chatId, question] = [randomUUID(), randomUUID()];
    served.double.enqueue(
      { usage, ...script },
      { when: ({ stream, userText }) => stream && userText === question },
    );
    // Only models that can think are asked to.
    const thinking = vendor === 'openaiChat' ? undefined : true;
    const body = { model: MODELS[vendor], agent: 'chat', thinking };
    const answer = await served.say(user, chatId, question, { body });
    const stored = (await messagesOf(served, user, chatId)).at(-1) as Asked['stored'];
    const rows = await app.database.query(
      `select metadata from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [chatId],
    );
    return { answer, stored, calls: rows.map(({ metadata }) => metadata), chatId, served };
  }

  eachSideBySide('is what the vendor says: %s, %s', CASES, async (vendor, _name, script, expected) => {
    const { answer, stored, calls, chatId, served } = await ask(vendor, script);
    const { status, finishReason, text, call } = expected;
    const error = expected.error?.replace('NAME', NAMES[vendor]);
    expect({
      status: stored.status,
      finishReason: stored.finishReason,
      text: textOfParts(stored),
      metadata: stored.metadata,
    }).toMatchObject({
      status,
      finishReason,
      text,
      metadata: { status, finishReason, createdAt: stored.createdAt },
    });
    expect(stored.metadata.error?.message).toBe(error);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ status: call, finishReason });

    // The same live, unless there was no content. It is then a problem document.
    const said = text !== '' || (script.reasoning !== undefined && vendor !== 'openaiChat');
    if (error !== undefined && !said) {
      expect([answer.status, answer.problem.detail]).toEqual([502, error]);
    } else {
      expect([answer.status, answer.text, answer.done]).toEqual([200, text, true]);
      const last = answer.chunks.at(-1);
      if (error !== undefined) {
        expect(last).toEqual({ type: 'error', errorText: error });
        expect(answer.chunks.at(-2)).toEqual({ type: 'message-metadata', messageMetadata: stored.metadata });
      } else expect(last).toEqual({ type: 'finish', finishReason, messageMetadata: stored.metadata });
    }
    if (script.reasoning) expect(JSON.stringify(stored.parts)).toContain(script.reasoning.at(-1));

    // Whatever the ending, the next question is answered.
    const next = await served.say(user, chatId, 'And now?', {
      body: { model: MODELS[vendor], agent: 'chat' },
    });
    // Without an answer in between, some vendors get both questions as one.
    expect([next.status, next.text]).toEqual([200, expect.stringMatching(/And now\?$/)]);
  });

  it('is copied with the chat, and removed when the answer is regenerated', async () => {
    const { chatId, stored } = await ask('google', { text: TEXT, finishReason: 'length' });
    const fork = await app.request('POST', `/api/chats/${chatId}/fork`, {
      user,
      body: { messageId: stored.id },
    });
    const copied = (await messagesOf(app, user, fork.body.id)).at(-1) as Asked['stored'];
    expect([copied.finishReason, copied.metadata.finishReason]).toEqual(['length', 'length']);
    const [question] = await messagesOf(app, user, chatId);
    expect(question).toMatchObject({ role: 'user', finishReason: null });
  });

  it('is told as it is stored, if it cannot be stored as it was', async () => {
    await app.database.query(
      `create function refuse_end() returns trigger language plpgsql as $$ begin
         if new.status = 'complete' and new.parts::text like '%Unstorable%' then raise 'refused'; end if; return new;
       end $$;
       create trigger refuse_end before update on "Message_v2" for each row execute function refuse_end()`,
    );
    const { answer, stored } = await ask('google', { text: ['Unstorable ', 'text'] }).finally(() =>
      app.database.query('drop function refuse_end cascade'),
    );
    expect(answer.chunks.at(-1)).toEqual({
      type: 'error',
      errorText: 'The end of the answer could not be stored.',
    });
    expect(answer.chunks.at(-2)).toMatchObject({
      type: 'message-metadata',
      messageMetadata: { status: 'failed', finishReason: 'error' },
    });
    expect(stored).toMatchObject({ status: 'failed', finishReason: 'error' });
  });

  it('has no reason if its user stops it', async () => {
    const [chatId, question] = [randomUUID(), randomUUID()];
    app.double.enqueue({ text: TEXT, pauseAfter: 1 }, { when: ({ userText }) => userText === question });
    const reading = app.say(user, chatId, question, { body: { agent: 'chat' } });
    await app.double.until(() =>
      app.double.requests.some((r) => r.userText === question && r.state === 'held'),
    );
    await app.request('POST', `/api/chat/${chatId}/stop`, { user });
    const answer = await reading;
    const stored = (await messagesOf(app, user, chatId)).at(-1) as Asked['stored'];
    expect([stored.status, stored.finishReason, stored.metadata.status]).toEqual([
      'stopped',
      null,
      'stopped',
    ]);
    expect(answer.chunks.at(-2)).toEqual({ type: 'message-metadata', messageMetadata: stored.metadata });
    expect(answer.chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
  });
});
