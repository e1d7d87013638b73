import { deepStrictEqual } from 'node:assert/strict';

/** A question that an administrator asks about the usage of all users or of one, with two ways to answer it. */
export interface Question {
  label: string;
  /** The route of the product that answers it from the rollups. */
  path: string;
  /** The same question as plain SQL on `usage_logs`. */
  sql: string;
  parameters: unknown[];
  /** @throws AssertionError unless both answers are equal to the last digit */
  compare: (body: unknown, rows: PlainRow[]) => void;
  /** The targets for the product. */
  aims?: { milliseconds: number; timesFaster: number };
}

/** Sums over rows as PostgreSQL returns them, with the columns that they are grouped by. */
type PlainRow = Record<string, string>;

/** Sums as the product returns them: numbers, with costs in USD. */
type Figures = Record<(typeof FIGURES)[number], number>;

const FIGURES = [
  'calls',
  'errors',
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'inputCost',
  'outputCost',
  'totalCost',
] as const;

const SUMS = `
  count(*) as calls, count(*) filter (where metadata ->> 'status' = 'error') as errors,
  sum(input_tokens) as "inputTokens", sum(output_tokens) as "outputTokens", sum(total_tokens) as "totalTokens",
  sum(input_cost) as "inputCost", sum(output_cost) as "outputCost", sum(total_cost) as "totalCost"`;

const PERIOD = `
  request_timestamp >= $1::date::timestamp at time zone $3 and request_timestamp < $2::date::timestamp at time zone $3`;

/** In whole tokens and millionths of a dollar, so that sums are exact. */
function exactly(figures: Partial<Record<(typeof FIGURES)[number], number | string>>): Figures {
  return Object.fromEntries(
    FIGURES.map((name) => {
      const value = Number(figures[name]);
      return [name, name.endsWith('Cost') ? Math.round(value * 1e6) : value];
    }),
  ) as Figures;
}

/** The sums of rows by group. */
function sumsBy(rows: PlainRow[], nameOf: (row: PlainRow) => string): Map<string, Figures> {
  const sums = new Map<string, Figures>();
  for (const row of rows) {
    const before = sums.get(nameOf(row));
    const figures = exactly(row);
    if (before) for (const name of FIGURES) figures[name] += before[name];
    sums.set(nameOf(row), figures);
  }
  return sums;
}

/** The groups of an answer, without groups that have no calls. */
function groupsOf<T extends Figures>(items: T[], nameOf: (item: T) => string): Map<string, Figures> {
  return new Map(items.filter(({ calls }) => calls > 0).map((item) => [nameOf(item), exactly(item)]));
}

const inOrder = (sums: Map<string, Figures>) => [...sums].sort(([a], [b]) => (a < b ? -1 : 1));

function expectSame(actual: Map<string, Figures>, expected: Map<string, Figures>): void {
  deepStrictEqual(inOrder(actual), inOrder(expected));
}

interface Summary extends Figures {
  byAgent: Array<Figures & { agentType: string }>;
  byModel: Array<Figures & { provider: string; model: string }>;
}

/**
 * The route also returns the previous period and the users with the highest cost. The plain SQL does not read these.
 */
const summary = (
  label: string,
  from: string,
  to: string,
  aims?: Question['aims'],
  userId?: string,
): Question => ({
  label,
  path: `/api/admin/usage/summary?from=${from}&to=${to}${userId ? `&userId=${userId}` : ''}`,
  sql: `
    select agent_type as agent, provider, model_used as model, ${SUMS} from usage_logs
     where ${PERIOD}${userId ? ' and user_id = $4' : ''} group by agent_type, provider, model_used`,
  parameters: [from, to, 'UTC', ...(userId ? [userId] : [])],
  compare: (body, rows) => {
    const { byAgent, byModel, ...all } = body as Summary;
    expectSame(
      new Map([['', exactly(all)]]),
      sumsBy(rows, () => ''),
    );
    expectSame(
      groupsOf(byAgent, ({ agentType }) => agentType),
      sumsBy(rows, ({ agent = '' }) => agent),
    );
    expectSame(
      groupsOf(byModel, ({ provider, model }) => `${provider}/${model}`),
      sumsBy(rows, ({ provider, model }) => `${provider}/${model}`),
    );
  },
  aims,
});

interface Series {
  points: Array<Figures & { start: string; groups?: Array<Figures & { provider: string; model: string }> }>;
}

const daily = (tz: string, from: string, to: string, userId?: string): Question => ({
  label: `a year by day, ${tz}${userId ? ', of one user' : ''}`,
  path: `/api/admin/usage/timeseries?from=${from}&to=${to}&interval=day&tz=${tz}${userId ? `&userId=${userId}` : ''}`,
  sql: `
    select extract(epoch from date_trunc('day', request_timestamp, $3)) as start, ${SUMS}
      from usage_logs where ${PERIOD}${userId ? ' and user_id = $4' : ''} group by 1`,
  parameters: [from, to, tz, ...(userId ? [userId] : [])],
  compare: (body, rows) =>
    expectSame(
      groupsOf((body as Series).points, ({ start }) => String(Date.parse(start) / 1000)),
      sumsBy(rows, ({ start }) => String(Number(start))),
    ),
});

const monthlyByModel = (from: string, to: string): Question => ({
  label: 'a year by month and model, UTC',
  path: `/api/admin/usage/timeseries?from=${from}&to=${to}&interval=month&groupBy=model`,
  sql: `
    select provider, model_used as model, extract(epoch from date_trunc('month', request_timestamp, $3)) as start, ${SUMS}
      from usage_logs where ${PERIOD} group by 1, 2, 3`,
  parameters: [from, to, 'UTC'],
  compare: (body, rows) => {
    // The first point starts at the start of the period.
    const monthOf = (time: number) => new Date(time).toISOString().slice(0, 7);
    const groups = (body as Series).points.flatMap(({ start, groups = [] }) =>
      groups.map((group) => ({ month: monthOf(Date.parse(start)), ...group })),
    );
    expectSame(
      groupsOf(groups, ({ month, provider, model }) => `${month} ${provider}/${model}`),
      sumsBy(rows, ({ start, provider, model }) => `${monthOf(Number(start) * 1000)} ${provider}/${model}`),
    );
  },
});

const DAY = 86_400_000;

/**
 * The questions about the year that ends with the day of `now`, and about its last month.
 *
 * @param userId the user with the most calls
 */
export function questionsOf(now: Date, userId: string): Question[] {
  const day = (later: number) => new Date(now.getTime() + later * DAY).toISOString().slice(0, 10);
  const [from, to] = [day(-364), day(1)];
  return [
    summary('summary of a month', day(-29), to),
    summary('summary of a year', from, to, { milliseconds: 50, timesFaster: 50 }),
    daily('UTC', from, to),
    daily('Europe/Berlin', from, to),
    daily('Asia/Kolkata', from, to),
    monthlyByModel(from, to),
    summary(
      'summary of a year, of the user with the most calls',
      from,
      to,
      { milliseconds: 50, timesFaster: 5 },
      userId,
    ),
    daily('UTC', from, to, userId),
    daily('Europe/Berlin', from, to, userId),
  ];
}
