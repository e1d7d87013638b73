import { randomUUID } from 'node:crypto';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { Script } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startBeside, startChatApp } from '../support/chat-app.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { messagesOf } from '../support/turns.js';

/** A tool that writes never loses the previous content: only content that its model has finished becomes a version. */

const MODELS = {
  google: 'google/gemini-2.5-flash',
  openai: 'openai/gpt-4o-mini',
  /** OpenAI with its older interface, which gateways and local servers use. */
  openaiChat: 'openai/gpt-4o-mini',
  anthropic: 'anthropic/claude-sonnet-4-5',
};
type Vendor = keyof typeof MODELS;

const HALF = ['# Tides\n\n', 'The moon pu'];
const CUT = /cut off at the token limit/;
const DECLINED = /declined to write it/;
const NOTHING = /wrote nothing/;
const FAILED = /did not finish its answer|ended its answer early/;

const ENDS: Array<[Vendor, string, Script, RegExp]> = [];
for (const vendor of Object.keys(MODELS) as Vendor[])
  ENDS.push(
    [vendor, 'a token limit', { text: HALF, finishReason: 'length' }, CUT],
    [vendor, 'a token limit before the first word', { text: [], finishReason: 'length' }, CUT],
    [vendor, 'a filter in the middle', { text: HALF, finishReason: 'content-filter' }, DECLINED],
    [vendor, 'a filter before the first word', { text: [], finishReason: 'content-filter' }, DECLINED],
    [vendor, 'nothing', { text: [] }, NOTHING],
    [vendor, 'blanks', { text: ['\n', ' \n'] }, NOTHING],
    [vendor, 'a broken connection', { text: HALF, fault: { type: 'reset-after', chunks: 1 } }, FAILED],
  );
const REFUSAL = { refusal: ["I'm sorry, ", "I can't help with that."] };
ENDS.push(
  ['openai', 'a refusal', REFUSAL, DECLINED],
  ['openaiChat', 'a refusal', REFUSAL, DECLINED],
  ['anthropic', 'a refusal in words', { text: REFUSAL.refusal, ending: 'refusal' }, DECLINED],
  ['openai', 'a failure', { text: HALF, ending: 'failed' }, FAILED],
  ['openaiChat', 'an error inside of a chunk', { text: HALF, ending: 'error' }, FAILED],
  ['google', 'a blocked prompt', { promptBlock: 'PROHIBITED_CONTENT' }, DECLINED],
  ['google', 'a recitation', { text: HALF, ending: 'RECITATION' }, DECLINED],
  ['google', 'a malformed call', { text: HALF, ending: 'MALFORMED_FUNCTION_CALL' }, FAILED],
  ['anthropic', 'a reason that nobody knows', { text: HALF, ending: 'something_new' }, FAILED],
);

describe('a document whose model ends too early', () => {
  let app: ChatApp;
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

  const isWriting = ({ instructions }: RecordedRequest) =>
    /You write the content of a document|You change a document as you are asked/.test(instructions);

  const versionsOf = async (id: string) =>
    (await app.request('GET', `/api/documents/${id}/versions?content=true`, { user })).body.items as Array<{
      content: string;
    }>;

  const draftIn = (parts: Array<{ type: string; data?: { content: string } }>) =>
    parts.find(({ type }) => type === 'data-draft')?.data;

  eachSideBySide('stays as it was: %s, %s', ENDS, async (vendor, _name, script, because) => {
    const { body: document } = await app.request('POST', '/api/documents', {
      user,
      body: { title: 'Tides', kind: 'text', content: 'As it was.' },
    });
    const question = randomUUID();
    const tool = { name: 'updateDocument', input: { id: document.id, description: question } };
    const served = vendor === 'openaiChat' ? chatApp : app;
    const chatId = randomUUID();
    const asks = (request: RecordedRequest) =>
      request.stream && request.userText === question && !isWriting(request);
    served.double.enqueue({ toolCalls: [{ id: `call_${randomUUID()}`, ...tool }] }, { when: asks });
    served.double.enqueue(script, { when: (request) => isWriting(request) && request.userText === question });
    served.double.enqueue({ text: ['Done.'] }, { when: asks });
    const answer = await served.say(user, chatId, question, {
      body: { agent: 'artifact', model: MODELS[vendor] },
    });

    expect((await versionsOf(document.id)).map(({ content }) => content)).toEqual(['As it was.']);
    const error = answer.chunks.find(({ type }) => type === 'tool-output-error');
    expect(error?.errorText).toMatch(because);
    // The model learns the reason, and that nothing was lost.
    const [, told] = served.double.requests.filter(asks);
    expect(JSON.stringify(told?.body)).toMatch(because);
    expect([answer.text, answer.chunks.at(-1).finishReason]).toEqual(['Done.', 'stop']);
    // The incomplete content is in the answer, live and after a reload.
    const written = [...(script.text ?? []), ...(script.refusal ?? [])].join('').trim();
    const { parts } = (await messagesOf(app, user, chatId)).at(-1)!;
    for (const draft of [draftIn(answer.chunks), draftIn(parts)]) {
      if (written === '') expect(draft).toBeUndefined();
      else expect(written.startsWith(draft!.content.trim()) && draft!.content).toBeTruthy();
    }
    expect(parts.find(({ type }) => type === 'tool-updateDocument')).toMatchObject({ state: 'output-error' });
  });

  it.each(['text', 'code', 'sheet'])('is not created: %s', async (kind) => {
    const title = randomUUID();
    const content = kind === 'sheet' ? ['a,b\n', '1,2\n'] : HALF;
    const input = { title, kind, description: 'As asked.' };
    const question = randomUUID();
    app.double.enqueue(
      { toolCalls: [{ id: randomUUID(), name: 'createDocument', input }] },
      { when: ({ userText }) => userText === question },
    );
    app.double.enqueue(
      { text: content, finishReason: 'length' },
      { when: ({ userText }) => userText.startsWith(title) },
    );
    const answer = await app.say(user, randomUUID(), question, { body: { agent: 'artifact' } });
    const documents = await app.request('GET', '/api/documents?limit=100', { user });
    expect(JSON.stringify(documents.body)).not.toContain(title);
    expect(draftIn(answer.chunks)).toMatchObject({ title, kind, content: content.join('') });
    expect(answer.chunks.find(({ type }) => type === 'tool-output-error').errorText).toMatch(CUT);
  });

  const suggesting = async (content: string, said: string) => {
    const { body: document } = await app.request('POST', '/api/documents', {
      user,
      body: { title: 'Tides', kind: 'text', content },
    });
    app.double.enqueue(
      { text: [said] },
      { when: ({ instructions }) => instructions.includes('You are an editor') },
    );
    const made = await app.request('POST', `/api/documents/${document.id}/suggestions`, { user, body: {} });
    return { status: made.status, items: made.body.items as Array<{ id: string; originalText: string }> };
  };

  it('gets all suggestions except the broken ones', async () => {
    const good = { originalText: 'one', suggestedText: '1', description: 'Shorter.' };
    const bare = { originalText: 'two', suggestedText: '2' };
    const broken = [
      { originalText: 'three' },
      'four',
      null,
      { ...good, suggestedText: 5 },
      { ...bare, description: 6 },
    ];
    const { status, items } = await suggesting(
      'one two three',
      JSON.stringify({ suggestions: [good, ...broken, bare] }),
    );
    expect(status).toBe(201);
    expect(items).toMatchObject([good, { ...bare, description: null }, { ...bare, description: null }]);
    // Some models omit the object around the list.
    const list = await suggesting('one two', `Here they are:\n\`\`\`json\n${JSON.stringify([bare])}\n\`\`\``);
    expect(list.items).toMatchObject([bare]);
  });

  it('gets suggestions in its own spelling', async () => {
    const content = 'Ein K\u00e4se.\nZwei.'.normalize('NFD').replace('\n', '\r\n');
    const said = { originalText: 'K\u00e4se.\nZwei', suggestedText: 'K\u00fcmmel.\nDrei' };
    const { items } = await suggesting(content, JSON.stringify({ suggestions: [said] }));
    expect(items).toMatchObject([
      { originalText: 'Ka\u0308se.\r\nZwei', suggestedText: 'Ku\u0308mmel.\r\nDrei' },
    ]);
    const applied = await app.request('POST', `/api/suggestions/${items[0]!.id}/apply`, { user });
    expect(applied.body.content).toBe('Ein Ku\u0308mmel.\r\nDrei.');
  });

  it('is written without the fence around it, live and stored', async () => {
    const title = randomUUID();
    const question = randomUUID();
    const input = { title, kind: 'text', description: 'As asked.' };
    app.double.enqueue(
      { toolCalls: [{ id: randomUUID(), name: 'createDocument', input }] },
      { when: ({ userText }) => userText === question },
    );
    const text = ['Here is the document:\n\n~~~~markdown\n', '# Tides\n\n```js\nrun()\n```\n', '~~~~\n'];
    app.double.enqueue({ text }, { when: ({ userText }) => userText.startsWith(title) });
    const answer = await app.say(user, randomUUID(), question, { body: { agent: 'artifact' } });
    const id = answer.chunks.find(({ type }) => type === 'data-id').data as string;
    expect((await versionsOf(id)).map(({ content }) => content)).toEqual(['# Tides\n\n```js\nrun()\n```']);
    // The content that is shown at the end is the content that is stored.
    const cleared = answer.chunks.findLastIndex(({ type }) => type === 'data-clear');
    const shown = answer.chunks.slice(cleared).filter(({ type }) => type === 'data-textDelta');
    expect(shown.map(({ data }) => data as string).join('')).toBe('# Tides\n\n```js\nrun()\n```');
  });

  it.each<[string, Script, RegExp]>([
    [
      'a token limit',
      { text: ['{"suggestions": [{"originalText": "one", "sugg'], finishReason: 'length' },
      CUT,
    ],
    ['a filter', { text: ['{"suggestions": []}'], finishReason: 'content-filter' }, DECLINED],
    ['nothing', { text: [] }, NOTHING],
  ])('gets no suggestions: %s', async (_name, script, because) => {
    const { body: document } = await app.request('POST', '/api/documents', {
      user,
      body: { title: 'Tides', kind: 'text', content: 'one two' },
    });
    app.double.enqueue(script, { when: ({ instructions }) => instructions.includes('You are an editor') });
    const refused = await app.request('POST', `/api/documents/${document.id}/suggestions`, {
      user,
      body: {},
    });
    expect([refused.status, refused.body.detail]).toEqual([502, expect.stringMatching(because)]);
    const listed = await app.request('GET', `/api/documents/${document.id}/suggestions`, { user });
    expect(listed.body.items).toEqual([]);
  });
});
