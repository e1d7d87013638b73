import { randomUUID } from 'node:crypto';
import { periodBefore, periodOf } from '../../src/modules/usage/reports/period.js';
import { UsageSumsRepository } from '../../src/modules/usage/reports/usage-sums.repository.js';
import { insertUsageLog } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';
import { planOf, type PlanNode, rowsReadOf } from '../support/query-plan.js';
import { sentStatements } from '../support/statements.js';
import { addCalls, type Figures, foldUsage, NO_FIGURES, sumRows } from '../support/usage-rows.js';

/** Periods of all kinds. The last ones are cut inside a bucket. */
const PERIODS: Array<[tz: string, from: string, to: string]> = [
  ['UTC', '2026-01-01', '2026-12-01'],
  ['UTC', '2026-02-01', '2026-03-01'],
  ['Europe/Berlin', '2026-03-28', '2026-03-31'],
  ['Europe/Berlin', '2026-10-25', '2026-10-26'],
  ['America/New_York', '2026-03-01', '2026-11-02'],
  ['Asia/Kolkata', '2026-05-01', '2026-06-01'],
  ['Asia/Kathmandu', '2026-05-03', '2026-05-20'],
  ['Australia/Lord_Howe', '2026-04-05', '2026-04-12'],
  ['Europe/Berlin', '2026-03-10T10:07:12.345Z', '2026-07-02T03:59:59.999Z'],
  ['UTC', '2026-05-05T10:07', '2026-05-06T10:20'],
  ['UTC', '2026-05-05T10:14:59.999', '2026-05-05T10:15:00.001'],
  ['UTC', '2026-05-04T23:50', '2026-05-05T00:10'],
];

interface Summary extends Figures {
  from: string;
  to: string;
  tz: string;
  byAgent: Array<Figures & { agentType: string }>;
  byModel: Array<Figures & { model: string; provider: string }>;
  byUser?: Array<Figures & { userId: string; email: string | null }>;
  previous: Figures & { from: string; to: string };
}

const byKey = (rows: Array<Record<string, unknown>>) =>
  rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();

describe('the summary of usage', () => {
  let app: TestApp;
  let admin: TestUser;
  let users: TestUser[];

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
    users = [admin, await app.createUser(), await app.createUser(), await app.createUser()];
    const calls = {
      userIds: users.map(({ id }) => id),
      from: '2025-12-01T00:00:00Z',
      to: '2026-12-10T00:00:00Z',
    };
    // Enough to update the rollups directly, and some that are still pending.
    await addCalls(app.database, { ...calls, count: 9_000 });
    await addCalls(app.database, { ...calls, count: 1_000, seed: 1 });
    await addCalls(app.database, {
      ...calls,
      count: 1_500,
      seed: 2,
      from: '2026-05-04T22:00:00Z',
      to: '2026-05-05T11:00:00Z',
    });
  });

  afterAll(() => app.close());

  const get = async (path: string, user: TestUser): Promise<Summary> => {
    const { status, body } = await app.request('GET', path, { user });
    expect({ path, status }).toEqual({ path, status: 200 });
    return body as Summary;
  };
  const withoutLabel = ({ label: _, ...row }: Record<string, unknown>) => row;

  /** Every figure equals the rows of the returned period. */
  async function expectSums(summary: Summary, userId?: string, where?: string): Promise<void> {
    const { from, to, tz: _, byAgent, byModel, byUser, previous, ...figures } = summary;
    const rows = async (by: string[]) =>
      (await sumRows(app.database, { from, to, userId, by, where })).map(withoutLabel);
    expect(figures).toEqual((await rows([]))[0] ?? NO_FIGURES);
    expect(byKey(byAgent as never)).toEqual(byKey(await rows(['agentType'])));
    expect(byKey(byModel as never)).toEqual(byKey(await rows(['model', 'provider'])));
    const { from: start, to: end, ...before } = previous;
    expect(end).toBe(from);
    const [rowsBefore] = await sumRows(app.database, { from: start, to: end, userId, where });
    expect(before).toEqual(rowsBefore ? withoutLabel(rowsBefore) : NO_FIGURES);
    for (const list of [byAgent, byModel, byUser ?? []]) {
      const costs = list.map(({ totalCost }) => totalCost);
      expect(costs).toEqual(costs.toSorted((a, b) => b - a));
    }
    if (byUser) {
      const emails = new Map(users.map(({ id, email }) => [id, email]));
      const expected = (await rows(['userId'])).map((row) => ({
        ...row,
        email: emails.get(row['userId'] as string),
      }));
      expect(byKey(byUser as never)).toEqual(byKey(expected));
    }
  }

  async function expectAllSums(): Promise<void> {
    for (const [tz, from, to] of PERIODS) {
      const query = `?tz=${encodeURIComponent(tz)}&from=${from}&to=${to}`;
      await expectSums(await get(`/api/admin/usage/summary${query}`, admin));
      await expectSums(
        await get(`/api/admin/usage/summary${query}&userId=${users[1]!.id}`, admin),
        users[1]!.id,
      );
      for (const user of [users[2]!, admin])
        await expectSums(await get(`/api/usage/summary${query}`, user), user.id);
    }
  }

  it('equals the rows, whatever is in the rollups yet', async () => {
    await expectAllSums();
    await foldUsage(app.database);
    await expectAllSums();
  });

  it('equals the rows after changes of all kinds', async () => {
    const changes = [
      `update usage_logs set total_cost = total_cost + 0.000001, metadata = '{"status": "error"}'
        where abs(hashtext(id::text)) % 9 = 0 and response_timestamp is not null`,
      `update usage_logs set response_timestamp = now(), output_tokens = output_tokens + 7 where response_timestamp is null
         and abs(hashtext(id::text)) % 2 = 0`,
      `update usage_logs set request_timestamp = request_timestamp + interval '40 days', user_id = '${users[3]!.id}'
        where abs(hashtext(id::text)) % 11 = 0`,
      `delete from usage_logs where abs(hashtext(id::text)) % 7 = 0`,
      `delete from usage_logs where agent_type = 'routing' and user_id <> '${users[2]!.id}'`,
    ];
    for (const change of changes) await app.database.query(change);
    await expectAllSums();
    await foldUsage(app.database);
    await expectAllSums();
  });

  it.each([
    ['agentType=artifact', `agent_type = 'artifact'`],
    ['model=gemini-2.5-flash', `model_used = 'gemini-2.5-flash'`],
    ['model=google/flash', `provider = 'google' and model_used = 'flash'`],
    ['provider=openai&status=error', `provider = 'openai' and status = 'error'`],
    ['status=success', `status = 'success'`],
    ['status=running&agentType=chat', `status = 'running' and agent_type = 'chat'`],
  ])('is filtered by kind (%s)', async (kind, where) => {
    for (const [tz, from, to] of PERIODS.slice(-6)) {
      const query = `?tz=${encodeURIComponent(tz)}&from=${from}&to=${to}&${kind}`;
      await expectSums(await get(`/api/admin/usage/summary${query}`, admin), undefined, where);
      await expectSums(await get(`/api/usage/summary${query}`, users[1]!), users[1]!.id, where);
    }
  });

  it('is of the last thirty days by default', async () => {
    await insertUsageLog(app.database, users[1]!.id, { total_cost: '1.5' });
    for (const [path, userId] of [
      ['/api/usage', users[1]!.id],
      ['/api/admin/usage', undefined],
    ] as const) {
      const summary = await get(`${path}/summary?tz=Asia/Kolkata`, userId ? users[1]! : admin);
      await expectSums(summary, userId);
      const days = (Date.parse(summary.to) - Date.parse(summary.from)) / 86_400_000;
      expect(days).toBeGreaterThan(29);
      expect(days).toBeLessThanOrEqual(30);
      expect(summary.from).toMatch(/T18:30:00\.000Z$/);
      expect(summary.tz).toBe('Asia/Kolkata');
      expect(summary.calls).toBeGreaterThan(0);
    }
  });

  it('lists the users with the highest cost', async () => {
    const query = '?from=2026-01-01&to=2026-12-01';
    const all = await get(`/api/admin/usage/summary${query}`, admin);
    expect(all.byUser).toHaveLength(4);
    const top = await get(`/api/admin/usage/summary${query}&top=2`, admin);
    expect(top).toEqual({ ...all, byUser: all.byUser!.slice(0, 2) });
    const one = await get(`/api/admin/usage/summary${query}&userId=${users[3]!.id.toUpperCase()}`, admin);
    expect(one.byUser).toEqual([all.byUser!.find(({ userId }) => userId === users[3]!.id)]);
    expect(one.byUser![0]!.totalCost).toBe(one.totalCost);
    const nobody = await get(`/api/admin/usage/summary${query}&userId=${randomUUID()}`, admin);
    expect(nobody).toMatchObject({ ...NO_FIGURES, byAgent: [], byModel: [], byUser: [] });
  });

  it('takes one statement, and another one for email addresses', async () => {
    await get('/api/admin/usage/summary', admin);
    const all = await sentStatements(() => get('/api/admin/usage/summary?from=2026-01-01', admin));
    expect(all.verbs).toEqual(['begin', 'select', 'with', 'commit', 'select']);
    expect(all.roundTrips).toBe(2);
    const own = await sentStatements(() => get('/api/usage/summary?from=2026-01-01', admin));
    expect(own.verbs).toEqual(['begin', 'select', 'with', 'commit']);
    expect(own.roundTrips).toBe(1);
  });

  it('of all users is read without their rows, except where no bucket fits', async () => {
    const [{ open }] = await app.database.query(
      'select count(*)::int as open from usage_logs where response_timestamp is null',
    );
    expect(await rowsRead('2026-06-01', '2026-12-01')).toBeLessThanOrEqual(open);
    // Reads rows of an hour or two, and of a day or two.
    expect(await rowsRead('2026-06-01T10:07', '2026-12-01T01:01')).toBeLessThanOrEqual(open + 30);
    const top = { top: 10 };
    expect(await rowsRead('2026-06-01T10:07', '2026-12-01T01:01', top)).toBeLessThanOrEqual(2 * open + 200);
  });

  it('of one user is read without their rows, except for partial days', async () => {
    const one = { userId: users[1]!.id };
    const [{ open }] = await app.database.query(
      'select count(*)::int as open from usage_logs where response_timestamp is null',
    );
    expect(await rowsRead('2026-06-01', '2026-12-01', one)).toBeLessThanOrEqual(open);
    // Reads at most their rows of a day and a half.
    expect(await rowsRead('2026-06-01T10:07', '2026-12-01T01:01', one)).toBeLessThanOrEqual(open + 60);
  });

  async function rowsRead(
    from: string,
    to: string,
    of: { userId?: string; top?: number } = {},
  ): Promise<number> {
    let plan: PlanNode | undefined;
    const statements = {
      query: async <T>(text: string, parameters?: unknown[]) => {
        plan = await planOf(app.database, text, parameters);
        return [] as T;
      },
    };
    const period = periodOf({ from, to, tz: 'UTC' });
    const previous = periodBefore(period);
    await new UsageSumsRepository().summarize(statements, { period, previous, ...of });
    return rowsReadOf('usage_logs', plan!);
  }

  it('is empty for users without usage, even if others have some', async () => {
    const newcomer = await app.createUser();
    const summary = await get('/api/usage/summary?from=2026-01-01&to=2026-12-01', newcomer);
    expect(summary).toEqual({
      ...NO_FIGURES,
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-12-01T00:00:00.000Z',
      tz: 'UTC',
      byAgent: [],
      byModel: [],
      previous: { ...NO_FIGURES, from: '2025-02-01T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' },
    });
  });

  it.each([
    ['from=2026-03-01&to=2026-03-01', 'to'],
    ['from=2026-03-02T00:00:00Z&to=2026-03-01', 'to'],
    ['from=2999-01-01', 'from'],
    ['from=yesterday', 'from'],
    ['from=0001-01-01', 'from'],
    ['from=2026-03-01&from=2026-03-02', 'from'],
    ['to=2026-02-30', 'to'],
    ['tz=Mars/Olympus', 'tz'],
    ['tz=', 'tz'],
    ['tz=%2B02:00', 'tz'],
    ['userId=me', 'userId'],
    ['top=0', 'top'],
    ['top=101', 'top'],
    ['interval=day', 'interval'],
    ['agentType=root', 'agentType'],
    ['status=unknown', 'status'],
    ['model=', 'model'],
  ])('refuses ?%s', async (query, path) => {
    const response = await app.request('GET', `/api/admin/usage/summary?${query}`, { user: admin });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });

  it('of others is only for administrators', async () => {
    for (const route of ['summary', 'timeseries', 'logs', 'export', 'projection']) {
      const path = `/api/admin/usage/${route}`;
      expectProblem(await app.request('GET', path, { user: users[1] }), 403, 'forbidden');
      expectProblem(await app.request('GET', path), 401, 'unauthenticated');
      expectProblem(await app.request('GET', `/api/usage/${route}`), 401, 'unauthenticated');
      const own = await app.request('GET', `/api/usage/${route}?userId=${users[2]!.id}`, { user: users[1] });
      expectProblem(own, 400, 'validation_failed');
    }
  });
});
