import { randomUUID } from 'node:crypto';
import { isRoutingCall } from '../doubles/wire/reply.js';
import { awayFromTheEndOfTheHour } from '../support/admissions.js';
import { configureAgent } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { answers } from '../support/drawing.js';
import { answerCalls, messagesOf, stop } from '../support/turns.js';

/** Whatever a turn will certainly cost is reserved before it is sent: its prompt, its title, the choice of its agent. */

const MODEL = 'google/gemini-2.5-flash';
const REFUSED = { status: 429, problem: { code: 'budget_exceeded' } };
/** About 100,000 tokens, which cost 0.03 USD. */
const LONG = 'The tide comes in, and the tide goes out. '.repeat(9_600);

describe('the reservation of a turn', () => {
  let app: ChatApp;
  let admin: TestUser;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    admin = await app.createUser({ role: 'admin' });
    await awayFromTheEndOfTheHour(app.database);
    await configureAgent(app, 'google', { parameters: { maxOutputTokens: 400 } });
  });

  beforeEach(async () => {
    app.double.reset();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  const limit = (daily: number, agent: 'chat' | 'artifact' = 'chat') =>
    configureAgent(app, 'google', { budget: { daily } }, agent);
  const say = (text: string, chatId: string = randomUUID()) =>
    app.say(user, chatId, text, { body: { model: MODEL, agent: 'chat' } });
  /** What this many running turns have reserved. A model may be called before the row is committed. */
  const reserved = (count: number) =>
    eventually(async () => {
      const rows = await app.database.query(
        `select agent_type as agent, reserved_cost::float8 as cost from switchboard.runs where user_id = $1`,
        [user.id],
      );
      return rows.length === count && rows;
    });

  it('does not send a prompt that alone costs more than the budget', async () => {
    await limit(0.01);
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => say(LONG)));
    for (const outcome of outcomes) expect(outcome).toMatchObject(REFUSED);
    expect(app.double.requests).toEqual([]);
    // A short one fits.
    expect((await say('How are you?')).status).toBe(200);
  });

  it('is spent by prompts whose answers never begin', async () => {
    await limit(0.1);
    app.double.enqueue({ fault: { type: 'stall-before-first-byte' } }, { when: answers, times: 9 });
    let sent = 0;
    for (; sent < 9; sent++) {
      const chatId = randomUUID();
      const answer = say(`${chatId} ${LONG}`, chatId);
      const isSent = () => answerCalls(app, chatId)[0]?.state === 'held';
      const first = await Promise.race([answer, app.double.until(isSent)]);
      if (first) {
        expect(first).toMatchObject(REFUSED);
        break;
      }
      await stop(app, user, chatId);
      await answer;
    }
    expect(sent).toBe(3);
  });

  it('is not enough for a second attempt if the first one is billed', async () => {
    await limit(0.05);
    const lost = { type: 'reset-before-first-byte' } as const;
    const chatId = randomUUID();
    app.double.enqueue({ fault: lost }, { when: answers, times: 3 });
    expect((await say(`${chatId} ${LONG}`, chatId)).status).toBe(502);
    expect(answerCalls(app, chatId)).toHaveLength(1);
    // A short prompt may be repeated.
    app.double.reset();
    app.double.enqueue({ fault: lost }, { when: answers, times: 2 });
    expect((await say('Once more')).status).toBe(200);
    expect(answerCalls(app, 'Once more')).toHaveLength(3);
  });

  it('includes the title of a chat that has none', async () => {
    await limit(10);
    const costOf = async (chatId: string): Promise<number> => {
      app.double.enqueue({ text: ['One ', 'two'], pauseAfter: 0 }, { when: answers });
      const body = { id: chatId, message: userMessage('How are you?'), model: MODEL, agent: 'chat' };
      const sent = app.post(user, body);
      await app.double.until(() => app.double.requests.some(({ state }) => state === 'held'));
      const [row] = await reserved(1);
      app.double.resume();
      expect((await sent).status).toBe(200);
      app.double.reset();
      return row!['cost'] as number;
    };
    const untitled = await costOf(randomUUID());
    const titled = randomUUID();
    await app.request('POST', '/api/chats', { user, body: { id: titled, title: 'Well-being' } });
    const difference = untitled - (await costOf(titled));
    // 200 tokens of output of gemini-2.5-flash-lite, and its instructions.
    expect(difference).toBeGreaterThan(0.00008);
    expect(difference).toBeLessThan(0.0002);
  });

  it('includes the choice of the agent, which counts against the budgets of all agents', async () => {
    await limit(1);
    await limit(1, 'artifact');
    await app.request('PATCH', '/api/admin/config/routing_agent', {
      user: admin,
      body: { configData: { enabled: true, timeoutMs: 10_000 } },
    });
    try {
      app.double.enqueue(
        { text: ['{"agent":"chat","reason":"So."}'], firstDelayMs: 1_500 },
        { when: isRoutingCall, times: 8 },
      );
      const turns = Array.from({ length: 8 }, () => app.say(user, randomUUID(), 'Anything'));
      await app.double.until(() => app.double.requests.filter(isRoutingCall).length === 8);
      for (const { agent, cost } of await reserved(8)) {
        expect(agent).toBe('routing');
        expect(cost).toBeGreaterThan(0.0001);
      }
      for (const { status } of await Promise.all(turns)) expect(status).toBe(200);
      await reserved(0);
    } finally {
      await app.request('PATCH', '/api/admin/config/routing_agent', {
        user: admin,
        body: { configData: { enabled: false } },
      });
    }
  });

  it('is checked again when the prompt is complete, before anything is sent', async () => {
    await limit(0.1);
    const chatId = randomUUID();
    // 900 pages of 258 tokens. Their number is only known when the file is read.
    const pdf = Buffer.from('%PDF-1.7\n<< /Type /Pages /Count 900 >>\n%%EOF').toString('base64');
    const parts = [
      { type: 'text', text: 'What does it say?' },
      { type: 'file', mediaType: 'application/pdf', url: `data:application/pdf;base64,${pdf}` },
    ];
    app.double.enqueue({ usage: { input: 232_500, output: 20 } }, { when: answers });
    const first = await app.post(user, {
      id: chatId,
      message: { id: randomUUID(), role: 'user', parts },
      model: MODEL,
      agent: 'chat',
    });
    expect(first.status).toBe(200);
    const calls = app.double.requests.filter(answers).length;
    const second = await say('And what else?', chatId);
    expect(second).toMatchObject(REFUSED);
    expect(app.double.requests.filter(answers)).toHaveLength(calls);
    const last = (await messagesOf(app, user, chatId)).at(-1);
    expect(last).toMatchObject({
      status: 'failed',
      cost: 0,
      metadata: { error: { code: 'budget_exceeded' } },
    });
    await reserved(0);
  });
});
