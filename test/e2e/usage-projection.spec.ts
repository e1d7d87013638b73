import { insertUsageLog } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';
import { foldUsage } from '../support/usage-rows.js';

const TZ = 'Pacific/Auckland';

describe('the projection of usage', () => {
  let app: TestApp;
  let admin: TestUser;
  let steady: TestUser;
  let recent: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
    [steady, recent] = [await app.createUser(), await app.createUser()];
    // Every day costs a cent more, with some variation. Today is not complete, and is ignored.
    await app.database.query(
      `insert into usage_logs (user_id, agent_type, model_used, provider, total_cost, request_timestamp, response_timestamp)
       select $1, 'chat', 'm', 'p', case when day = 0 then 500 else 1.000001 + 0.01 * (40 - day) + 0.002 * (day % 3) end,
              (date_trunc('day', now() at time zone $2) - interval '1 day' * day) at time zone $2, now()
         from generate_series(0, 40) day`,
      [steady.id, TZ],
    );
    const daysAgo = async (days: number, cost: string) => {
      const [row] = await app.database.query(
        `select (date_trunc('day', now() at time zone $1) - $2::int * interval '1 day' + interval '23 hours') at time zone $1 as at`,
        [TZ, days],
      );
      const at = (row.at as Date).toISOString();
      await insertUsageLog(app.database, recent.id, {
        total_cost: cost,
        request_timestamp: at,
        response_timestamp: at,
      });
    };
    await daysAgo(3, '1');
    await daysAgo(1, '5');
  });

  afterAll(() => app.close());

  const get = async (path: string, user: TestUser) => {
    const { status, body } = await app.request('GET', path, { user });
    expect({ path, status }).toEqual({ path, status: 200 });
    return body;
  };

  /** The line that PostgreSQL computes for the days. */
  async function lineOf(userId: string | null) {
    const [row] = await app.database.query(
      `with costs as (
         select 28 - day as x, coalesce(sum(total_cost), 0) as y
           from generate_series(1, 28) day
           left join usage_logs on ($1::uuid is null or user_id = $1)
            and date_trunc('day', request_timestamp at time zone $2)
                = date_trunc('day', now() at time zone $2) - interval '1 day' * day
          group by day
       ), line as (select regr_slope(y, x) as slope, regr_intercept(y, x) as start, sum(y) as total, avg(y) as average from costs)
       select line.*, (select sum(greatest(0, start + slope * (28 + ahead))) from generate_series(0, 9) ahead) as projected
         from line`,
      [userId, TZ],
    );
    return {
      slope: Number(row.slope),
      total: Number(row.total),
      average: Number(row.average),
      projected: Number(row.projected),
    };
  }

  it('continues the line of the last 28 complete days', async () => {
    const dayStart = async (days: number) => {
      const [row] = await app.database.query(
        `select (date_trunc('day', now() at time zone $1) + $2::int * interval '1 day') at time zone $1 as at`,
        [TZ, days],
      );
      return (row.at as Date).toISOString();
    };
    for (const isFolded of [false, true]) {
      if (isFolded) await foldUsage(app.database);
      const readers = [
        [`/api/usage/projection?`, steady, steady.id],
        [`/api/admin/usage/projection?userId=${steady.id}&`, admin, steady.id],
        [`/api/admin/usage/projection?`, admin, null],
      ] as const;
      for (const [path, user, userId] of readers) {
        const line = await lineOf(userId);
        const body = await get(`${path}days=10&tz=${TZ}`, user);
        expect(body).toEqual({
          from: await dayStart(0),
          to: await dayStart(10),
          tz: TZ,
          days: 10,
          method: expect.stringMatching(/^Least squares: .* 28 complete days/),
          basis: {
            from: await dayStart(-28),
            to: await dayStart(0),
            days: 28,
            totalCost: Number(line.total.toFixed(6)),
          },
          averageDailyCost: Number(line.average.toFixed(6)),
          trendPerDay: expect.closeTo(line.slope, 5),
          projectedCost: expect.closeTo(line.projected, 5),
          low: expect.any(Number),
          high: expect.any(Number),
        });
        expect(body.low).toBeLessThan(body.projectedCost);
        expect(body.high).toBeGreaterThan(body.projectedCost);
        expect(JSON.stringify(body)).not.toMatch(/\.\d{7}/);
      }
    }
    expect((await lineOf(steady.id)).slope).toBeGreaterThan(0.005);
  });

  it('uses the average of the days since the first call, if there are few', async () => {
    const body = await get(`/api/usage/projection?days=7&tz=${TZ}`, recent);
    expect(body).toMatchObject({
      days: 7,
      method: expect.stringMatching(/^The average of the 3 complete days/),
      basis: { days: 3, totalCost: 6 },
      averageDailyCost: 2,
      trendPerDay: 0,
      projectedCost: 14,
      low: 0,
    });
    expect(body.high).toBeGreaterThan(14);
  });

  it('is empty without usage, with a reason', async () => {
    const newcomer = await app.createUser();
    const nothing = { projectedCost: 0, averageDailyCost: 0, basis: { days: 0, totalCost: 0 } };
    const message = { method: expect.stringMatching(/no complete day/) };
    expect(await get('/api/usage/projection', newcomer)).toMatchObject({
      days: 30,
      tz: 'UTC',
      ...nothing,
      ...message,
    });
    // Calls of today are not in a complete day.
    await insertUsageLog(app.database, newcomer.id, { total_cost: '3' });
    expect(await get('/api/usage/projection?days=365', newcomer)).toMatchObject({ days: 365, ...nothing });
  });

  it.each([
    ['days=0', 'days'],
    ['days=366', 'days'],
    ['days=week', 'days'],
    ['tz=Nowhere', 'tz'],
    ['from=2026-01-01', 'from'],
  ])('refuses ?%s', async (query, path) => {
    const response = await app.request('GET', `/api/usage/projection?${query}`, { user: steady });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });
});
