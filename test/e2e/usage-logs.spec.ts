import { insertChat, insertUsageLog } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { storedId } from '../support/client-ids.js';
import { expectProblem, readAllPages } from '../support/expectations.js';
import { sentStatements } from '../support/statements.js';
import { addCalls } from '../support/usage-rows.js';

/** The columns that rows are ordered by, as SQL. */
const SORTS: Record<string, string> = {
  requestTimestamp: 'request_timestamp',
  agentType: 'agent_type',
  modelUsed: 'model_used',
  provider: 'provider',
  inputTokens: 'input_tokens',
  outputTokens: 'output_tokens',
  totalTokens: 'total_tokens',
  inputCost: 'input_cost',
  outputCost: 'output_cost',
  totalCost: 'total_cost',
  durationMs: 'coalesce(duration_ms, -1)',
  status: `case when response_timestamp is null then 'running' else left(coalesce(metadata ->> 'status', 'success'), 16) end`,
};

interface Log {
  id: string;
  userId: string;
}

const idsOf = (items: Log[]) => items.map(({ id }) => id);

describe('the logs of usage', () => {
  let app: TestApp;
  let admin: TestUser;
  let user: TestUser;
  let other: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
    [user, other] = [await app.createUser(), await app.createUser()];
    const userIds = [admin, user, other].map(({ id }) => id);
    const period = { from: '2026-03-01T00:00:00Z', to: '2026-03-03T00:00:00Z' };
    await addCalls(app.database, { userIds, count: 400, ...period });
    // Values that many rows share: only the id distinguishes these.
    await app.database.query(
      `update usage_logs set total_cost = 0.5, input_cost = 0.25, output_cost = 0.25, input_tokens = 7, output_tokens = 3,
              total_tokens = 10 where abs(hashtext(id::text)) % 3 = 0`,
    );
    await app.database.query(
      `update usage_logs set duration_ms = 1000, request_timestamp = '2026-03-01T12:00:00Z'
        where abs(hashtext(id::text)) % 4 = 0 and duration_ms is not null`,
    );
  });

  afterAll(() => app.close());

  const expected = async (where: string, order = 'request_timestamp desc, id desc'): Promise<string[]> =>
    (await app.database.query(`select id from usage_logs where ${where} order by ${order}`)).map(
      ({ id }) => id as string,
    );
  const readAll = async (path: string, reader: TestUser): Promise<Log[]> =>
    (await readAllPages(app, reader, path)).flat() as Log[];
  const own = () => `user_id = '${user.id}'`;

  it('show the details of a call', async () => {
    const solo = await app.createUser();
    const chatId = await insertChat(app.database, solo.id);
    const ended = await insertUsageLog(app.database, solo.id, {
      chat_id: chatId,
      agent_type: 'artifact',
      input_tokens: 1204,
      output_tokens: 286,
      total_tokens: 1490,
      input_cost: '0.000361',
      output_cost: '0.000715',
      total_cost: '0.001076',
      request_timestamp: '2026-03-28T08:15:30.123Z',
      response_timestamp: '2026-03-28T08:15:33.456Z',
      duration_ms: 3333,
      metadata: { status: 'aborted', purpose: 'answer' },
    });
    const running = await insertUsageLog(app.database, solo.id, {
      request_timestamp: '2026-03-28T08:15:30.124Z',
      metadata: { status: 'error' },
    });
    const bare = await insertUsageLog(app.database, solo.id, {
      request_timestamp: '2026-03-28T08:15:30.125Z',
      response_timestamp: '2026-03-28T08:15:30.125Z',
    });
    const { body } = await app.request('GET', '/api/usage/logs', { user: solo });
    expect(body.nextCursor).toBeNull();
    expect(idsOf(body.items)).toEqual([bare, running, ended]);
    expect(body.items[2]).toEqual({
      id: ended,
      userId: solo.id,
      chatId,
      agentType: 'artifact',
      modelUsed: 'gemini-2.5-flash',
      provider: 'google',
      inputTokens: 1204,
      outputTokens: 286,
      totalTokens: 1490,
      inputCost: 0.000361,
      outputCost: 0.000715,
      totalCost: 0.001076,
      requestTimestamp: '2026-03-28T08:15:30.123Z',
      responseTimestamp: '2026-03-28T08:15:33.456Z',
      durationMs: 3333,
      status: 'aborted',
      ownKey: false,
      metadata: { status: 'aborted', purpose: 'answer' },
    });
    expect(body.items[1]).toMatchObject({ status: 'running', responseTimestamp: null, durationMs: null });
    expect(body.items[0]).toMatchObject({ status: 'success', chatId: null, metadata: null, totalCost: 0 });
    const admins = await app.request('GET', `/api/admin/usage/logs?userId=${solo.id}`, { user: admin });
    expect(admins.body).toEqual(body);
  });

  it.each(Object.entries(SORTS))('are sorted by %s, both ways, page by page', async (field, sql) => {
    const up = await readAll(`/api/usage/logs?sort=${field}&limit=13`, user);
    expect(idsOf(up)).toEqual(await expected(own(), `${sql}, id`));
    const down = await readAll(`/api/admin/usage/logs?sort=${field}:desc&limit=77`, admin);
    expect(idsOf(down)).toEqual(await expected('true', `${sql} desc, id desc`));
    expect(idsOf(await readAll(`/api/admin/usage/logs?sort=-${field}&limit=100`, admin))).toEqual(
      idsOf(down),
    );
  });

  it("are the user's own, also for administrators unless they ask for all", async () => {
    for (const reader of [user, admin]) {
      const logs = await readAll('/api/usage/logs?limit=100', reader);
      expect(new Set(logs.map(({ userId }) => userId))).toEqual(new Set([reader.id]));
      expect(idsOf(logs)).toEqual(await expected(`user_id = '${reader.id}'`));
    }
    const others = await readAll(`/api/admin/usage/logs?limit=100&userId=${other.id.toUpperCase()}`, admin);
    expect(idsOf(others)).toEqual(await expected(`user_id = '${other.id}'`));
  });

  it.each([
    ['from=2026-03-01T12:00:00Z', `request_timestamp >= '2026-03-01T12:00:00Z'`],
    ['to=2026-03-01T12:00:00Z', `request_timestamp < '2026-03-01T12:00:00Z'`],
    [
      'from=2026-03-02&to=2026-03-03&tz=Asia/Kolkata',
      `request_timestamp >= '2026-03-01T18:30Z' and request_timestamp < '2026-03-02T18:30Z'`,
    ],
    ['agentType=artifact', `agent_type = 'artifact'`],
    ['model=gemini-2.5-flash', `model_used = 'gemini-2.5-flash'`],
    ['model=google/gemini-2.5-flash', `model_used = 'gemini-2.5-flash' and provider = 'google'`],
    ['model=flash', `model_used = 'flash'`],
    ['provider=openai', `provider = 'openai'`],
    ['status=error', `${SORTS['status']} = 'error'`],
    ['status=running', 'response_timestamp is null'],
    ['status=success&agentType=chat', `${SORTS['status']} = 'success' and agent_type = 'chat'`],
    ['minInputTokens=7&maxInputTokens=20000', 'input_tokens between 7 and 20000'],
    ['minOutputTokens=4000', 'output_tokens >= 4000'],
    ['maxOutputTokens=4000', 'output_tokens <= 4000'],
    ['minTotalTokens=10&maxTotalTokens=10', 'total_tokens = 10'],
    ['minInputCost=1.5&maxOutputCost=2', 'input_cost >= 1.5 and output_cost <= 2'],
    ['maxInputCost=0.25&minOutputCost=0.25', 'input_cost <= 0.25 and output_cost >= 0.25'],
    ['minTotalCost=0.500001', 'total_cost >= 0.500001'],
    ['maxTotalCost=0.5', 'total_cost <= 0.5'],
    ['minTotalCost=0.4999999&maxTotalCost=0.5000009', 'total_cost = 0.5'],
    ['minInputCost=1e-7&agentType=chat', `input_cost > 0 and agent_type = 'chat'`],
    ['minDurationMs=1000', 'duration_ms >= 1000'],
    ['maxDurationMs=1000', 'duration_ms <= 1000'],
  ])('are filtered by %s', async (query, where) => {
    const ids = await expected(where);
    expect(ids.length).toBeGreaterThan(0);
    expect(ids.length).toBeLessThan((await expected('true')).length);
    expect(idsOf(await readAll(`/api/admin/usage/logs?limit=50&${query}`, admin))).toEqual(ids);
    const mine = await readAll(`/api/usage/logs?limit=50&sort=-totalCost&${query}`, user);
    expect(idsOf(mine)).toEqual(await expected(`${own()} and ${where}`, 'total_cost desc, id desc'));
  });

  it('are filtered by chat, also by the id that the client chose', async () => {
    const chatId = await insertChat(app.database, user.id, { id: await storedId(app, user, 'my-chat') });
    const id = await insertUsageLog(app.database, user.id, { chat_id: chatId });
    const ids = async (path: string, reader: TestUser) => idsOf(await readAll(path, reader));
    expect(await ids(`/api/usage/logs?chatId=${chatId}`, user)).toEqual([id]);
    expect(await ids('/api/usage/logs?chatId=my-chat', user)).toEqual([id]);
    expect(await ids('/api/usage/logs?chatId=my-chat', other)).toEqual([]);
    expect(await ids(`/api/usage/logs?chatId=${chatId}`, other)).toEqual([]);
    expect(await ids(`/api/admin/usage/logs?chatId=${chatId.toUpperCase()}`, admin)).toEqual([id]);
    expect(await ids(`/api/admin/usage/logs?chatId=my-chat&userId=${user.id}`, admin)).toEqual([id]);
    const response = await app.request('GET', '/api/admin/usage/logs?chatId=my-chat', { user: admin });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe('chatId');
  });

  it.each(['-requestTimestamp', 'totalCost', '-durationMs', 'modelUsed'])(
    'sorted by %s skip and repeat nothing while rows change',
    async (sort) => {
      const solo = await app.createUser();
      const period = { from: '2026-04-01T00:00:00Z', to: '2026-04-02T00:00:00Z' };
      await addCalls(app.database, { userIds: [solo.id], count: 60, ...period });
      const isDescending = sort.startsWith('-');
      const sql = SORTS[sort.replace('-', '')]!;
      const order = `${sql} ${isDescending ? 'desc' : 'asc'}, id ${isDescending ? 'desc' : 'asc'}`;
      const before = await expected(`user_id = '${solo.id}'`, order);
      const seen: string[] = [];
      const deleted = new Set<string>();
      for (let cursor = '', page = 0; page === 0 || cursor !== ''; page++) {
        const path = `/api/usage/logs?limit=7&sort=${sort}${cursor && `&cursor=${cursor}`}`;
        const { body } = await app.request('GET', path, { user: solo });
        seen.push(...idsOf(body.items));
        cursor = body.nextCursor ?? '';
        // The last row that was read is deleted, and an unread one. Others are added before and after.
        const unread = before.filter((id) => !seen.includes(id) && !deleted.has(id));
        for (const id of [seen.at(-1)!, unread[3] ?? seen[0]!]) {
          await app.database.query('delete from usage_logs where id = $1', [id]);
          deleted.add(id);
        }
        await addCalls(app.database, { userIds: [solo.id], count: 2, seed: page + 1, ...period });
        if (page > 60) throw new Error('The list does not end.');
      }
      expect(new Set(seen).size).toBe(seen.length);
      const kept = before.filter((id) => !deleted.has(id) || seen.includes(id));
      expect(seen.filter((id) => before.includes(id))).toEqual(kept);
    },
  );

  it('have a cursor for one sort order only', async () => {
    const { body } = await app.request('GET', '/api/usage/logs?limit=5&sort=totalCost', { user });
    const cursor = body.nextCursor as string;
    expect(cursor).toEqual(expect.any(String));
    for (const sort of ['-totalCost', 'inputCost', '-requestTimestamp', 'modelUsed']) {
      const response = await app.request('GET', `/api/usage/logs?sort=${sort}&cursor=${cursor}`, { user });
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([{ path: 'cursor', message: 'belongs to a different sort' }]);
    }
    const same = await app.request('GET', `/api/usage/logs?sort=totalCost:asc&cursor=${cursor}`, { user });
    expect(same.status).toBe(200);
  });

  it('continue after a model with any name', async () => {
    const solo = await app.createUser();
    const names = ['模型🌱'.repeat(50).slice(0, 200), `"quoted", 'and' \\ more | %_`, '=1+1', ' '];
    for (const model of names) await insertUsageLog(app.database, solo.id, { model_used: model });
    const pages = await readAllPages(app, solo, '/api/usage/logs?limit=1&sort=modelUsed');
    expect(
      pages
        .flat()
        .map(({ modelUsed }) => modelUsed as string)
        .sort(),
    ).toEqual(names.toSorted());
    for (const model of names) {
      const { body } = await app.request('GET', `/api/usage/logs?model=${encodeURIComponent(model)}`, {
        user: solo,
      });
      expect(body.items).toHaveLength(1);
    }
  });

  it('take one statement', async () => {
    const sent = await sentStatements(() => app.request('GET', '/api/usage/logs?status=error', { user }));
    expect(sent.verbs).toEqual(['begin', 'select', 'select', 'commit']);
    expect(sent.roundTrips).toBe(1);
  });

  it.each([
    ['sort=metadata', 'sort'],
    ['sort=', 'sort'],
    ['sort=-totalCost:asc', 'sort'],
    ['sort=totalCost&sort=status', 'sort'],
    ['cursor=x', 'cursor'],
    ['cursor=bnVsbA', 'cursor'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['from=2026-03-02&to=2026-03-01', 'to'],
    ['tz=Nowhere/Land', 'tz'],
    ['agentType=writer', 'agentType'],
    ['status=fine', 'status'],
    ['model=', 'model'],
    ['chatId=', 'chatId'],
    ['minTotalCost=-1', 'minTotalCost'],
    ['minTotalCost=1e9', 'minTotalCost'],
    ['minTotalCost=NaN', 'minTotalCost'],
    ['maxTotalTokens=1.5', 'maxTotalTokens'],
    ['maxDurationMs=3000000000', 'maxDurationMs'],
    ['userId=1', 'userId'],
    ['q=x', 'q'],
  ])('are refused for ?%s', async (query, path) => {
    const response = await app.request('GET', `/api/admin/usage/logs?${query}`, { user: admin });
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });
});
