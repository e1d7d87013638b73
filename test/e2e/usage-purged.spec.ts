import pg from 'pg';
import { purgeUsage } from '../../src/modules/usage/rollup/purge-usage.js';
import { UsageUpkeepRepository } from '../../src/modules/usage/rollup/usage-upkeep.repository.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { addCalls, foldUsage } from '../support/usage-rows.js';

/** On quarter hours, within the purged time, across its edge and after it. */
const REPORTS = [
  'summary?from=2026-01-01&to=2026-12-01',
  'summary?from=2026-02-03T04:15&to=2026-08-09T10:45&tz=Asia/Kolkata',
  'summary?from=2026-06-29&to=2026-07-03&tz=Europe/Berlin',
  'summary?from=2026-03-05T06:00Z&to=2026-03-05T06:15Z',
  'timeseries?from=2026-02-01&to=2026-09-01&interval=day&tz=America/New_York&groupBy=agentType',
  'timeseries?from=2026-06-30&to=2026-07-02&interval=hour&tz=Asia/Kathmandu&groupBy=status',
  'timeseries?from=2026-01-01&to=2026-12-01&interval=month&tz=Pacific/Auckland&groupBy=model',
  // Outside of the purged time, any time works.
  'summary?from=2026-08-01T10:07:11.123&to=2026-09-15T10:20:01',
];

describe('usage whose rows were purged', () => {
  let app: TestApp;
  let client: pg.Client;
  let admin: TestUser;
  let users: TestUser[];

  beforeAll(async () => {
    app = await startTestApp();
    client = new pg.Client(app.database.url);
    await client.connect();
    admin = await app.createUser({ role: 'admin' });
    users = [admin, await app.createUser(), await app.createUser()];
    const calls = {
      userIds: users.map(({ id }) => id),
      from: '2025-12-01T00:00:00Z',
      to: '2026-12-10T00:00:00Z',
    };
    await addCalls(app.database, { ...calls, count: 4_000 });
    await addCalls(app.database, {
      ...calls,
      count: 600,
      seed: 1,
      from: '2026-06-30T00:00:00Z',
      to: '2026-07-02T00:00:00Z',
    });
  });

  afterAll(async () => {
    await client.end();
    await app.close();
  });

  const get = async (path: string, user: TestUser) => {
    const { status, body } = await app.request('GET', path, { user });
    expect({ path, status }).toEqual({ path, status: 200 });
    return body;
  };

  async function allReports(): Promise<unknown[]> {
    const answers = [];
    for (const report of REPORTS) {
      answers.push(await get(`/api/admin/usage/${report}`, admin));
      answers.push(await get(`/api/admin/usage/${report}&userId=${users[1]!.id}`, admin));
      answers.push(await get(`/api/usage/${report}`, users[2]!));
    }
    return answers;
  }

  it('is reported as before', async () => {
    const before = await allReports();
    const purged = await purgeUsage(new UsageUpkeepRepository(client), new Date('2026-07-01T12:15:00Z'), {
      batch: 500,
    });
    expect(purged).toBeGreaterThan(1_000);
    const left = await app.database.query(
      `select count(*)::int as count from usage_logs
        where request_timestamp < '2026-07-01T12:15Z' and response_timestamp is not null`,
    );
    expect(left[0].count).toBe(0);
    expect(await allReports()).toEqual(before);
    await foldUsage(app.database);
    expect(await allReports()).toEqual(before);
    await app.database.query('select switchboard.rebuild_usage()');
    expect(await allReports()).toEqual(before);
  });

  it('counts at the start of its quarter hour, for all users in the same way', async () => {
    for (const query of [
      'from=2026-06-30T10:07:12&to=2026-06-30T17:50:13',
      'from=2026-03-01T00:01&to=2026-03-01T00:14',
      'from=2026-03-01T00:01&to=2026-05-20T13:31&tz=Europe/Berlin',
    ]) {
      const all = await get(`/api/admin/usage/summary?${query}`, admin);
      const each = await Promise.all(
        users.map(({ id }) => get(`/api/admin/usage/summary?${query}&userId=${id}`, admin)),
      );
      for (const figure of ['calls', 'errors', 'totalTokens', 'totalCost']) {
        const sum = (of: (summary: Record<string, number>) => number | undefined) =>
          each.reduce((total: number, summary) => total + (of(summary as Record<string, number>) ?? 0), 0);
        expect([query, figure, all[figure]]).toEqual([
          query,
          figure,
          expect.closeTo(
            sum((one) => one[figure]),
            6,
          ),
        ]);
        const before = sum((one) => (one['previous'] as unknown as Record<string, number>)[figure]);
        expect([query, figure, all.previous[figure]]).toEqual([query, figure, expect.closeTo(before, 6)]);
      }
      const byUser = each.flatMap((summary) => summary.byUser as Array<{ totalCost: number }>);
      expect(all.byUser).toEqual(byUser.toSorted((a, b) => b.totalCost - a.totalCost));
    }
  });

  it('is deleted with its user', async () => {
    const query = 'from=2026-01-01&to=2026-12-01';
    const [all, gone] = [
      await get(`/api/admin/usage/summary?${query}`, admin),
      await get(`/api/admin/usage/summary?${query}&userId=${users[2]!.id}`, admin),
    ];
    await app.database.query('delete from auth.users where id = $1', [users[2]!.id]);
    for (const isFolded of [false, true]) {
      if (isFolded) await foldUsage(app.database);
      const left = await get(`/api/admin/usage/summary?${query}`, admin);
      expect(left.calls).toBe(all.calls - gone.calls);
      expect(left.totalCost).toBeCloseTo(all.totalCost - gone.totalCost, 6);
      expect(left.byUser).toEqual(
        all.byUser.filter(({ userId }: { userId: string }) => userId !== users[2]!.id),
      );
    }
  });
});
