import { randomUUID } from 'node:crypto';
import type { TestUser } from '../support/app.js';
import { configureAgent } from '../support/agent-config.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { answers, dataOf, drawing, draws, failureOf, NEW_IMAGE, picture } from '../support/drawing.js';

/** One image of Gemini costs 0.0387 USD, and the turn around it is expected to cost about 0.006. */
const PICTURE = { input: 30, output: 1_290 };

describe('the budget of the artifact agent', () => {
  let app: ChatApp;
  let user: TestUser;
  let agent: ReturnType<typeof drawing>;

  beforeAll(async () => {
    app = await startChatApp();
  });

  beforeEach(async () => {
    app.double.reset();
    user = await app.createUser();
    agent = drawing(app, user);
  });

  afterAll(() => app.close());

  const budget = (daily: number) => configureAgent(app, 'google', { budget: { daily } }, 'artifact');
  const writes = ({ instructions }: { instructions: string }) =>
    /You write the content of a document|You change a document/.test(instructions);

  const spent = async (): Promise<number> => {
    const rows = await app.database.query(
      `select coalesce(sum(total_cost), 0)::float8 as cost from usage_logs where user_id = $1 and agent_type = 'artifact'`,
      [user.id],
    );
    return rows[0].cost as number;
  };

  const reserved = async (): Promise<unknown[]> =>
    app.database.query('select reserved_cost from switchboard.runs where user_id = $1', [user.id]);

  it('does not allow an image that it is too small for, and the agent says so', async () => {
    await budget(0.03);
    agent.script('createDocument', NEW_IMAGE, { usage: PICTURE }, { closing: 'Your budget is too small.' });
    const chatId = randomUUID();
    const answer = await agent.say(chatId);
    const sentence =
      'Your budget of 0.03 USD per day for the agent artifact does not allow generating an image now. Try again when the next day (UTC) begins.';
    expect([answer.status, answer.text, answer.done]).toEqual([200, 'Your budget is too small.', true]);
    expect(failureOf(answer)).toBe(sentence);
    expect(JSON.stringify(app.double.requests.filter(answers).at(-1)?.body)).toContain(sentence);
    // Nothing was generated, and no reader was told that it would be.
    expect([agent.drawings(), dataOf(answer, 'data-clear'), dataOf(answer, 'data-kind')]).toEqual([
      [],
      [],
      [],
    ]);
    expect(await spent()).toBeLessThan(0.03);
    expect(await reserved()).toEqual([]);
  });

  it('keeps an image and a text unchanged, also for the reader', async () => {
    await budget(0.0075);
    const image = picture();
    const id = await agent.create(image);
    agent.script('updateDocument', { id, description: 'By day' }, { usage: PICTURE });
    const redrawn = await agent.say(randomUUID());
    expect(failureOf(redrawn)).toMatch(/does not allow generating an image now/);
    expect(await agent.versionsOf(id)).toEqual([image]);

    const content = `Beginning. ${'A long text. '.repeat(3_000)}`;
    const body = { title: 'Long', kind: 'text', content };
    const text = (await app.request('POST', '/api/documents', { user, body })).body.id as string;
    agent.script('updateDocument', { id: text, description: 'Shorter' }, { usage: PICTURE });
    const rewritten = await agent.say(randomUUID());
    expect(failureOf(rewritten)).toMatch(/does not allow writing a document now/);
    for (const answer of [redrawn, rewritten]) expect(dataOf(answer, 'data-clear')).toEqual([]);
    expect(await agent.versionsOf(text)).toEqual([content]);
    expect(app.double.requests.filter(writes)).toEqual([]);

    // Edits cost nothing extra.
    const edits = [{ oldText: 'Beginning', newText: 'End' }];
    agent.script('updateDocument', { id: text, description: 'Shorter', edits }, {});
    expect(failureOf(await agent.say(randomUUID()))).toBeUndefined();
    expect(await agent.versionsOf(text)).toEqual([content, content.replace('Beginning', 'End')]);
  });

  it('is not overspent by concurrent turns that generate images', async () => {
    await budget(0.15);
    const turns = 8;
    app.double.enqueue(
      () => ({ toolCalls: [{ id: randomUUID(), name: 'createDocument', input: NEW_IMAGE }] }),
      {
        when: (request) => answers(request) && !JSON.stringify(request.body).includes('functionResponse'),
        times: turns,
      },
    );
    app.double.enqueue({ usage: PICTURE, firstDelayMs: 300 }, { when: draws, times: turns });
    app.double.enqueue({ text: ['Done.'] }, { when: answers, times: turns });
    const all = await Promise.all(Array.from({ length: turns }, () => agent.say(randomUUID())));
    // A turn that comes while images are being generated may not be admitted.
    const late = all.filter(({ status }) => status !== 200);
    for (const { problem } of late) expect(problem.code).toBe('budget_exceeded');
    const refused = all.map(failureOf).filter((failure) => failure !== undefined);
    for (const failure of refused) expect(failure).toMatch(/does not allow generating an image now/);
    const drawn = agent.drawings().length;
    expect(drawn + refused.length + late.length).toBe(turns);
    // Three would fit. How many do depends on what the turns around them still reserve.
    expect(drawn).toBeGreaterThanOrEqual(1);
    expect(drawn).toBeLessThanOrEqual(3);
    expect(await spent()).toBeLessThanOrEqual(0.15);
    expect(await reserved()).toEqual([]);
  });

  it('allows a turn as many images as it is large enough for', async () => {
    // The expected cost of the first image must not count in addition to its real cost.
    await budget(0.095);
    for (let n = 0; n < 3; n++) {
      const toolCalls = [{ id: randomUUID(), name: 'createDocument', input: NEW_IMAGE }];
      app.double.enqueue({ toolCalls, usage: { input: 100, output: 10 } }, { when: answers });
    }
    app.double.enqueue({ usage: PICTURE }, { when: draws, times: 3 });
    app.double.enqueue({ text: ['Done.'], usage: { input: 100, output: 10 } }, { when: answers });
    const answer = await agent.say(randomUUID());
    expect(answer.text).toBe('Done.');
    expect(agent.drawings()).toHaveLength(2);
    expect(failureOf(answer)).toMatch(/does not allow generating an image now/);
    expect(await spent()).toBeLessThanOrEqual(0.095);
  });

  it('also reserves for suggestions', async () => {
    await budget(0.0075);
    const body = { title: 'Short', kind: 'text', content: 'Some words.' };
    const { id } = (await app.request('POST', '/api/documents', { user, body })).body;
    agent.script('requestSuggestions', { id }, {});
    expect(failureOf(await agent.say(randomUUID()))).toMatch(/does not allow making suggestions now/);
  });

  /** Each step costs 0.00453 USD, about the expected cost of a step. */
  const STEP = { input: 100, output: 1_800 };

  function stepsOf(steps: number, id: string, times = 1): void {
    const edits = [{ oldText: 'not in there', newText: 'x' }];
    app.double.enqueue(
      ({ body }) => {
        const done = JSON.stringify(body).split('"functionResponse"').length - 1;
        return done < steps - 1
          ? {
              toolCalls: [
                { id: randomUUID(), name: 'updateDocument', input: { id, description: 'x', edits } },
              ],
              usage: STEP,
            }
          : { text: ['Done.'], usage: STEP };
      },
      { when: (request) => answers(request) && !writes(request), times: times * steps },
    );
    app.double.enqueue({ text: ['Rewritten.'] }, { when: writes, times: times * steps });
  }

  it('is checked before each further step of an answer', async () => {
    const { id } = (
      await app.request('POST', '/api/documents', {
        user,
        body: { title: 'Short', kind: 'text', content: 'Some words.' },
      })
    ).body;
    await budget(1);
    stepsOf(3, id);
    expect((await agent.say(randomUUID())).text).toBe('Done.');
    app.double.reset();
    await budget((await spent()) + 0.008);
    stepsOf(3, id);
    const answer = await agent.say(randomUUID());
    const { errorText } = answer.chunks.find(({ type }) => type === 'error') ?? {};
    expect([answer.text, errorText]).toEqual([
      '',
      expect.stringMatching(/does not allow another step of the answer now/),
    ]);
    expect(await reserved()).toEqual([]);
  });

  it('is not overspent by the steps of concurrent answers', async () => {
    await budget(0.05);
    const turns = 8;
    const { id } = (
      await app.request('POST', '/api/documents', {
        user,
        body: { title: 'Short', kind: 'text', content: 'Some words.' },
      })
    ).body;
    stepsOf(5, id, turns);
    await Promise.all(Array.from({ length: turns }, () => agent.say(randomUUID())));
    expect(await spent()).toBeGreaterThan(0.01);
    expect(await spent()).toBeLessThanOrEqual(0.05);
    expect(await reserved()).toEqual([]);
  });
});
