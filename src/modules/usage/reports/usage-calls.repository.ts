import { COST_MEASURES, END_STATUS, TOKEN_MEASURES } from '../usage-words.js';
import { type CallKind, conditionsOfKind } from './call-kind.js';
import { type Piece, quartersOfRows, type Reading, readingOf, readingOfUser } from './pieces.js';
import type { Interval } from './series.js';

// Where calls are read from, so that sums need not know it: parts of the statements of the reports.

/** What calls are told apart by. */
export type Kind = 'agent_type' | 'provider' | 'model_used' | 'status';

/** Calls as a relation, with the parameters of its statement. */
export interface Calls {
  /**
   * Which of the stretches between the bounds (`point`, counted from 1; what is outside is to be left out), of what kind,
   * how many calls, and their figures, which may be negative in a single row, but not in their sum.
   */
  sql: string;
  parameters: unknown[];
  add: Add;
}

/** Adds a parameter, and says how it is written. */
export type Add = (value: unknown) => string;

const FIGURES = [...TOKEN_MEASURES, ...COST_MEASURES];

export const SUMS = [
  ...['calls', 'errors', ...TOKEN_MEASURES].map((name) => `sum(${name})::bigint as ${name}`),
  ...COST_MEASURES.map((name) => `sum(${name}) as ${name}`),
].join(', ');

/**
 * The columns of a rollup as calls, added or taken away.
 *
 * @param kinds what is told of them, or whose they are
 * @param errors where the number of errors is not in a column of its own
 */
export function callsOf(
  kinds: string[],
  sign: 1 | -1 = 1,
  errors = `case when status = 'error' then calls else 0 end`,
): string {
  const figures = ['calls as calls', `(${errors}) as errors`, ...FIGURES.map((name) => `${name} as ${name}`)];
  return [...kinds, ...figures.map((figure) => (sign === 1 ? figure : `-${figure}`))].join(', ');
}

/**
 * The columns of `usage_logs` as calls. One that has not ended is running, whatever else is known of it. The types are those
 * of the rollups: then nothing is converted where both come together.
 */
export function rowOf(kinds: string[]): string {
  const status = `case when response_timestamp is null then 'running'
                       else ${END_STATUS} end::varchar as status`;
  const isError = `response_timestamp is not null and metadata ->> 'status' = 'error'`;
  return [
    ...kinds.map((kind) => (kind === 'status' ? status : kind)),
    '1::bigint as calls',
    `case when ${isError} then 1 else 0 end::bigint as errors`,
    ...TOKEN_MEASURES.map((name) => `${name}::bigint`),
    ...COST_MEASURES,
  ].join(', ');
}

/**
 * The calls between the first and the last of some bounds, of one user or of all.
 *
 * @param interval about how far the bounds are apart
 * @param kinds what is to be told of them; the fewer the faster
 * @param only of which kind they are
 */
export function callsBetween(
  bounds: Date[],
  {
    userId,
    interval = 'day',
    kinds,
    only = {},
  }: { userId?: string; interval?: Interval; kinds: Kind[]; only?: CallKind },
): Calls {
  const parameters: unknown[] = [];
  const add = (value: unknown) => `$${parameters.push(value)}`;
  const times = bounds.map(Number);
  const fromLogs = sourceOf('usage_logs', conditionsOfKind(only, add, 'logs'));
  const fromRunning = sourceOf('switchboard.running_calls', conditionsOfKind(only, add, 'logs'));
  const fromSums = (table: string) =>
    sourceOf(`switchboard.${table}`, conditionsOfKind(only, add, 'rollups'));
  const sources = { logs: fromLogs, running: fromRunning, sums: fromSums };
  const sql =
    userId === undefined
      ? callsOfAll(readingOf(times, interval === 'hour' ? 60 : 1440), kinds, sources, add)
      : interval === 'hour'
        ? callsInRows(times, `user_id = ${add(userId)}::uuid`, kinds, sources, add)
        : callsOfOne(readingOfUser(times), `user_id = ${add(userId)}::uuid`, kinds, sources, add);
  return { sql, parameters, add };
}

/**
 * For hours of one user, of which there are no rollups: rows, which an index finds, and what a purge has left of others, in
 * which a call is as old as its quarter of an hour.
 */
function callsInRows(bounds: number[], isTheirs: string, kinds: Kind[], from: Sources, add: Add): string {
  const whole = [{ from: bounds[0]!, to: bounds.at(-1)! }];
  const point = pointsBetween(bounds, add);
  return `
    select ${point('request_timestamp')} as point, ${rowOf(kinds)}
      ${from.logs(isTheirs, within('request_timestamp', whole, add))}
    union all
    select ${point('request_timestamp')}, ${rowOf(kinds)}
      ${from.running(isTheirs, within('request_timestamp', whole, add))}
    union all
    select ${point('bucket')}, ${callsOf(kinds)}
      ${from.sums('usage_archive')(isTheirs, within('bucket', whole, add))}`;
}

/**
 * Days and months of one user, with what is not folded into them yet; rows between bounds and anchors. These rows hold what
 * is pending as well, and are taken from the point it was counted for.
 */
function callsOfOne(
  { bounds, anchors, large, small }: ReturnType<typeof readingOfUser>,
  isTheirs: string,
  kinds: Kind[],
  from: Sources,
  add: Add,
): string {
  const whole = [{ from: bounds[0]!, to: bounds.at(-1)! }];
  const [point, countedFor] = [pointsBetween(bounds, add), pointsBetween(anchors, add)];
  const calls = callsOf(kinds);
  const buckets = [...Map.groupBy(large, ({ granularity }) => granularity)].map(
    ([granularity, pieces]) => `
      select ${countedFor(`(bucket::timestamp at time zone 'UTC')`)}, ${calls}
        ${from.sums('usage_user_kinds')(
          isTheirs,
          `granularity = '${granularity}'`,
          within('bucket', pieces, add),
        )}`,
  );
  const parts = [
    `select ${point('request_timestamp')} as point, ${rowOf(kinds)}
       ${from.logs(isTheirs, 'response_timestamp is null', within('request_timestamp', whole, add))}`,
    `select ${point('request_timestamp')}, ${rowOf(kinds)}
       ${from.running(isTheirs, within('request_timestamp', whole, add))}`,
    `select ${countedFor('bucket')}, ${calls}
       ${from.sums('usage_pending')(isTheirs, within('bucket', whole, add))}`,
    ...buckets,
  ];
  if (small.length > 0) {
    // Days of a time zone have hundreds of edges: the index finds each of them, which `offset 0` makes sure of.
    const times = (end: 'from' | 'to') => `${add(small.map((piece) => toTime(piece[end])))}::timestamptz[]`;
    const edges = `unnest(${times('from')}, ${times('to')}) as edge (starts, ends)`;
    const isWithin = (column: string) => `${column} >= edge.starts and ${column} < edge.ends`;
    const atEdges = (columns: string, source: string) =>
      `select edged.* from ${edges} cross join lateral (select ${columns} ${source} offset 0) as edged`;
    const isFinished = 'response_timestamp is not null';
    const sources = [
      atEdges(
        `request_timestamp as moment, ${rowOf(kinds)}`,
        from.logs(isTheirs, isFinished, isWithin('request_timestamp')),
      ),
      atEdges(`bucket as moment, ${calls}`, from.sums('usage_archive')(isTheirs, isWithin('bucket'))),
    ];
    parts.push(movedCalls(sources, kinds, point, countedFor));
  }
  return parts.join(' union all ');
}

/**
 * Rollups with what is not folded into them yet; rows where a bound cuts even the smallest buckets. Rollups know nothing of
 * calls that are running: these are few, and come from the rows everywhere.
 */
function callsOfAll(
  { bounds, anchors, large, small }: Reading,
  kinds: Kind[],
  from: Sources,
  add: Add,
): string {
  const whole = [{ from: bounds[0]!, to: bounds.at(-1)! }];
  const [point, countedFor] = [pointsBetween(bounds, add), pointsBetween(anchors, add)];
  const quarters = `${add(quartersOfRows(small).map(toTime))}::timestamptz[]`;
  const calls = callsOf(kinds);
  const rollups = (granularity: number | 'rows', pieces: Array<Piece<number>>) =>
    from.sums('usage_rollups')(
      `granularity = ${granularity}`,
      within('bucket', pieces, add, Number(granularity)),
    );
  const parts = [
    `select ${point('request_timestamp')} as point, ${rowOf(kinds)}
       ${from.logs('response_timestamp is null', within('request_timestamp', whole, add))}`,
    `select ${point('request_timestamp')}, ${rowOf(kinds)}
       ${from.running(within('request_timestamp', whole, add))}`,
    // Where a bound cuts a quarter, rows stand for it: they are taken from the point it was counted for, and so it must be.
    `select case when bucket = any (${quarters}) then ${countedFor('bucket')} else ${point('bucket')} end, ${calls}
       ${from.sums('usage_pending')(within('bucket', whole, add))}`,
    ...large.map(
      (piece) => `select ${countedFor('bucket')}, ${calls} ${rollups(piece.granularity, [piece])}`,
    ),
  ];
  const moved = [...Map.groupBy(small, ({ granularity }) => granularity)].flatMap(([granularity, pieces]) =>
    granularity === 'rows'
      ? [
          `select request_timestamp as moment, ${rowOf(kinds)}
             ${from.logs('response_timestamp is not null', within('request_timestamp', pieces, add))}`,
          `select bucket as moment, ${calls} ${from.sums('usage_archive')(within('bucket', pieces, add))}`,
        ]
      : [`select bucket as moment, ${calls} ${rollups(granularity, pieces)}`],
  );
  if (moved.length > 0) parts.push(movedCalls(moved, kinds, point, countedFor));
  return parts.join(' union all ');
}

/** What lies between bounds and anchors: added to its point, and taken from the one it was counted for. */
function movedCalls(
  sources: string[],
  kinds: Kind[],
  point: (moment: string) => string,
  countedFor: (moment: string) => string,
): string {
  const counted = (sign: 1 | -1) => callsOf(kinds, sign, 'errors');
  return `
      (with moved as (
         select ${point('moment')} as point, ${countedFor('moment')} as counted_for, ${[...kinds, SUMS].join(', ')}
           from (${sources.join(' union all ')}) as calls group by ${['point', 'counted_for', ...kinds].join(', ')}
       )
       select point, ${counted(1)} from moved union all select counted_for, ${counted(-1)} from moved)`;
}

/** `from … where …` of a table, with some conditions more. */
type From = (...conditions: string[]) => string;

interface Sources {
  logs: From;
  /** Calls that have no row yet. */
  running: From;
  sums: (table: string) => From;
}

function sourceOf(table: string, always: string[]): From {
  return (...conditions) => `from ${table} where ${[...conditions, ...always].join(' and ')}`;
}

function pointsBetween(bounds: number[], add: Add): (moment: string) => string {
  const array = `${add(bounds.map(toTime))}::timestamptz[]`;
  return (moment) => `width_bucket(${moment}, ${array})`;
}

/** More pieces than these are no longer written one by one. */
const FEW_PIECES = 8;
const MINUTE = 60_000;

/**
 * The condition that a time lies in one of some pieces, so that an index finds it: in a few stretches, in single buckets
 * if they are far between, or anywhere from the first to the last piece but outside of the gaps.
 *
 * @param minutes how long the buckets are, whose beginning the time is
 */
export function within(
  column: string,
  pieces: ReadonlyArray<{ from: number; to: number }>,
  add: Add,
  minutes?: number,
): string {
  if (pieces.length <= FEW_PIECES) {
    const stretches = pieces.map(
      ({ from, to }) => `${column} >= ${add(toTime(from))} and ${column} < ${add(toTime(to))}`,
    );
    return `(${stretches.join(' or ')})`;
  }
  const [start, end] = [pieces[0]!.from, pieces.at(-1)!.to];
  const covered = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  if (minutes !== undefined && covered < (end - start) / 2) {
    const buckets: string[] = [];
    for (const { from, to } of pieces) {
      for (let at = from; at < to; at += minutes * MINUTE) buckets.push(toTime(at));
    }
    return `${column} = any (${add(buckets)}::timestamptz[])`;
  }
  const edges = pieces.flatMap(({ from, to }) => [toTime(from), toTime(to)]);
  return `(${column} >= ${add(toTime(start))} and ${column} < ${add(toTime(end))}
           and width_bucket(${column}, ${add(edges)}::timestamptz[]) % 2 = 1)`;
}

function toTime(at: number): string {
  return new Date(at).toISOString();
}
