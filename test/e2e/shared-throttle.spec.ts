import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';

if (!HAS_REDIS)
  process.stderr.write('Left out: tests with Redis. Install redis-server or valkey-server to run them.\n');

const LIMIT = 20;

const ask = (app: TestApp, user: TestUser) => app.request('GET', '/api/me', { user });

(HAS_REDIS ? describe : describe.skip)('the limit of requests over several instances', () => {
  let redis: RedisServer;
  let first: TestApp;
  let second: TestApp;

  beforeAll(async () => {
    redis = await RedisServer.start();
    const environment = { REDIS_URL: redis.url, THROTTLE_LIMIT: String(LIMIT) };
    first = await startTestApp(environment);
    second = await startTestApp(environment, { database: first.database });
  });
  afterAll(async () => {
    await second?.close();
    await first?.close();
    await redis?.stop();
  });

  /** All applications of a process write to the log of the last one. */
  const log = () => second.log();
  async function askBoth(user: TestUser, times: number): Promise<number[]> {
    const answers = await Promise.all(
      Array.from({ length: times }, (_, index) => ask(index % 2 === 0 ? first : second, user)),
    );
    return answers.map(({ status }) => status);
  }
  const refused = (statuses: number[]) => statuses.filter((status) => status === 429).length;

  const readiness = async (app = first) => (await app.request('GET', '/health/ready')).body;
  const isUp = async (app: TestApp) => (await readiness(app)).redis === 'up';
  /** A busy machine may have taken Redis for lost. */
  const untilUp = () => eventually(async () => (await isUp(first)) && (await isUp(second)));

  it('is one limit, and ends at the same time everywhere', async () => {
    await untilUp();
    const user = await first.createUser();
    const statuses = await askBoth(user, LIMIT + 10);
    expect(refused(statuses)).toBe(10);
    const [here, there] = [await ask(first, user), await ask(second, user)];
    expect([here.status, there.status]).toEqual([429, 429]);
    const waits = [here, there].map(({ headers }) => Number(headers.get('retry-after')));
    expect(Math.abs(waits[0]! - waits[1]!)).toBeLessThanOrEqual(1);
    expect(waits[0]).toBeGreaterThan(30);
  });

  it.each([
    ['hangs', () => redis.freeze(), () => redis.thaw()],
    ['dies', () => redis.stop(), () => redis.start()],
  ] as Array<[string, () => unknown, () => unknown]>)(
    'is a limit of each instance while Redis %s, and then one limit again',
    async (_how, away, back) => {
      await untilUp();
      const before = log().length;
      const user = await first.createUser();
      expect(await readiness()).toEqual({ status: 'ok', redis: 'up' });
      await away();
      try {
        expect(await readiness()).toEqual({ status: 'ok', redis: 'down' });
        const startedAt = performance.now();
        for (let index = 0; index < 5; index++) expect((await ask(first, user)).status).toBe(200);
        expect(performance.now() - startedAt).toBeLessThan(2_500);
        const alone = await Promise.all(Array.from({ length: LIMIT }, () => ask(first, user)));
        expect(refused(alone.map(({ status }) => status))).toBeGreaterThanOrEqual(5);
      } finally {
        await back();
      }
      await eventually(async () => {
        await ask(first, await first.createUser());
        return log().indexOf('Redis answers again', before) > 0;
      });
      const lines = log().slice(before).split('\n');
      const told = lines.filter((line) => line.includes('Redis does not answer')).length;
      // Each instance says it once, if it has noticed.
      expect([1, 2]).toContain(told);
      expect(refused(await askBoth(await first.createUser(), LIMIT + 10))).toBe(10);
    },
  );
});

describe('the limit of requests without Redis', () => {
  it('is said to be one for each instance at the start', async () => {
    const app = await startTestApp({ THROTTLE_LIMIT: '3' });
    try {
      expect(app.log()).toContain('Each instance counts requests for itself, because REDIS_URL is not set.');
    } finally {
      await app.close();
    }
  });

  it('is counted by each instance, and the server starts', async () => {
    const app = await startTestApp({ REDIS_URL: 'redis://127.0.0.1:1', THROTTLE_LIMIT: '3' });
    try {
      const user = await app.createUser();
      const answers: number[] = [];
      for (let index = 0; index < 5; index++) answers.push((await ask(app, user)).status);
      expect(answers).toEqual([200, 200, 200, 429, 429]);
    } finally {
      await app.close();
    }
  });
});
