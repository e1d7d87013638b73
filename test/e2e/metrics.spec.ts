import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Database } from '../../src/common/database/database.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { freePort } from '../support/free-port.js';
import { Metrics } from '../support/metrics.js';
import { gauge, resume, saying, stop } from '../support/turns.js';

/** `/metrics` shows exactly what happened in real turns, with names that no client can choose. */

const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];
const USAGE = { input: 1_000, cachedRead: 600, cacheWrite: 100, output: 500, reasoning: 200 };
const TITLE_USAGE = { input: 40, output: 10 };

/** The figures of a call with the key of the metrics series that count it. */
interface Row {
  agent: string;
  provider: string;
  model: string;
  status: string;
  input: number;
  cached: number;
  written: number;
  output: number;
  reasoning: number;
  cost: number;
  duration: number;
  first: number | null;
}

describe('metrics', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp({ DATABASE_POOL_SIZE: '3' });
    user = await app.createUser();
  });

  beforeEach(() =>
    app.double.enqueue(
      { usage: TITLE_USAGE },
      { times: 99, when: ({ instructions }) => instructions.includes('short title') },
    ),
  );

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  const scrape = () => Metrics.scrape(app);

  /** The calls of a chat, once there are this many and all are closed. */
  const callsOf = (chatId: string, count: number): Promise<Row[]> =>
    eventually(async () => {
      const rows = (await app.database.query(
        `select agent_type as agent, provider, model_used as model, metadata->>'status' as status,
                input_tokens as input, output_tokens as output, total_cost::float8 as cost, duration_ms as duration,
                (metadata->>'cachedInputTokens')::int as cached, (metadata->>'cacheWriteTokens')::int as written,
                (metadata->>'reasoningTokens')::int as reasoning, (metadata->>'timeToFirstTokenMs')::int as first
           from usage_logs where chat_id = $1 and response_timestamp is not null`,
        [chatId],
      )) as Row[];
      return rows.length === count && rows;
    });

  it('are readable by Prometheus, with a description of every metric', async () => {
    const response = await fetch(`${app.url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const metrics = Metrics.parse(text);
    for (const name of [
      'nodejs_eventloop_lag_p99_seconds',
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'switchboard_database_connections_limit',
    ]) {
      expect([name, metrics.matching(name).length]).toEqual([name, 1]);
    }
    // For Prometheus, a counter that first appears with the value 1 has never increased.
    expect(metrics.matching('switchboard_rate_limit_refusals_total')).toHaveLength(12);
    const described = new Set(Array.from(text.matchAll(/^# HELP (\S+) \S/gm), ([, name]) => name));
    for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) expect(described).toContain(name);
  });

  it.each(MODELS)('counts the calls of a turn with %s as usage_logs has them', async (id) => {
    const before = await scrape();
    const chatId = randomUUID();
    app.double.enqueue({ text: ['So ', 'it is.'], usage: USAGE, firstDelayMs: 20 });
    const { text } = await app.say(user, chatId, 'How is it?', { body: { model: id, agent: 'chat' } });
    expect(text).toBe('So it is.');
    const rows = await callsOf(chatId, 2);
    const after = await scrape();

    const [provider, model] = id.split('/');
    // Gemini does not report cache writes.
    const written = provider === 'google' ? 0 : 100;
    expect(rows.find((row) => row.model === model && row.input === 1_000)).toMatchObject({ written });
    for (const { agent, provider, model } of rows) {
      const labels = { agent, provider, model };
      const same = rows.filter((row) => row.model === model);
      const sum = (pick: (row: Row) => number) => same.reduce((total, row) => total + pick(row), 0);
      const grown = (name: string, more = {}) =>
        after.growth(before, `switchboard_${name}`, { ...labels, ...more });
      expect(grown('model_calls_total', { status: 'success' })).toBe(same.length);
      expect({
        input: grown('model_tokens_total', { kind: 'input' }),
        cached: grown('model_tokens_total', { kind: 'cached_input' }),
        written: grown('model_tokens_total', { kind: 'cache_write' }),
        output: grown('model_tokens_total', { kind: 'output' }),
        reasoning: grown('model_tokens_total', { kind: 'reasoning' }),
      }).toEqual({
        input: sum((row) => row.input),
        cached: sum((row) => row.cached),
        written: sum((row) => row.written),
        output: sum((row) => row.output),
        reasoning: sum((row) => row.reasoning),
      });
      expect(grown('model_cost_usd_total')).toBeCloseTo(
        sum((row) => row.cost),
        9,
      );
      expect(grown('model_call_duration_seconds_count', { status: 'success' })).toBe(same.length);
      expect(grown('model_call_duration_seconds_sum')).toBeCloseTo(sum((row) => row.duration) / 1000, 9);
      expect(grown('time_to_first_token_seconds_count')).toBe(
        same.filter(({ first }) => first !== null).length,
      );
      expect(grown('time_to_first_token_seconds_sum')).toBeCloseTo(sum((row) => row.first ?? 0) / 1000, 9);
    }
    // Nothing else was counted.
    expect(after.growth(before, 'switchboard_model_calls_total')).toBe(2);
    expect(after.growth(before, 'switchboard_model_tokens_total', { kind: 'input' })).toBe(1_040);
    expect(after.growth(before, 'switchboard_model_tokens_total', { kind: 'output' })).toBe(510);
    expect(after.growth(before, 'switchboard_time_to_first_token_seconds_bucket', { le: '+Inf' })).toBe(1);
  });

  it('distinguish failed attempts and stopped answers', async () => {
    const before = await scrape();
    const chatId = randomUUID();
    app.double.enqueue({ fault: { type: 'status', status: 500 } });
    app.double.enqueue({ text: ['one ', 'two ', 'three'], pauseAfter: 2 });
    const body = { id: chatId, message: userMessage('Go on'), model: MODELS[1], agent: 'chat' };
    const reader = await app.open(user, body);
    await reader.until(saying('two '));
    await stop(app, user, chatId);
    await reader.rest();
    await callsOf(chatId, 3);
    const after = await scrape();
    const labels = { agent: 'chat', provider: 'openai', model: 'gpt-4o-mini' };
    for (const [status, count] of Object.entries({ error: 1, aborted: 1, success: 1 })) {
      for (const name of ['switchboard_model_calls_total', 'switchboard_model_call_duration_seconds_count'])
        expect([status, after.growth(before, name, { ...labels, status })]).toEqual([status, count]);
    }
    expect(after.growth(before, 'switchboard_time_to_first_token_seconds_count', labels)).toBe(1);
  });

  it('count running answers and their readers', async () => {
    const chatId = randomUUID();
    const streams = () => gauge(app, 'switchboard_active_streams');
    const readers = () => gauge(app, 'switchboard_stream_readers');
    await eventually(async () => (await streams()) + (await readers()) === 0);
    app.double.enqueue({ text: ['one ', 'two'], pauseAfter: 1 });
    const first = await app.open(user, { id: chatId, message: userMessage('Go on') });
    await first.until(saying('one '));
    const second = await resume(app, user, chatId);
    expect([await streams(), await readers()]).toEqual([1, 2]);
    await first.leave();
    await eventually(async () => (await readers()) === 1);
    expect(await streams()).toBe(1);
    app.double.resume();
    await second.rest();
    await eventually(async () => (await streams()) + (await readers()) === 0);
  });

  it('count turns that the limits refuse', async () => {
    const admin = await app.createUser({ role: 'admin' });
    const limit = (hourly: number) =>
      app.request('PATCH', '/api/admin/config/chat_agent_google', {
        user: admin,
        body: { configData: { rateLimit: { hourly, daily: 100 } } },
      });
    expect((await limit(0)).status).toBe(200);
    const before = await scrape();
    const body = { model: MODELS[0], agent: 'chat' };
    for (let turn = 0; turn < 3; turn++)
      expect((await app.say(user, randomUUID(), 'Hello', { body })).status).toBe(429);
    const after = await scrape();
    await limit(100);
    const name = 'switchboard_rate_limit_refusals_total';
    expect(after.growth(before, name, { agent: 'chat', reason: 'hourly' })).toBe(3);
    expect(after.growth(before, name)).toBe(3);
    const route = { method: 'POST', route: '/api/chat', status: '429' };
    expect(after.growth(before, 'switchboard_http_request_duration_seconds_count', route)).toBe(3);
    expect(after.growth(before, 'switchboard_model_calls_total')).toBe(0);
  });

  it('count transactions that wait for a connection', async () => {
    const connections = async (state: string) =>
      (await scrape()).sum('switchboard_database_connections', { state });
    const waiting = () => gauge(app, 'switchboard_database_connections_waiting');
    const database = app.app.get(Database);
    await eventually(async () => (await connections('busy')) === 0);
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const holding = Array.from({ length: 3 }, () =>
      database.asServiceInTransaction((manager) => manager.query('select 1').then(() => released)),
    );
    await eventually(async () => (await connections('busy')) === 3);
    // The server's own work may wait here too.
    const before = await waiting();
    const queued = Array.from({ length: 4 }, () =>
      database.asService((manager) => manager.query('select 1')),
    );
    expect(await waiting()).toBeGreaterThanOrEqual(before + 4);
    expect(await connections('idle')).toBe(0);
    expect(await gauge(app, 'switchboard_database_connections_limit')).toBe(3);
    release();
    await Promise.all([...holding, ...queued]);
    await eventually(async () => (await waiting()) + (await connections('busy')) === 0);
    expect(await connections('idle')).toBeGreaterThan(0);
  });

  it('count calls that are not stored yet', async () => {
    const chatId = randomUUID();
    const waiting = () => gauge(app, 'switchboard_usage_writes_waiting');
    await app.say(user, chatId, 'Hello', { body: { agent: 'chat' } });
    await callsOf(chatId, 2);
    await eventually(async () => (await waiting()) === 0);
    app.double.enqueue({ text: ['one ', 'two'], pauseAfter: 1 });
    const body = { id: chatId, message: userMessage('Go on'), agent: 'chat' };
    const reader = await app.open(user, body);
    await reader.until(saying('one '));
    const blocker = new pg.Client({ connectionString: app.database.url });
    await blocker.connect();
    try {
      await blocker.query('begin; lock table usage_logs in access exclusive mode');
      app.double.resume();
      await eventually(async () => (await waiting()) === 1);
    } finally {
      await blocker.end();
    }
    expect((await reader.rest()).done).toBe(true);
    expect(await waiting()).toBe(0);
  });

  it('have no series for values that clients choose', async () => {
    const probe = async (id: string) => {
      await app.request('GET', `/${id}`, { user });
      await app.request('GET', `/api/chats/${id}`, { user });
      await app.request('GET', `/api/chats/${id}/nothing-here?x=${id}`, { user });
      await app.request('PROPFIND', `/api/chats/${id}`, { user });
      await app.request('REPORT', `/${id}`, { user });
      for (const body of [
        { model: `google/${id}` },
        { model: id },
        { agent: id },
        { agent: 'chat', model: 'x/y' },
      ])
        expect((await app.say(user, randomUUID(), 'Hello', { body })).status).toBe(400);
    };
    await probe(randomUUID());
    const before = await scrape();
    const ids = Array.from({ length: 5 }, () => randomUUID());
    for (const id of ids) await probe(id);
    const after = await scrape();
    const ours = ({ samples }: Metrics) => samples.filter(({ name }) => name.startsWith('switchboard_'));
    expect(ours(after)).toHaveLength(ours(before).length);
    const count = 'switchboard_http_request_duration_seconds_count';
    expect(after.growth(before, count, { method: 'GET', route: '/api/chats/:id', status: '404' })).toBe(5);
    expect(after.growth(before, count, { route: 'unmatched', status: '404' })).toBeGreaterThanOrEqual(10);
    expect([...after.valuesOf('method')].filter((method) => !/^[A-Z]+$/.test(method))).toEqual(['other']);
    expect(after.valuesOf('method')).not.toContain('PROPFIND');
    for (const label of ['agent', 'provider', 'model', 'route', 'reason'])
      for (const value of after.valuesOf(label)) for (const id of ids) expect(value).not.toContain(id);
  });

  it('use one name for all models that are not in the catalog', async () => {
    await app.database.query(
      `update admin_config
          set config_data = jsonb_set(config_data, '{models}', (
                select jsonb_agg(model) from jsonb_array_elements(config_data->'models') as model
                 where model->>'id' <> 'gpt-4o-mini'))
        where config_key = 'model_catalog'`,
    );
    const labels = { agent: 'chat', provider: 'openai', model: 'other' };
    const grown = await eventually(async () => {
      const before = await scrape();
      const chatId = randomUUID();
      await app.say(user, chatId, 'Hello', { body: { model: MODELS[1], agent: 'chat' } });
      await callsOf(chatId, 2);
      const after = await scrape();
      // A configuration change by SQL takes a moment to arrive.
      return (
        after.growth(before, 'switchboard_model_calls_total', labels) > 0 && {
          others: after.growth(before, 'switchboard_model_calls_total', labels),
          named: after.growth(before, 'switchboard_model_calls_total', { model: 'gpt-4o-mini' }),
        }
      );
    });
    expect(grown).toEqual({ others: 2, named: 0 });
  });
});

describe('metrics on a separate port', () => {
  it('are served there, and no longer on the public port', async () => {
    const port = await freePort();
    const app = await startChatApp({ METRICS_PORT: String(port), HOST: '127.0.0.1' });
    try {
      const metrics = await Metrics.scrape({ url: `http://127.0.0.1:${port}` });
      expect(metrics.typeOf('switchboard_active_streams')).toBe('gauge');
      expect((await fetch(`http://127.0.0.1:${port}/api/models`)).status).toBe(404);
      expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
    } finally {
      await app.close();
    }
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });
});
