import { randomUUID } from 'node:crypto';
import {
  admissionRequest,
  admit,
  admitAtOnce,
  awayFromTheEndOfTheHour,
  passTime,
  refusalOf,
  secondsLeft,
  startAdmittingProcess,
  tally,
  usedOf,
} from '../support/admissions.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

describe('admission', () => {
  let app: TestApp;
  let userId: string;

  beforeAll(async () => {
    app = await startTestApp();
  });

  beforeEach(async () => {
    await awayFromTheEndOfTheHour(app.database);
    userId = (await app.createUser()).id;
  }, 60_000);

  afterAll(() => app.close());

  const storedLimits = async () =>
    (
      await app.database.query(
        'select limit_value as "limit" from rate_limit_tracking where user_id = $1 order by limit_type',
        [userId],
      )
    ).map(({ limit }) => limit as number);

  describe('a limit', () => {
    it.each(['hourly', 'daily'] as const)('refuses requests beyond it (%s)', async (type) => {
      const limits = { hourly: 100, daily: 100, [type]: 2 };
      await admit(app, admissionRequest(userId, { limits }));
      await admit(app, admissionRequest(userId, { limits }));
      const refusal = await refusalOf(app, admissionRequest(userId, { limits }));
      const left = (await secondsLeft(app.database))[type === 'hourly' ? 'hour' : 'day'];
      expect(refusal).toMatchObject({
        status: 429,
        code: 'rate_limited',
        detail: expect.stringContaining('chat'),
      });
      const { 'retry-after': wait, ...headers } = refusal.headers!;
      expect(Number(wait)).toBeGreaterThanOrEqual(Math.floor(left));
      expect(Number(wait)).toBeLessThanOrEqual(Math.ceil(left) + 5);
      expect(headers).toEqual({
        'RateLimit-Limit': '2',
        'RateLimit-Remaining': '0',
        'RateLimit-Reset': wait,
      });
    });

    it('uses up nothing in the other window on a refusal', async () => {
      await admit(app, admissionRequest(userId));
      await refusalOf(app, admissionRequest(userId, { limits: { hourly: 1, daily: 100 } }));
      await refusalOf(app, admissionRequest(userId, { limits: { hourly: 100, daily: 1 } }));
      expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
    });

    it('of 0 refuses everything, and leaves no trace', async () => {
      for (const limits of [
        { hourly: 0, daily: 100 },
        { hourly: 100, daily: 0 },
      ]) {
        const refusal = await refusalOf(app, admissionRequest(userId, { limits }));
        expect(refusal.code).toBe('rate_limited');
        expect(refusal.headers).toMatchObject({ 'RateLimit-Limit': '0', 'RateLimit-Remaining': '0' });
      }
      expect(await storedLimits()).toEqual([]);
    });

    it('applies to the next request after a change', async () => {
      await admit(app, admissionRequest(userId, { limits: { hourly: 1, daily: 10 } }));
      await refusalOf(app, admissionRequest(userId, { limits: { hourly: 1, daily: 10 } }));
      const { headers } = await admit(app, admissionRequest(userId, { limits: { hourly: 3, daily: 20 } }));
      expect(headers).toMatchObject({ 'RateLimit-Limit': '3', 'RateLimit-Remaining': '1' });
      expect(await storedLimits()).toEqual([20, 3]);
      const refusal = await refusalOf(app, admissionRequest(userId, { limits: { hourly: 1, daily: 7 } }));
      expect(refusal.headers).toMatchObject({ 'RateLimit-Limit': '1', 'RateLimit-Remaining': '0' });
      expect(await storedLimits()).toEqual([7, 1]);
    });

    it('that is larger than the database supports is capped', async () => {
      const limits = { hourly: Number.MAX_SAFE_INTEGER, daily: 5 };
      const { headers } = await admit(app, admissionRequest(userId, { limits }));
      expect(headers).toMatchObject({ 'RateLimit-Limit': '5', 'RateLimit-Remaining': '4' });
    });

    it('counts each user and each agent separately', async () => {
      const limits = { hourly: 1, daily: 1 };
      const other = await app.createUser();
      await admit(app, admissionRequest(userId, { limits }));
      await admit(app, admissionRequest(other.id, { limits }));
      await admit(app, admissionRequest(userId, { limits, agentType: 'artifact' }));
      await refusalOf(app, admissionRequest(userId, { limits }));
      await refusalOf(app, admissionRequest(userId, { limits, agentType: 'artifact' }));
    });

    it('starts again in the next hour, and on the next day', async () => {
      const limits = { hourly: 1, daily: 2 };
      await admit(app, admissionRequest(userId, { limits }));
      expect((await refusalOf(app, admissionRequest(userId, { limits }))).detail).toContain('per hour');
      await passTime(app, userId, 'hourly');
      await admit(app, admissionRequest(userId, { limits }));
      await passTime(app, userId, 'hourly');
      expect((await refusalOf(app, admissionRequest(userId, { limits }))).detail).toContain('per day');
      await passTime(app, userId, 'daily');
      await admit(app, admissionRequest(userId, { limits }));
      expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
    });

    it('reports the wait for the day if both windows are used up', async () => {
      const limits = { hourly: 1, daily: 1 };
      await admit(app, admissionRequest(userId, { limits }));
      const { headers } = await refusalOf(app, admissionRequest(userId, { limits }));
      const { day } = await secondsLeft(app.database);
      expect(Math.abs(Number(headers?.['retry-after']) - day)).toBeLessThan(5);
    });
  });

  describe('the headers of an admission', () => {
    it('are those of the window that is closest to its limit', async () => {
      const { hour, day } = await secondsLeft(app.database);
      const headersAt = async (hourly: number, daily: number) => {
        const { headers } = await admit(app, admissionRequest(userId, { limits: { hourly, daily } }));
        const { 'RateLimit-Reset': reset, ...figures } = headers;
        return {
          ...figures,
          hour: Math.abs(Number(reset) - hour) < 5,
          day: Math.abs(Number(reset) - day) < 5,
        };
      };
      const lastHour = Math.abs(day - hour) < 10;
      expect(await headersAt(10, 100)).toEqual({
        'RateLimit-Limit': '10',
        'RateLimit-Remaining': '9',
        hour: true,
        day: lastHour,
      });
      expect(await headersAt(100, 5)).toEqual({
        'RateLimit-Limit': '5',
        'RateLimit-Remaining': '3',
        hour: lastHour,
        day: true,
      });
      // Equally close: the longer window is used.
      expect(await headersAt(8, 8)).toEqual({
        'RateLimit-Limit': '8',
        'RateLimit-Remaining': '5',
        hour: lastHour,
        day: true,
      });
    });
  });

  describe('a released admission', () => {
    it('is available again, once, however often it is released', async () => {
      const limits = { hourly: 2, daily: 2 };
      await admit(app, admissionRequest(userId, { limits }));
      const admission = await admit(app, admissionRequest(userId, { limits }));
      await Promise.all([admission.giveBack(), admission.giveBack(), admission.settle()]);
      await admission.giveBack();
      expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
      await admit(app, admissionRequest(userId, { limits }));
      await refusalOf(app, admissionRequest(userId, { limits }));
    });

    it('does not include settled ones', async () => {
      const admission = await admit(app, admissionRequest(userId));
      await admission.settle();
      await admission.settle();
      await admission.giveBack();
      expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
    });

    it('is returned to its own windows', async () => {
      const admission = await admit(app, admissionRequest(userId));
      await passTime(app, userId, 'hourly');
      await admit(app, admissionRequest(userId));
      await admission.giveBack();
      expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
    });

    it('makes no count negative, and never fails', async () => {
      const [first, second] = [
        await admit(app, admissionRequest(userId)),
        await admit(app, admissionRequest(userId)),
      ];
      await app.database.query(
        `update rate_limit_tracking set request_count = 0 where user_id = $1 and limit_type = 'hourly'`,
        [userId],
      );
      await first.giveBack();
      expect(await usedOf(app, userId)).toEqual({ hourly: 0, daily: 1 });
      await app.database.query('delete from auth.users where id = $1', [userId]);
      await second.giveBack();
    });

    it('works with any concurrency', async () => {
      const limits = { hourly: 20, daily: 10_000 };
      const comeAndGo = async () => {
        const admission = await admit(app, admissionRequest(userId, { limits })).catch(() => undefined);
        await admission?.giveBack();
        return admission === undefined ? 'refused' : 'admitted';
      };
      const outcomes = await Promise.all(Array.from({ length: 200 }, comeAndGo));
      expect(tally(outcomes)['admitted']).toBeGreaterThanOrEqual(20);
      expect(await usedOf(app, userId)).toEqual({ hourly: 0, daily: 0 });
    });
  });

  it('admits exactly the limit of 500 simultaneous requests to two server processes', async () => {
    const servers = await Promise.all([1, 2].map(() => startAdmittingProcess(app.database)));
    try {
      for (const limits of [
        { hourly: 50, daily: 60 },
        { hourly: 1_000, daily: 50 },
      ]) {
        const { id } = await app.createUser();
        const outcomes = await Promise.all(
          servers.map((server) => server.admitAtOnce(250, admissionRequest(id, { limits }))),
        );
        expect(tally(outcomes.flat())).toEqual({ admitted: 50, rate_limited: 450 });
        expect(await usedOf(app, id)).toEqual({ hourly: 50, daily: 50 });
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }, 90_000);

  it('admits every one of many users at once', async () => {
    const users = await Promise.all(Array.from({ length: 40 }, () => app.createUser()));
    const limits = { hourly: 3, daily: 4 };
    const outcomes = await Promise.all(
      users.map(({ id }) => admitAtOnce(app, 5, admissionRequest(id, { limits }))),
    );
    for (const outcome of outcomes) expect(tally(outcome)).toEqual({ admitted: 3, rate_limited: 2 });
  });

  it('counts refusals by agent and reason', async () => {
    const count = async () => {
      const { text } = await app.request('GET', '/metrics');
      const line = /^switchboard_rate_limit_refusals_total\{agent="git_mcp",reason="hourly"\} (\d+)$/m.exec(
        text,
      );
      return Number(line?.[1] ?? 0);
    };
    const before = await count();
    const limits = { hourly: 0, daily: 1 };
    await refusalOf(app, admissionRequest(userId, { limits, agentType: 'git_mcp' }));
    expect(await count()).toBe(before + 1);
    expect(app.log()).toContain('A turn was not admitted.');
  });

  it('does not accept an invalid cost', async () => {
    for (const expectedCost of [-1, Number.NaN, Number.POSITIVE_INFINITY, '', 'a lot']) {
      await expect(admit(app, admissionRequest(userId, { expectedCost }))).rejects.toThrow(RangeError);
    }
    expect(await usedOf(app, userId)).toEqual({ hourly: 0, daily: 0 });
  });

  it('is refused for deleted users', async () => {
    await expect(admit(app, admissionRequest(randomUUID()))).rejects.toMatchObject({
      code: '23503',
    });
  });
});

describe('admission in a database of another time zone', () => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await createTestDatabase();
    const [{ name }] = (await database.query('select current_database() as name')) as [{ name: string }];
    await database.query(`alter database ${name} set timezone = 'Asia/Kolkata'`);
    app = await startTestApp({}, { database });
  });

  afterAll(async () => {
    await app?.close();
    await database?.drop();
  });

  it('counts in hours and days of UTC', async () => {
    const userId = randomUUID();
    await database.query('insert into auth.users (id) values ($1)', [userId]);
    const { headers } = await admit(app, admissionRequest(userId, { limits: { hourly: 10, daily: 5 } }));
    const windows = await database.query(
      `select limit_type as type, period_start as start, period_end as "end" from rate_limit_tracking order by 1`,
    );
    const [day, hour] = windows as Array<{ start: Date; end: Date }>;
    expect(day!.start.toISOString()).toMatch(/T00:00:00.000Z$/);
    expect(day!.end.getTime() - day!.start.getTime()).toBe(24 * 3_600_000);
    expect(hour!.start.toISOString()).toMatch(/:00:00.000Z$/);
    expect(hour!.end.getTime() - hour!.start.getTime()).toBe(3_600_000);
    expect(Math.abs(Number(headers['RateLimit-Reset']) - (await secondsLeft(database)).day)).toBeLessThan(5);
  });
});
