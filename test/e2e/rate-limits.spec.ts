import {
  admissionRequest,
  admit,
  awayFromTheEndOfTheHour,
  passTime,
  secondsLeft,
} from '../support/admissions.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';

interface RateLimit {
  agentType: string;
  limitType: string;
  limit: number;
  used: number;
  remaining: number;
  resetsAt: string;
}

describe('GET /api/rate-limits', () => {
  let app: TestApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
  });

  beforeEach(async () => {
    await awayFromTheEndOfTheHour(app.database);
    user = await app.createUser();
  }, 60_000);

  afterAll(() => app.close());

  const list = async (reader = user): Promise<RateLimit[]> => {
    const { status, body } = await app.request('GET', '/api/rate-limits', { user: reader });
    expect({ status, nextCursor: body.nextCursor }).toEqual({ status: 200, nextCursor: null });
    return body.items;
  };

  const find = (items: RateLimit[], agentType: string, limitType: string) =>
    items.find((item) => item.agentType === agentType && item.limitType === limitType);

  /** Changes a configuration while `fn` runs, which starts when this instance has the change. */
  async function configured(
    changes: Record<string, object>,
    heard: (items: RateLimit[]) => boolean,
    fn: (items: RateLimit[]) => void | Promise<void>,
  ): Promise<void> {
    const keys = Object.keys(changes);
    const before = await app.database.query(
      'select config_key as key, config_data as data from admin_config where config_key = any($1)',
      [keys],
    );
    const write = (key: string, data: object) =>
      app.database.query('update admin_config set config_data = $2 where config_key = $1', [
        key,
        JSON.stringify(data),
      ]);
    try {
      for (const { key, data } of before) await write(key, { ...data, ...changes[key] });
      await fn(await until(heard));
    } finally {
      for (const { key, data } of before) await write(key, data);
      await until((items) => items.length === 6 && find(items, 'chat', 'hourly')?.limit === 20_000);
    }
  }

  async function until(heard: (items: RateLimit[]) => boolean): Promise<RateLimit[]> {
    for (let attempt = 1; ; attempt++) {
      const items = await list();
      if (heard(items)) return items;
      if (attempt === 1_000) throw new Error(`The configuration did not arrive: ${JSON.stringify(items)}`);
    }
  }

  it('shows every agent and window, also before the first request', async () => {
    const { hour, day } = await secondsLeft(app.database);
    const items = await list();
    const figures = items.map(({ resetsAt: _, ...item }) => item);
    expect(figures).toEqual(
      [
        ['chat', 20_000, 200_000],
        ['artifact', 10_000, 100_000],
        ['git_mcp', 5_000, 50_000],
      ].flatMap(([agentType, hourly, daily]) => [
        { agentType, limitType: 'hourly', limit: hourly, used: 0, remaining: hourly },
        { agentType, limitType: 'daily', limit: daily, used: 0, remaining: daily },
      ]),
    );
    for (const { limitType, resetsAt } of items) {
      expect(resetsAt).toMatch(limitType === 'daily' ? /T00:00:00\.000Z$/ : /T\d\d:00:00\.000Z$/);
      const left = (Date.parse(resetsAt) - Date.now()) / 1_000;
      expect(Math.abs(left - (limitType === 'daily' ? day : hour))).toBeLessThan(10);
    }
  });

  it('counts requests, without released ones', async () => {
    await admit(app, admissionRequest(user.id));
    await admit(app, admissionRequest(user.id));
    await (await admit(app, admissionRequest(user.id))).giveBack();
    const items = await list();
    expect(find(items, 'chat', 'hourly')).toMatchObject({ limit: 20_000, used: 2, remaining: 19_998 });
    expect(find(items, 'chat', 'daily')).toMatchObject({ limit: 200_000, used: 2, remaining: 199_998 });
    expect(find(items, 'artifact', 'hourly')).toMatchObject({ used: 0, remaining: 10_000 });
  });

  it('does not count a window that has ended', async () => {
    await admit(app, admissionRequest(user.id));
    await passTime(app, user.id, 'hourly');
    expect(find(await list(), 'chat', 'hourly')).toMatchObject({ used: 0, remaining: 20_000 });
    expect(find(await list(), 'chat', 'daily')).toMatchObject({ used: 1, remaining: 199_999 });
    await passTime(app, user.id, 'daily');
    expect(find(await list(), 'chat', 'daily')).toMatchObject({ used: 0, remaining: 200_000 });
  });

  it('shows nobody the requests of others, not even to administrators', async () => {
    await admit(app, admissionRequest(user.id));
    const others = [await app.createUser(), await app.createUser({ role: 'admin' })];
    for (const other of others) {
      const items = await list(other);
      expect(items.map(({ used }) => used)).toEqual([0, 0, 0, 0, 0, 0]);
    }
  });

  it('shows the configured limits, and never less than zero left', async () => {
    for (let count = 0; count < 3; count++) await admit(app, admissionRequest(user.id));
    await configured(
      { chat_agent_google: { rateLimit: { hourly: 2, daily: 50 } } },
      (items) => find(items, 'chat', 'hourly')?.limit === 2,
      (items) => {
        expect(find(items, 'chat', 'hourly')).toMatchObject({ limit: 2, used: 3, remaining: 0 });
        expect(find(items, 'chat', 'daily')).toMatchObject({ limit: 50, used: 3, remaining: 47 });
      },
    );
  });

  it('uses the limits of the active provider', async () => {
    await configured(
      {
        app_settings: { activeProvider: 'openai' },
        chat_agent_openai: { rateLimit: { hourly: 7, daily: 70 } },
      },
      (items) => find(items, 'chat', 'hourly')?.limit === 7,
      (items) => expect(find(items, 'chat', 'daily')?.limit).toBe(70),
    );
  });

  it('uses those of another provider if the agent is disabled for the active one', async () => {
    await configured(
      {
        chat_agent_google: { enabled: false },
        chat_agent_openai: { rateLimit: { hourly: 9, daily: 90 } },
      },
      (items) => find(items, 'chat', 'hourly')?.limit === 9,
      (items) => expect(find(items, 'chat', 'daily')?.limit).toBe(90),
    );
  });

  it('omits a disabled agent', async () => {
    const off = { enabled: false };
    await configured(
      { artifact_agent_google: off, artifact_agent_openai: off, artifact_agent_anthropic: off },
      (items) => find(items, 'artifact', 'hourly') === undefined,
      (items) =>
        expect(items.map(({ agentType }) => agentType)).toEqual(['chat', 'chat', 'git_mcp', 'git_mcp']),
    );
  });

  it('requires a signed-in user', async () => {
    expectProblem(await app.request('GET', '/api/rate-limits'), 401, 'unauthenticated');
  });
});
