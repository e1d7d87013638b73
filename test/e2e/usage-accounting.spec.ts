import { randomUUID } from 'node:crypto';
import { configureAgent } from '../support/agent-config.js';
import { eventually } from '../support/chat-app.js';
import { ANTHROPIC, idsOf, OPENAI, SHORT_COOL_DOWN } from '../support/fallbacks.js';
import { type GithubApp, startGithubApp } from '../support/github-app.js';
import { messagesOf, readChat } from '../support/turns.js';
import { usageDifferences } from '../support/usage-sums.js';
import {
  chargeOf,
  micros,
  microsOf,
  pricesOf,
  sumOf,
  tokensOfRow,
  tokensTold,
  type UsageEntry,
  usageEntries,
} from '../support/usage-books.js';
import { type CallKind, type Lane, type LedgerCall, seeded, UsageLedger } from '../support/usage-ledger.js';
import { UNPRICED, UsagePlay } from '../support/usage-play.js';

/*
 * Concurrent users of all agents and providers, and everything that can happen to their turns, in any order. What the
 * providers reported must equal, call by call, what is stored, what answers and chats add up to, and what is paid.
 * USAGE_SEED repeats a round, as far as the test controls its order. USAGE_ROUNDS runs more of them.
 */

const ROUNDS = Number(process.env['USAGE_ROUNDS'] ?? 3);
const FIRST_SEED = Number(process.env['USAGE_SEED'] ?? Date.now() % 1_000_000_000);
const PROVIDERS = ['google', 'openai', 'anthropic'];
/** Models whose long prompts get their own prices in this test. */
const TIERED = ['gemini-2.5-pro', 'gpt-4.1'];
const USERS = 3;
const LANES = 6;
const PURPOSES: Record<CallKind, string> = {
  agent: 'answer',
  writer: 'answer',
  title: 'title',
  routing: 'routing',
  compaction: 'compaction',
  editor: 'suggestions',
  image: 'image',
};

/** Calls for a chat that do not belong to an answer. */
const BESIDE_ANSWERS = new Set<CallKind>(['title', 'routing', 'compaction']);

/** A call, and the row that records what its provider reported. */
type Pair = [LedgerCall, UsageEntry];

describe('usage of all kinds', () => {
  let app: GithubApp;

  beforeAll(async () => {
    app = await startGithubApp({
      ...SHORT_COOL_DOWN,
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '3000',
      UPSTREAM_IDLE_TIMEOUT_MS: '2000',
    });
    // Too high to be reached. They only make sure that there is something to reserve and to settle.
    const budget = { daily: 1_000_000 };
    for (const provider of PROVIDERS) {
      await configure(`chat_agent_${provider}`, { budget });
      await configure(`artifact_agent_${provider}`, { budget });
      await configure(`git_mcp_agent_${provider}`, { budget, mcp: { url: app.mcp.url, readOnly: false } });
    }
    for (const agent of ['chat', 'artifact']) {
      const fallbackModels = idsOf(ANTHROPIC, OPENAI);
      await configure(`${agent}_agent_google`, { fallbackModels, fallbackForChosen: true });
    }
    const { body } = await app.request('GET', '/api/admin/config/chat_agent_openai', { user: app.admin });
    const tiers = [{ aboveInputTokens: 200_000, input: 2.5, cachedInput: 0.25, output: 15 }];
    const catalog = await app.request('GET', '/api/admin/config/model_catalog', { user: app.admin });
    await configure('model_catalog', {
      models: catalog.body.configData.models.map((model: { id: string; pricing: object }) =>
        TIERED.includes(model.id) ? { ...model, pricing: { ...model.pricing, tiers } } : model,
      ),
    });
    // The API refuses this. Administrators can also write the table.
    await configureAgent(app, 'openai', {
      models: [...body.configData.models, { id: UNPRICED.slice('openai/'.length) }],
    });
    app.mcp.world.files.set('octo-org/hello/README.md', 'Run it with npm start.');
  });

  afterAll(() => app.close());

  async function configure(key: string, configData: object): Promise<void> {
    const path = `/api/admin/config/${key}`;
    const { status, text } = await app.request('PATCH', path, { user: app.admin, body: { configData } });
    if (status !== 200) throw new Error(text);
  }

  const seeds = Array.from({ length: ROUNDS }, (_, round) => FIRST_SEED + round);

  it.each(seeds)('equals what the providers reported, to the last token (USAGE_SEED=%i)', async (seed) => {
    const since = new Date();
    const ledger = await play(seed);
    const rows = await settledRows(ledger, since);
    const pairs = expectToldOnce(ledger, rows);
    expectTheRest(ledger, rows, pairs);
    await expectCosts(rows);
    for (const lane of ledger.lanes.values()) await expectChat(lane, ledger, rows, pairs);
    await expectSpending();
    await expectReports(rows);
  });

  /** Distributes everything that can happen to the chats of some users: half with routing, half without. */
  async function play(seed: number): Promise<UsageLedger> {
    app.double.reset();
    const random = seeded(seed);
    const ledger = new UsageLedger(app.double, random);
    const { steps } = new UsagePlay(app, random);
    const users = await Promise.all(Array.from({ length: USERS }, () => app.createUser()));
    for (let index = 0; index < LANES; index++) ledger.open(await laneOf(users[index % USERS]!));

    const names = random.shuffle(Object.keys(steps));
    const half = names.length / 2;
    const routed = names.filter((name) => name.includes('route'));
    const withRouting = random.shuffle([...new Set([...names.slice(half), ...routed])]);
    for (const [enabled, deck] of [
      [false, names.slice(0, half)],
      [true, withRouting],
    ] as const) {
      await configure('routing_agent', { enabled, timeoutMs: 10_000 });
      const playing = [...ledger.lanes.values()].map(async (lane, index) => {
        for (const name of deck.filter((_, at) => at % LANES === index)) {
          lane.step = { ...lane.step, name };
          await steps[name]!(lane);
        }
      });
      await Promise.all(playing);
    }
    return ledger;
  }

  async function laneOf(user: Lane['user']): Promise<Lane> {
    const step = { name: '', user, raced: false, withoutChat: false };
    const [repository] = await app.database.query('select id from github_repositories where user_id = $1', [
      user.id,
    ]);
    const repositoryId = (repository?.id as string | undefined) ?? (await app.connect(user));
    const mark = `@${randomUUID()}@`;
    return { mark, user, chatId: randomUUID(), repositoryId, questions: [], step, scripts: {} };
  }

  /** All rows, after everything that was started has ended. */
  async function settledRows({ calls }: UsageLedger, since: Date): Promise<UsageEntry[]> {
    let rows: UsageEntry[] = [];
    const running = () => calls.filter(({ request }) => request.state !== 'ended');
    const open = () => rows.filter(({ isClosed }) => !isClosed);
    const isOver = async () => {
      rows = await usageEntries(app, since);
      return running().length + open().length === 0 && rows.length >= calls.length;
    };
    await eventually(isOver).catch(() => {
      const left = running().map(({ step, kind }) => [step.name, kind]);
      const state = { calls: calls.length, rows: rows.length, running: left, open: open() };
      throw new Error(
        `It does not end: ${JSON.stringify(state, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}`,
      );
    });
    return rows;
  }

  /** A completed call has exactly one row, with exactly its figures, and no other row has the same figures. */
  function expectToldOnce({ calls }: UsageLedger, rows: UsageEntry[]): Pair[] {
    const exact = new Set(rows.filter(({ metadata, total }) => !metadata.estimated && total > 0));
    const pairs: Pair[] = [];
    for (const call of calls) {
      const { request, step, kind, lane } = call;
      const told = tokensTold(call);
      if (!told) continue;
      const own = [...exact].filter(
        ({ provider, model, input }) =>
          provider === request.provider && model === request.model && input === told.input,
      );
      // Calls that were stopped meanwhile were not read to the end.
      if (own.length === 0 && isExcused(call)) continue;
      expect([step.name, kind, own.map(tokensOfRow)]).toEqual([step.name, kind, [told]]);
      const [row] = own as [UsageEntry];
      exact.delete(row);
      const isTest = step.user.id === app.admin.id;
      const inAnswer = !isTest && !step.withoutChat && !BESIDE_ANSWERS.has(kind);
      expect({ ...row, purpose: row.metadata.purpose, messageId: row.metadata.messageId }).toMatchObject({
        userId: step.user.id,
        chatId: step.withoutChat ? null : lane.chatId,
        total: told.input + told.output,
        purpose: isTest ? 'config-test' : PURPOSES[kind],
        messageId: inAnswer ? (step.answerId ?? expect.any(String)) : undefined,
      });
      pairs.push([call, row]);
    }
    expect([...exact]).toEqual([]);
    return pairs;
  }

  /** Calls that do not count if their turn ends before them, and those of a turn that was stopped at any time. */
  const isExcused = ({ kind, step }: LedgerCall) => step.raced || BESIDE_ANSWERS.has(kind);

  /** A refused, interrupted or stopped call also has one row, with the known figures or with none. */
  function expectTheRest({ calls }: UsageLedger, rows: UsageEntry[], pairs: Pair[]): void {
    const paired = new Set<unknown>(pairs.flat());
    const calledFor = calls.filter((call) => !paired.has(call));
    const left = rows.filter((row) => !paired.has(row));
    const nothing = left.filter(({ total, totalCost }) => total === 0 && totalCost === 0n);
    const estimated = left.filter((row) => !nothing.includes(row));
    for (const { input, metadata } of estimated) {
      expect(metadata.estimated).toBe(true);
      expect(input).toBeGreaterThan(0);
    }
    for (const { metadata } of nothing) expect(metadata.status).toMatch(/^(?:error|aborted)$/);
    // Providers only bill nothing for calls that they refuse. The prompt of every other call is paid for, and that of a
    // call that was ended before its refusal arrived.
    const isRefused = ({ request }: LedgerCall) => (request.status ?? 0) >= 400;
    const mustBeBilled = calledFor.filter((call) => !isRefused(call) && !call.step.raced).length;
    const mayBeBilled = calledFor.filter((call) => !isRefused(call) || call.step.raced).length;
    expect(mustBeBilled).toBeLessThanOrEqual(estimated.length);
    // Some calls were ended before they were sent, and cost nothing. Others were ended on their way, and count as sent.
    const notReceived = left.length - calledFor.length;
    expect(notReceived).toBeGreaterThanOrEqual(0);
    const onTheirWay = Math.max(0, estimated.length - mayBeBilled);
    const notSent = nothing.filter(({ metadata }) => metadata.status === 'aborted').length;
    expect(onTheirWay).toBeLessThanOrEqual(notReceived);
    expect(onTheirWay + notSent).toBeGreaterThanOrEqual(notReceived);

    for (const { request, script, step } of calledFor) {
      const { reported } = request;
      const wasReset = script.fault?.type === 'reset-after';
      if (reported?.ended !== 'cut' || wasReset || step.raced) continue;
      const own = estimated.filter(({ input }) => input === reported.input);
      expect([step.name, own.map(tokensOfRow)]).toEqual([
        step.name,
        [expect.objectContaining({ cachedRead: reported.cachedRead, cacheWrite: reported.cacheWrite })],
      ]);
      expect(own[0]!.output).toBeGreaterThanOrEqual(reported.output);
    }
  }

  async function expectCosts(rows: UsageEntry[]): Promise<void> {
    const { body } = await app.request('GET', '/api/admin/config/model_catalog', { user: app.admin });
    const prices = pricesOf(body.configData);
    for (const row of rows) {
      const { model, inputCost, outputCost, totalCost } = row;
      expect(row.total).toBe(row.input + row.output);
      const charge = row.total === 0 ? { inputCost: 0n, outputCost: 0n, totalCost: 0n } : undefined;
      expect({ model, inputCost, outputCost, totalCost }).toEqual({
        model,
        ...(charge ?? chargeOf(tokensOfRow(row), prices.get(model))),
      });
    }
  }

  /** The chat has paid for all of its calls, and each existing answer for its own. */
  async function expectChat(
    { user, chatId }: Lane,
    { calls }: UsageLedger,
    rows: UsageEntry[],
    pairs: Pair[],
  ): Promise<void> {
    const own = rows.filter((row) => row.chatId === chatId);
    const { totalInputTokens, totalOutputTokens, totalCost } = await readChat(app, user, chatId);
    const totals = { input: totalInputTokens, output: totalOutputTokens, cost: microsOf(totalCost) };
    expect(totals).toEqual(sumOf(own));

    for (const { id, role, inputTokens, outputTokens, cost } of await messagesOf(app, user, chatId)) {
      const figures = { input: inputTokens, output: outputTokens, cost: microsOf(cost) };
      expect(figures).toEqual(sumOf(own.filter(({ metadata }) => metadata.messageId === id)));
      if (role !== 'assistant') continue;
      const made = calls.filter(({ step, kind }) => step.answerId === id && !BESIDE_ANSWERS.has(kind));
      const told = pairs.filter(([call]) => made.includes(call));
      // For an answer with only completed calls, the provider's own report is the expected value.
      if (made.length === 0 || told.length < made.length) continue;
      expect(figures).toEqual(sumOf(told.map(([, row]) => row)));
      const { metadata } = made.at(-1)!.step;
      if (!metadata) continue;
      expect({ ...metadata.usage, cost: microsOf(metadata.cost) }).toMatchObject({
        inputTokens,
        outputTokens,
        cost: figures.cost,
      });
    }
  }

  /** The rollups equal the rows, and so does what users see, with own keys and unknown prices apart. */
  async function expectReports(rows: UsageEntry[]): Promise<void> {
    expect(await usageDifferences(app.database)).toEqual([]);
    for (const [userId, own] of Map.groupBy(rows, (row) => row.userId)) {
      const { body } = await app.request('GET', `/api/admin/usage/summary?userId=${userId}`, {
        user: app.admin,
      });
      const withOwnKey = own.filter(({ metadata }) => metadata.ownKey);
      const summary = {
        calls: body.calls,
        input: body.inputTokens,
        output: body.outputTokens,
        cost: microsOf(body.totalCost),
        ownKeyCalls: body.ownKeyCalls,
        ownKeyCost: microsOf(body.ownKeyCost),
        unpricedCalls: body.unpricedCalls,
      };
      if (userId === app.admin.id) continue;
      expect(summary).toEqual({
        calls: own.length,
        ...sumOf(own),
        ownKeyCalls: withOwnKey.length,
        ownKeyCost: sumOf(withOwnKey).cost,
        unpricedCalls: own.filter(({ metadata }) => metadata.unpriced).length,
      });
    }
    const unpriced = rows.filter(({ total, model }) => total > 0 && UNPRICED.endsWith(model));
    expect(unpriced.length).toBeGreaterThan(0);
    expect(unpriced.every(({ metadata }) => metadata.unpriced === true)).toBe(true);
  }

  /** Budgets use the sum of the rows, and nothing is reserved any more. */
  async function expectSpending(): Promise<void> {
    const [spent, summed] = await Promise.all([
      app.database.query(
        `select user_id, agent_type, day::text, cost::text from switchboard.daily_spending
          where cost <> 0 order by 1, 2, 3`,
      ),
      app.database.query(
        `select user_id, agent_type, (request_timestamp at time zone 'UTC')::date::text as day,
                sum(total_cost)::text as cost
           from usage_logs where not (metadata ->> 'ownKey')::boolean
          group by 1, 2, 3 having sum(total_cost) <> 0 order by 1, 2, 3`,
      ),
    ]);
    expect(spent.length).toBeGreaterThan(USERS);
    expect(spent).toEqual(summed);
    expect(spent.every(({ cost }) => micros(cost as string) > 0n)).toBe(true);
    expect(await app.database.query('select id, user_id from switchboard.runs')).toEqual([]);
  }
});
