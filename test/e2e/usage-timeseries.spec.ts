import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';
import { sentStatements } from '../support/statements.js';
import { addCalls, type Figures, foldUsage, NO_FIGURES, sumRows } from '../support/usage-rows.js';

interface Point extends Figures {
  start: string;
  end: string;
  groups?: Array<Figures & Record<string, unknown>>;
}

interface Series {
  from: string;
  to: string;
  tz: string;
  interval: string;
  points: Point[];
}

/** For each, the number of points, as the calendar has it. */
const SERIES: Array<[tz: string, interval: string, from: string, to: string, points: number]> = [
  ['UTC', 'day', '2026-01-01', '2027-01-01', 365],
  ['Europe/Berlin', 'day', '2026-03-20', '2026-04-05', 16],
  ['Europe/Berlin', 'hour', '2026-03-29', '2026-03-30', 23],
  ['Europe/Berlin', 'hour', '2026-10-25', '2026-10-26', 25],
  ['America/New_York', 'hour', '2026-11-01', '2026-11-02', 25],
  ['America/New_York', 'week', '2026-03-05T12:34:56.789', '2026-04-01', 5],
  ['Asia/Kolkata', 'day', '2026-05-01', '2026-06-01', 31],
  ['Asia/Kolkata', 'hour', '2026-05-04T23:10', '2026-05-05T09:05', 11],
  ['Asia/Kathmandu', 'month', '2026-01-15', '2026-12-01', 11],
  ['Australia/Lord_Howe', 'day', '2026-04-03', '2026-04-08', 5],
  ['Australia/Lord_Howe', 'day', '2026-10-02', '2026-10-07', 5],
  ['UTC', 'hour', '2026-05-05T10:07', '2026-05-05T10:20', 1],
];

const GROUPS: Record<string, string[]> = {
  agentType: ['agentType'],
  model: ['model', 'provider'],
  provider: ['provider'],
  status: ['status'],
};

const keyOf = (row: Record<string, unknown>, keys: string[]) => JSON.stringify(keys.map((key) => row[key]));

describe('the time series of usage', () => {
  let app: TestApp;
  let admin: TestUser;
  let user: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
    user = await app.createUser();
    const userIds = [admin.id, user.id, (await app.createUser()).id];
    await addCalls(app.database, {
      userIds,
      count: 6_000,
      from: '2025-12-20T00:00:00Z',
      to: '2027-01-05T00:00:00Z',
    });
    const days = ['2026-03-29', '2026-10-25', '2026-11-01', '2026-05-05', '2026-04-05', '2026-10-04'];
    for (const [index, day] of days.entries()) {
      const noon = Date.parse(`${day}T12:00:00Z`);
      const [from, to] = [noon - 30 * 3_600_000, noon + 30 * 3_600_000].map((at) =>
        new Date(at).toISOString(),
      );
      await addCalls(app.database, { userIds, count: 300, from: from!, to: to!, seed: index + 1 });
    }
  });

  afterAll(() => app.close());

  const get = async (path: string, reader: TestUser): Promise<Series> => {
    const { status, body } = await app.request('GET', path, { user: reader });
    expect({ path, status }).toEqual({ path, status: 200 });
    return body as Series;
  };

  /** The figures of the rows, grouped by PostgreSQL's own days, weeks and months. */
  async function expectPoints(
    { from, to, tz, interval, points }: Series,
    userId?: string,
    groupBy?: string,
    where?: string,
  ) {
    expect([points[0]!.start, points.at(-1)!.end]).toEqual([from, to]);
    for (const [index, { start }] of points.entries()) {
      if (index > 0) expect(start).toBe(points[index - 1]!.end);
    }
    // An hour that occurs twice is identified by its start in UTC.
    const label = (time: string) =>
      interval === 'hour'
        ? `date_trunc('hour', ${time} at time zone '${tz}') + (${time} at time zone 'UTC' - ${time} at time zone '${tz}')`
        : `date_trunc('${interval}', ${time} at time zone '${tz}')`;
    const labels = await app.database.query(
      `select (${label('start')})::text as label from unnest($1::timestamptz[]) with ordinality as point (start, n) order by n`,
      [points.map(({ start }) => start)],
    );
    expect(new Set(labels.map((row) => row.label)).size).toBe(points.length);
    const sums = { from, to, userId, label: label('request_timestamp'), where };
    const wholes = new Map((await sumRows(app.database, sums)).map((row) => [row['label'], row]));
    const by = groupBy ? GROUPS[groupBy]! : [];
    const rows = groupBy ? await sumRows(app.database, { ...sums, by }) : [];
    const groups = new Map(rows.map((row) => [`${String(row['label'])} ${keyOf(row, by)}`, row]));
    const names = [...new Set(rows.map((row) => keyOf(row, by)))].sort();
    for (const [index, { start, end: _, groups: found, ...figures }] of points.entries()) {
      const { label } = labels[index]!;
      expect({ start, ...figures }).toEqual({ start, ...strip(wholes.get(label) ?? NO_FIGURES, ['label']) });
      if (!groupBy) {
        expect(found).toBeUndefined();
        continue;
      }
      expect(found!.map((group) => keyOf(group, by)).sort()).toEqual(names);
      for (const group of found!) {
        const expected = groups.get(`${label} ${keyOf(group, by)}`) ?? NO_FIGURES;
        expect({ start, ...strip(group, by) }).toEqual({ start, ...strip(expected, ['label', ...by]) });
      }
    }
    return points.some(({ calls }) => calls > 0);
  }

  function strip(row: object, keys: string[]): Record<string, unknown> {
    return Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key)));
  }

  async function expectAllPoints(): Promise<void> {
    for (const [index, [tz, interval, from, to, count]] of SERIES.entries()) {
      const groupBy = [undefined, ...Object.keys(GROUPS)][index % 5];
      const query = `?tz=${tz}&interval=${interval}&from=${from}&to=${to}${groupBy ? `&groupBy=${groupBy}` : ''}`;
      const all = await get(`/api/admin/usage/timeseries${query}`, admin);
      expect([tz, interval, all.points.length]).toEqual([tz, interval, count]);
      // A quarter hour may have none.
      expect((await expectPoints(all, undefined, groupBy)) || count === 1).toBe(true);
      await expectPoints(await get(`/api/usage/timeseries${query}`, user), user.id, groupBy);
      await expectPoints(
        await get(`/api/admin/usage/timeseries${query}&userId=${user.id}`, admin),
        user.id,
        groupBy,
      );
    }
  }

  it('equals the rows in every point, in every time zone, whatever is in the rollups yet', async () => {
    await expectAllPoints();
    await app.database.query(
      `update usage_logs set total_cost = 0, metadata = '{"status": "error"}' where abs(hashtext(id::text)) % 5 = 0`,
    );
    await app.database.query(`delete from usage_logs where abs(hashtext(id::text)) % 6 = 0`);
    await expectAllPoints();
    await foldUsage(app.database);
    await expectAllPoints();
  });

  it('is filtered by kind', async () => {
    const kinds = [
      [
        'model=google/flash&status=error',
        `provider = 'google' and model_used = 'flash' and status = 'error'`,
      ],
      ['agentType=git_mcp&provider=openai', `agent_type = 'git_mcp' and provider = 'openai'`],
    ] as const;
    for (const [kind, where] of kinds) {
      const query = `?tz=Asia/Kolkata&from=2026-05-01&to=2026-07-01&groupBy=model&${kind}`;
      const all = await get(`/api/admin/usage/timeseries${query}`, admin);
      expect(await expectPoints(all, undefined, 'model', where)).toBe(true);
      await expectPoints(await get(`/api/usage/timeseries${query}`, user), user.id, 'model', where);
    }
  });

  it('shows every group in every point, in one order', async () => {
    const query = '?from=2026-05-01&to=2026-05-08&groupBy=model';
    const { points, interval } = await get(`/api/admin/usage/timeseries${query}`, admin);
    expect(interval).toBe('day');
    const names = points.map(({ groups }) =>
      groups!.map(({ model, provider }) => `${String(provider)}/${String(model)}`),
    );
    for (const one of names) expect(one).toEqual(names[0]);
    expect(new Set(names[0]).size).toBe(names[0]!.length);
    expect(points.some(({ groups }) => groups!.some(({ calls }) => calls === 0))).toBe(true);
  });

  it('has points without usage', async () => {
    const newcomer = await app.createUser();
    const { points } = await get(
      '/api/usage/timeseries?from=2026-05-01&to=2026-05-04&groupBy=status',
      newcomer,
    );
    expect(points).toEqual(
      ['2026-05-01', '2026-05-02', '2026-05-03'].map((day) => ({
        ...NO_FIGURES,
        start: `${day}T00:00:00.000Z`,
        end: new Date(Date.parse(day) + 86_400_000).toISOString(),
        groups: [],
      })),
    );
  });

  it('is of thirty days, day by day, by default', async () => {
    const { points, interval, tz } = await get('/api/usage/timeseries', user);
    expect({ interval, tz, points: points.length }).toEqual({ interval: 'day', tz: 'UTC', points: 30 });
  });

  it('takes one statement', async () => {
    const sent = await sentStatements(() => get('/api/admin/usage/timeseries?groupBy=agentType', admin));
    expect(sent.verbs).toEqual(['begin', 'select', 'with', 'commit']);
    expect(sent.roundTrips).toBe(1);
  });

  it.each([
    ['interval=minute', 'interval'],
    ['interval=', 'interval'],
    ['interval=hour&from=2026-01-01&to=2026-06-01', 'interval'],
    ['interval=day&from=1970-01-01&to=2999-12-31', 'interval'],
    ['groupBy=userId', 'groupBy'],
    ['groupBy=model&groupBy=status', 'groupBy'],
    ['tz=Nowhere', 'tz'],
    ['from=2026-05-02&to=2026-05-01', 'to'],
    ['limit=1', 'limit'],
  ])('refuses ?%s', async (query, path) => {
    const response = await app.request('GET', `/api/usage/timeseries?${query}`, { user });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });
});
