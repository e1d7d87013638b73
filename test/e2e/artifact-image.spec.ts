import { randomUUID } from 'node:crypto';
import type { Script } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { answers, dataOf, drawing, failureOf, NEW_IMAGE, picture } from '../support/drawing.js';

const GOOGLE = 'google/gemini-2.5-flash';
const OPENAI = 'openai/gpt-4o-mini';
const CLAUDE = 'anthropic/claude-sonnet-4-5';

describe('images of the artifact agent', () => {
  let app: ChatApp;
  let user: TestUser;
  let agent: ReturnType<typeof drawing>;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
    agent = drawing(app, user);
  });

  beforeEach(() => app.double.reset());
  afterAll(() => app.close());

  it.each([
    {
      model: GOOGLE,
      drawn: { provider: 'google', model: 'gemini-2.5-flash-image', input: 27, output: 1_290 },
      cost: { inputCost: '0.000008', outputCost: '0.038700', totalCost: '0.038708' },
    },
    {
      model: OPENAI,
      drawn: { provider: 'openai', model: 'gpt-image-1', input: 19, output: 1_056 },
      cost: { inputCost: '0.000095', outputCost: '0.042240', totalCost: '0.042335' },
    },
  ])(
    'generates an image in the answer, stores it and accounts for it: $model',
    async ({ model, drawn, cost }) => {
      const chatId = randomUUID();
      // A realistic size: more than a megabyte.
      const image = picture(1_200_000);
      agent.script('createDocument', NEW_IMAGE, {
        image,
        usage: { input: drawn.input, output: drawn.output },
      });
      const answer = await agent.say(chatId, model);
      expect([answer.status, answer.text, answer.done]).toEqual([200, 'Done.', true]);
      const [id] = dataOf(answer, 'data-id') as string[];
      const told = answer.chunks.filter(({ type }) => /^data-(?!agent|chat-title|context)/.test(type));
      expect(told.map(({ type, data }) => [type, data])).toEqual([
        ['data-kind', 'image'],
        ['data-id', expect.any(String)],
        ['data-title', 'Lighthouse'],
        ['data-clear', null],
        ['data-imageDelta', image],
        ['data-finish', null],
      ]);
      expect((await app.request('GET', `/api/documents/${id}`, { user })).body).toMatchObject({
        title: 'Lighthouse',
        kind: 'image',
        content: image,
      });

      const [request, ...others] = agent.drawings();
      expect(others).toEqual([]);
      expect(request).toMatchObject({ provider: drawn.provider, model: drawn.model });
      expect(request?.userText).toBe('Lighthouse\n\nA lighthouse at night');
      // The image is not sent to the answering model, and not stored twice.
      expect(JSON.stringify(app.double.requests.filter(answers)).length).toBeLessThan(100_000);
      const { text: messages } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
      expect(messages.length).toBeLessThan(100_000);

      const rows = await agent.accountsOf(chatId, answer);
      expect(rows).toEqual([
        {
          ...drawn,
          ...cost,
          agent: 'artifact',
          metadata: expect.objectContaining({ status: 'success', finishReason: 'stop', ownKey: false }),
        },
      ]);
      expect(rows[0]?.metadata).not.toHaveProperty('estimated');
    },
  );

  it.each([
    ['of the active provider', {}, 'google', false],
    ['of whom the user has a key', { 'x-openai-api-key': 'my-own-key' }, 'openai', true],
  ])('uses a model that draws %s if the answering one cannot', async (_which, headers, provider, ownKey) => {
    const chatId = randomUUID();
    agent.script('createDocument', NEW_IMAGE, { usage: { input: 10, output: 1_000 } });
    const answer = await agent.say(chatId, CLAUDE, headers);
    expect(answer.text).toBe('Done.');
    const [row] = await agent.accountsOf(chatId, answer);
    expect(row).toMatchObject({ provider, input: 10, output: 1_000, metadata: { ownKey } });
  });

  it.each([
    { model: GOOGLE, inputCost: '0.000090', imageInput: undefined },
    // 42 text tokens at 5 USD, 258 image tokens at 10.
    { model: OPENAI, inputCost: '0.002790', imageInput: 258 },
  ])('changes an image as a new version: $model', async ({ model, inputCost, imageInput }) => {
    const [before, after] = [picture(), picture()];
    const id = await agent.create(before);
    const chatId = randomUUID();
    const usage = { input: 300, output: 1_056 };
    // Edits are for texts. An image is generated from the description.
    const input = { id, description: 'By day', edits: [{ oldText: before.slice(0, 40), newText: '' }] };
    agent.script('updateDocument', input, { image: after, usage, imageInput: 258 });
    const answer = await agent.say(chatId, model);
    expect(answer.text).toBe('Done.');
    expect(dataOf(answer, 'data-imageDelta')).toEqual([after]);
    expect(await agent.versionsOf(id)).toEqual([before, after]);
    const [request] = agent.drawings();
    expect(request?.userText).toBe('By day');
    expect(JSON.stringify(request?.body)).toContain(before);

    const [row] = await agent.accountsOf(chatId, answer);
    expect(row).toMatchObject({ input: 300, output: 1_056, inputCost });
    expect(row?.metadata.imageInputTokens).toBe(imageInput);
  });

  it('generates a new image if the old one is invalid or the model does not accept it', async () => {
    const id = await agent.create('not a picture');
    agent.script('updateDocument', { id, description: 'By day' }, { image: picture() });
    expect((await agent.say(randomUUID())).text).toBe('Done.');
    expect(agent.drawings()[0]?.userText).toBe('Lighthouse\n\nBy day');
    expect(agent.drawings()[0]?.body['contents'][0].parts).toHaveLength(1);
    expect(await agent.versionsOf(id)).toHaveLength(2);
  });

  const limited: Script = { fault: { type: 'status', status: 429, retryAfterSeconds: 30 } };
  const broken: Script = { fault: { type: 'status', status: 500 } };
  const refused: Script = { finishReason: 'content-filter', usage: { input: 50, output: 0 } };
  it.each([
    {
      model: GOOGLE,
      how: 'refuses',
      image: refused,
      says: /declined the request because of its content rules/,
      input: 50,
    },
    {
      model: OPENAI,
      how: 'refuses',
      image: refused,
      says: /declined the request because of its content rules/,
      input: 0,
    },
    { model: GOOGLE, how: 'is limited', image: limited, says: /rate limiting requests.* in 30 s/, input: 0 },
    { model: OPENAI, how: 'is limited', image: limited, says: /rate limiting requests.* in 30 s/, input: 0 },
    {
      model: OPENAI,
      how: 'fails thrice',
      image: broken,
      says: /failed \(status 500\)/,
      input: 0,
      times: 3,
    },
  ])('keeps the last version, with a reason, when it $how: $model', async (failure) => {
    const { model, image, says, input, times } = failure;
    const before = picture();
    const id = await agent.create(before);
    const chatId = randomUUID();
    agent.script('updateDocument', { id, description: 'Worse' }, image, { closing: 'Sorry.', times });
    const answer = await agent.say(chatId, model);
    expect([answer.status, answer.text, answer.done]).toEqual([200, 'Sorry.', true]);
    expect(failureOf(answer)).toMatch(says);
    // The content that the reader had cleared is shown again.
    expect(dataOf(answer, 'data-imageDelta')).toEqual([before]);
    expect(await agent.versionsOf(id)).toEqual([before]);
    // The answering model knows it, and the message keeps it.
    expect(JSON.stringify(app.double.requests.filter(answers).at(-1)?.body)).toMatch(says);
    const { body: messages } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
    expect(messages.items[1].parts).toContainEqual(
      expect.objectContaining({ type: 'tool-updateDocument', state: 'output-error' }),
    );
    const rows = await agent.accountsOf(chatId, answer);
    expect(rows).toHaveLength(times ?? 1);
    for (const row of rows) expect(row).toMatchObject({ input, output: 0, metadata: { status: 'error' } });
  });

  it('stores nothing of a new image that was refused', async () => {
    const count = async () =>
      (await app.request('GET', '/api/documents?limit=100', { user })).body.items.length as number;
    const before = await count();
    agent.script('createDocument', NEW_IMAGE, refused, { closing: 'Sorry.' });
    const answer = await agent.say(randomUUID(), OPENAI);
    expect(failureOf(answer)).toMatch(/OpenAI declined/);
    expect([dataOf(answer, 'data-imageDelta'), dataOf(answer, 'data-finish')]).toEqual([[], []]);
    expect(await count()).toBe(before);
  });

  it('estimates usage that a provider does not report, and marks it', async () => {
    const chatId = randomUUID();
    agent.script('createDocument', NEW_IMAGE, { fault: { type: 'usage-lies', lie: 'missing' } });
    const answer = await agent.say(chatId, OPENAI);
    expect(await agent.accountsOf(chatId, answer)).toMatchObject([
      // An estimate of its prompt, and an image.
      { input: 12, output: 1_290, totalCost: '0.051660', metadata: { estimated: true } },
    ]);
  });

  it('stops generating when the user stops, and keeps the last version', async () => {
    const before = picture();
    const id = await agent.create(before);
    const chatId = randomUUID();
    agent.script(
      'updateDocument',
      { id, description: 'More' },
      { fault: { type: 'stall-before-first-byte' } },
    );
    const body = { id: chatId, message: userMessage('More'), agent: 'artifact', model: OPENAI };
    const reader = await app.open(user, body);
    await app.double.until(() => agent.drawings().some(({ state }) => state === 'held'));
    expect((await app.request('POST', `/api/chat/${chatId}/stop`, { user })).body).toEqual({ stopped: true });
    await reader.rest();
    await app.double.until(() => agent.drawings().every(({ closedByClient }) => closedByClient));
    expect(await agent.versionsOf(id)).toEqual([before]);
    const rows = await eventually(async () => {
      const found = (await agent.rowsOf(chatId)).filter(({ metadata }) => metadata.purpose === 'image');
      return found[0]?.metadata.status !== undefined && found;
    });
    expect(rows).toMatchObject([{ output: 0, metadata: { status: 'aborted', estimated: true } }]);
    // The prompt and the picture to change were sent.
    expect(rows[0]!.input).toBeGreaterThan(700);
    expect(Number(rows[0]!.totalCost)).toBeGreaterThan(0);
  });

  it('does not offer image models for answering', async () => {
    const { body: offered } = await app.request('GET', '/api/models', { user });
    const ids = (offered.items ?? offered).map(({ id }: { id: string }) => id);
    expect(ids).toEqual(expect.arrayContaining([GOOGLE, OPENAI]));
    expect(ids.filter((id: string) => id.includes('image'))).toEqual([]);
    const answer = await app.say(user, randomUUID(), 'Hi', { body: { model: 'openai/gpt-image-1' } });
    expect([answer.status, answer.problem.code]).toEqual([400, 'model_not_allowed']);
  });
});
