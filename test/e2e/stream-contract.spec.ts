import { randomUUID } from 'node:crypto';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { CHUNK_SCHEMA } from '../../src/modules/chat/contract/stream-schemas.js';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { TestUser } from '../support/app.js';
import { answered, ISSUE } from '../support/approvals.js';
import { type Answer, userMessage } from '../support/chat-app.js';
import { CHOSEN, type GithubApp, startGithubApp, TOKEN_HEADER } from '../support/github-app.js';
import { readOpenApiDocument } from '../support/openapi-document.js';
import { messagesOf, resume, saying, stop, storedAnswer } from '../support/turns.js';

/** Every chunk that any agent streams has a schema in openapi.json. */
describe('the stream of an answer', () => {
  const { schemas, operations } = readOpenApiDocument();
  const prefix = `${CHUNK_SCHEMA}_`;
  const validators = new Map<string, ValidateFunction>();
  const seen = new Set<string>();
  let app: GithubApp;
  let user: TestUser;

  beforeAll(async () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
    // The package is CommonJS: its function is a property of what an ES module imports.
    ajvFormats.default(ajv);
    ajv.addKeyword('discriminator');
    for (const [name, schema] of Object.entries(schemas))
      if (name.startsWith(prefix)) validators.set(name.slice(prefix.length), ajv.compile(schema));
    app = await startGithubApp();
    await app.configure({ url: app.mcp.url, readOnly: false });
  });

  beforeEach(async () => {
    app.double.reset();
    app.mcp.reset();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const writes = ({ instructions }: RecordedRequest) =>
    /You write the content of a document/.test(instructions);
  const edits = ({ instructions }: RecordedRequest) => instructions.includes('You are an editor');
  const answers = (request: RecordedRequest) => request.stream && !writes(request);

  /** Checks each chunk, and that the frame of the stream is as documented. */
  function check({ status, chunks, done }: Pick<Answer, 'status' | 'chunks' | 'done'>): string[] {
    expect([status, done]).toEqual([200, true]);
    const types = chunks.map(({ type }) => type as string);
    for (const chunk of chunks) {
      const validate = validators.get(chunk.type as string);
      const faults = validate ? (validate(chunk) ? [] : validate.errors) : ['it has no schema'];
      expect({ chunk, faults }).toEqual({ chunk, faults: [] });
      seen.add(chunk.type as string);
    }
    expect(types[0]).toBe('start');
    expect(['finish', 'abort', 'error']).toContain(types.at(-1));
    if (types.at(-1) !== 'finish') expect(types.at(-2)).toBe('message-metadata');
    return types;
  }

  it('is described with its schema at both operations, one for each type', () => {
    for (const id of ['Chat_send', 'Chat_resume']) {
      const operation = operations.find((each) => each.id === id);
      expect(operation?.responses['200']?.content?.['text/event-stream']).toMatchObject({
        'x-itemSchema': { $ref: `#/components/schemas/${CHUNK_SCHEMA}` },
      });
    }
    const all = schemas[CHUNK_SCHEMA]?.oneOf?.map(({ $ref }) => $ref?.split('/').at(-1));
    expect(all).toEqual([...validators.keys()].map((type) => prefix + type));
    for (const name of all!) expect([name, typeof schemas[name!]?.['description']]).toEqual([name, 'string']);
  });

  const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];

  it.each(MODELS)('has only such chunks with words, reasoning and sources: %s', async (model) => {
    const chatId = randomUUID();
    const sources = [{ url: 'https://example.com/tides', title: 'Tides' }];
    app.double.enqueue({ reasoning: ['Let me see. '], text: ['The moon ', 'does it.'], sources });
    const types = check(await app.say(user, chatId, 'Why?', { body: { model } }));
    expect(types).toEqual(expect.arrayContaining(['data-agent', 'data-chat-title', 'data-context']));
    check(await (await resume(app, user, chatId)).rest());
  });

  it('has only such chunks with documents and suggestions', async () => {
    const chatId = randomUUID();
    const body = { agent: 'artifact' };
    const create = (kind: string, content: string[], pauseAfter?: number) => {
      const input = { title: 'Tides', kind, description: 'As asked' };
      app.double.enqueue(
        { toolCalls: [{ id: randomUUID(), name: 'createDocument', input }] },
        { when: answers },
      );
      app.double.enqueue({ text: content, pauseAfter }, { when: writes });
    };
    let id = '';
    for (const kind of ['code', 'sheet', 'text']) {
      create(kind, kind === 'sheet' ? ['a,b\n', '1,2'] : ['The sea ', 'follows.']);
      const { chunks, ...answer } = await app.say(user, chatId, `Write ${kind}`, { body });
      check({ chunks, ...answer });
      id = chunks.find(({ type }) => type === 'data-id').data as string;
    }
    const image = { title: 'Tides', kind: 'image', description: 'The sea' };
    app.double.enqueue(
      { toolCalls: [{ id: 'draw', name: 'createDocument', input: image }] },
      { when: answers },
    );
    check(await app.say(user, chatId, 'Draw', { body }));
    app.double.enqueue(
      { toolCalls: [{ id: 'ask', name: 'requestSuggestions', input: { id } }] },
      { when: answers },
    );
    const suggestion = { originalText: 'The sea', suggestedText: 'Water', description: 'Shorter.' };
    app.double.enqueue({ text: [JSON.stringify({ suggestions: [suggestion] })] }, { when: edits });
    check(await app.say(user, chatId, 'Better?', { body }));

    // Stopped while a document is written.
    create('text', ['The sea ', 'follows.'], 1);
    const running = await app.open(user, { id: chatId, message: userMessage('Once more'), ...body });
    await running.until((chunks) => chunks.some(({ type }) => type === 'data-textDelta'));
    await stop(app, user, chatId);
    const types = check(await running.rest());
    expect(types).toEqual(expect.arrayContaining(['data-draft', 'tool-output-error', 'abort']));
    expect(check(await (await resume(app, user, chatId)).rest())).toContain('data-draft');
    for (const type of ['text', 'code', 'sheet', 'image']) expect(seen).toContain(`data-${type}Delta`);
    expect(seen).toContain('data-suggestion');
  });

  it('has only such chunks with tools of GitHub, approvals and their replays', async () => {
    const chatId = randomUUID();
    const repositoryId = await app.connect(user);
    app.mcp.world.files.set(`${CHOSEN}/README.md`, '# Hello');
    const [owner, repo] = CHOSEN.split('/');
    app.script(
      { name: 'get_file_contents', input: { owner, repo, path: 'README.md' } },
      { name: 'create_issue', input: ISSUE },
    );
    check(await app.ask(user, chatId, 'Report it', { repositoryId }));
    for (const approved of [true, false]) {
      const message = answered(await storedAnswer(app, user, chatId), approved);
      app.script(...(approved ? [{ name: 'create_issue', input: ISSUE }] : ['As you wish.']));
      check(await app.post(user, { id: chatId, message }, { headers: TOKEN_HEADER }));
      check(await (await resume(app, user, chatId)).rest());
    }
    const message = (await messagesOf(app, user, chatId)).at(-1)!;
    expect(check(await app.post(user, { id: chatId, message }))).toContain('reset-step');
    const expected = [
      'tool-input-available',
      'tool-approval-request',
      'tool-approval-response',
      'tool-output-available',
      'tool-output-denied',
    ];
    for (const type of expected) expect(seen).toContain(type);
  });

  it('has only such chunks if it fails', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ text: ['It is ', 'well'], fault: { type: 'error-frame', chunks: 1 } });
    expect(check(await app.say(user, chatId, 'How is it?')).at(-1)).toBe('error');
    check(await (await resume(app, user, chatId)).rest());
    app.double.enqueue({ text: ['On and ', 'on'], pauseAfter: 1 });
    const running = await app.open(user, { id: chatId, message: userMessage('And now?') });
    await running.until(saying('On and '));
    await stop(app, user, chatId);
    expect(check(await running.rest()).at(-1)).toBe('abort');
  });
});
