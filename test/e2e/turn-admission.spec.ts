import { randomUUID } from 'node:crypto';
import { DEMO_MODEL_ID } from '../../src/modules/models/demo/demo-model.js';
import type { TestUser } from '../support/app.js';
import { awayFromTheEndOfTheHour, usedOf } from '../support/admissions.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { prepareChatServers } from '../support/chat-servers.js';
import { untilLimitIs } from '../support/config-change.js';

/** The configured limits and budgets apply to turns. */
describe('the admission of turns', () => {
  let app: ChatApp;
  let admin: TestUser;

  beforeAll(async () => {
    app = await startChatApp({ DEMO_MODEL: 'true' });
    admin = await app.createUser({ role: 'admin' });
    await awayFromTheEndOfTheHour(app.database);
  });

  afterAll(() => app.close());

  const configure = async (key: string, patch: object) => {
    const { status } = await app.request('PATCH', `/api/admin/config/${key}`, {
      user: admin,
      body: { configData: patch },
    });
    expect(status).toBe(200);
  };
  const limitChat = (hourly: number, daily: number, budget: object | null = null) =>
    configure('chat_agent_google', { rateLimit: { hourly, daily }, budget });

  it('returns the remaining requests in the headers, and refuses more, leaving nothing behind', async () => {
    const user = await app.createUser();
    const chat = randomUUID();
    await limitChat(2, 100);
    const first = await app.say(user, chat, 'one');
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-limit')).toBe('2');
    expect(first.headers.get('ratelimit-remaining')).toBe('1');
    expect(Number(first.headers.get('ratelimit-reset'))).toBeGreaterThan(0);
    expect((await app.say(user, chat, 'two')).headers.get('ratelimit-remaining')).toBe('0');

    const refused = await app.say(user, chat, 'three');
    expect(refused).toMatchObject({ status: 429, problem: { code: 'rate_limited' } });
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const messages = await app.request('GET', `/api/chats/${chat}/messages`, { user });
    expect(messages.body.items).toHaveLength(4);

    const unknown = randomUUID();
    expect((await app.say(user, unknown, 'elsewhere')).status).toBe(429);
    expect((await app.request('GET', `/api/chats/${unknown}`, { user })).status).toBe(404);
    expect(await usedOf(app, user.id)).toEqual({ hourly: 2, daily: 2 });

    // Another user has a separate limit. A raised limit applies from the next message.
    expect((await app.say(await app.createUser(), randomUUID(), 'mine')).status).toBe(200);
    await limitChat(3, 100);
    expect((await app.say(user, chat, 'three')).status).toBe(200);
  });

  it('counts nothing for a turn that is refused for another reason', async () => {
    const user = await app.createUser();
    await limitChat(50, 100);
    const stranger = await app.createUser();
    const chat = randomUUID();
    expect((await app.say(stranger, chat, 'mine')).status).toBe(200);
    expect((await app.say(user, chat, 'not mine')).status).toBe(404);
    expect((await app.say(user, randomUUID(), 'hi', { body: { model: 'google/none' } })).status).toBe(400);
    app.double.enqueue({ fault: { type: 'status', status: 401 } });
    const badKey = await app.say(user, randomUUID(), 'hi', { headers: { 'x-google-api-key': 'wrong' } });
    expect(badKey).toMatchObject({ status: 400, problem: { code: 'api_key_missing' } });
    expect(Object.values(await usedOf(app, user.id)).every((used) => used === 0)).toBe(true);
  });

  it('refuses when a budget is used up, and counts the spending', async () => {
    const user = await app.createUser();
    await limitChat(50, 100, { daily: 0.000001 });
    const chat = randomUUID();
    expect((await app.say(user, chat, 'one')).status).toBe(200);
    const refused = await app.say(user, chat, 'two');
    expect(refused).toMatchObject({ status: 429, problem: { code: 'budget_exceeded' } });
    // The choice of the agent is settled right after the refusal.
    await eventually(async () => {
      const [reserved] = await app.database.query(
        'select count(*)::int as count from switchboard.runs where user_id = $1 and reserved_cost > 0',
        [user.id],
      );
      return reserved.count === 0;
    });
    await limitChat(50, 100, null);
    expect((await app.say(user, chat, 'two')).status).toBe(200);
  });

  it('does not let concurrent turns overspend, however long their answers become', async () => {
    const user = await app.createUser();
    await limitChat(500, 1_000, { daily: 0.1 });
    // 30,000 tokens are 0.075 USD. The expected cost of an answer is 0.005.
    const long = { text: ['On ', 'and on.'], usage: { input: 10, output: 30_000 } };
    app.double.enqueue({ ...long, pauseAfter: 1 }, { when: ({ stream }) => stream });
    app.double.enqueue(long, { when: ({ stream }) => stream });
    const body = () => ({ id: randomUUID(), message: userMessage('Tell me all'), agent: 'chat' });
    const first = await app.open(user, body());
    await first.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
    const others = await Promise.all(Array.from({ length: 12 }, () => app.post(user, body())));
    for (const { status, problem, headers } of others) {
      expect([status, problem.code, headers.get('retry-after')]).toEqual([429, 'budget_exceeded', '5']);
      expect(problem.detail).toContain('because of the answers that are being generated');
    }
    app.double.resume();
    await first.rest();
    // The rest is enough for one expected answer, and after it nothing is left.
    expect((await app.post(user, body())).status).toBe(200);
    const refused = await app.post(user, body());
    expect(refused).toMatchObject({ status: 429, problem: { code: 'budget_exceeded' } });
    expect(refused.problem.detail).toContain('next day');
    const [spent] = await app.database.query(
      `select sum(total_cost)::float8 as cost from usage_logs where user_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [user.id],
    );
    expect(spent.cost).toBeCloseTo(0.15, 3);
    await limitChat(50, 100, null);
  });

  describe('by the configuration that a turn runs on', () => {
    const OPENAI = { body: { agent: 'chat', model: 'openai/gpt-5-mini' } };
    const GOOGLE = { body: { agent: 'chat' } };

    afterAll(async () => {
      await configure('chat_agent_openai', { rateLimit: { hourly: 1_000, daily: 1_000 }, budget: null });
      await limitChat(50, 100, null);
    });

    it('counts all turns of the agent, and asks the limit of the one that answers', async () => {
      const user = await app.createUser();
      await limitChat(50, 100);
      await configure('chat_agent_openai', { rateLimit: { hourly: 2, daily: 100 }, budget: null });
      const first = await app.say(user, randomUUID(), 'one', OPENAI);
      expect([first.status, first.headers.get('ratelimit-limit')]).toEqual([200, '2']);
      const second = await app.say(user, randomUUID(), 'two', GOOGLE);
      expect([second.status, second.headers.get('ratelimit-limit')]).toEqual([200, '50']);
      const refused = await app.say(user, randomUUID(), 'three', OPENAI);
      expect(refused).toMatchObject({ status: 429, problem: { code: 'rate_limited' } });
      expect(refused.headers.get('ratelimit-limit')).toBe('2');
      expect((await app.say(user, randomUUID(), 'three', GOOGLE)).status).toBe(200);
      expect(await usedOf(app, user.id)).toEqual({ hourly: 3, daily: 3 });
      // What a user is shown is about the model that answers by default.
      const shown = await app.request('GET', '/api/rate-limits', { user });
      expect(shown.body.items[0]).toMatchObject({ agentType: 'chat', limit: 50, used: 3 });
    });

    it('holds to its budget, and to no other', async () => {
      const user = await app.createUser();
      await limitChat(50, 100, { daily: 0 });
      await configure('chat_agent_openai', {
        rateLimit: { hourly: 50, daily: 100 },
        budget: { daily: 0.000001 },
      });
      expect((await app.say(user, randomUUID(), 'one', GOOGLE)).problem.code).toBe('budget_exceeded');
      expect((await app.say(user, randomUUID(), 'one', OPENAI)).status).toBe(200);
      expect((await app.say(user, randomUUID(), 'two', OPENAI)).problem.code).toBe('budget_exceeded');
      await configure('chat_agent_openai', { budget: null });
      expect((await app.say(user, randomUUID(), 'two', OPENAI)).status).toBe(200);
    });

    it('takes the tightest of all for the demo model, which has none of its own', async () => {
      const user = await app.createUser();
      await limitChat(50, 100, null);
      await configure('chat_agent_openai', { rateLimit: { hourly: 1, daily: 100 }, budget: null });
      const demo = { body: { agent: 'chat', model: `demo/${DEMO_MODEL_ID}` } };
      const first = await app.say(user, randomUUID(), 'one', demo);
      expect([first.status, first.headers.get('ratelimit-limit')]).toEqual([200, '1']);
      expect((await app.say(user, randomUUID(), 'two', demo)).status).toBe(429);
    });
  });

  it('holds to the limits of the artifact agent for suggestions as well', async () => {
    const user = await app.createUser();
    await configure('artifact_agent_google', { rateLimit: { hourly: 0, daily: 10 } });
    const document = await app.request('POST', '/api/documents', {
      user,
      body: { title: 'A text', kind: 'text', content: 'Some words.' },
    });
    const refused = await app.request('POST', `/api/documents/${document.body.id}/suggestions`, {
      user,
      body: {},
    });
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  });
});

describe('the admission of turns on two servers', () => {
  it('admits exactly as many as the limit allows', async () => {
    const servers = await prepareChatServers();
    try {
      const user = await servers.createUser();
      const running = await Promise.all([servers.start(), servers.start()]);
      await servers.database.query(
        `update admin_config set config_data = jsonb_set(config_data, '{rateLimit}', '{"hourly": 50, "daily": 500}')
          where config_key = 'chat_agent_google'`,
      );
      await awayFromTheEndOfTheHour(servers.database);
      await untilLimitIs(running, user, 'chat', 50);
      // A turn that waits long for its agent is refused within its stream.
      const outcomes = await Promise.all(
        Array.from({ length: 150 }, async (_, index) => {
          const response = await fetch(`${running[index % 2]?.url}/api/chat`, {
            method: 'POST',
            headers: { ...user.headers, 'content-type': 'application/json' },
            body: JSON.stringify({ id: randomUUID(), message: userMessage('hi') }),
          });
          const text = await response.text();
          return /times per hour/.test(text) ? 429 : response.status;
        }),
      );
      const count = (status: number) => outcomes.filter((one) => one === status).length;
      expect({ passed: count(200), refused: count(429) }).toEqual({ passed: 50, refused: 100 });
    } finally {
      await servers.close();
    }
  }, 90_000);
});
