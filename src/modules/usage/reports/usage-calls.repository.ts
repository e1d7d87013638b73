import { COST_MEASURES, COUNT_MEASURES, END_STATUS, ofRow, RUNNING_CALLS } from '../usage-words.js';
import { type CallKind, conditionsOfKind } from './call-kind.js';
import { type Piece, quartersOfRows, type Reading, readingOf, readingOfUser } from './pieces.js';
import type { Interval } from './series.js';

// The sources of calls as SQL fragments for the reports, so that sums do not depend on the source.

/** The columns that calls are grouped by. */
export type Kind = 'agent_type' | 'provider' | 'model_used' | 'status';

/** Calls as a relation, with the parameters of its statement. */
export interface Calls {
  /**
   * Columns: the range between the bounds (`point`, counted from 1; ranges outside must be ignored), the kind, the
   * number of calls, and their figures. Figures can be negative in a single row, but not in the sum.
   */
  sql: string;
  parameters: unknown[];
  add: Add;
}

/** Adds a parameter and returns its placeholder. */
export type Add = (value: unknown) => string;

const FIGURES = [...COUNT_MEASURES, ...COST_MEASURES];

export const SUMS = [
  ...['calls', 'errors', ...COUNT_MEASURES].map((name) => `sum(${name})::bigint as ${name}`),
  ...COST_MEASURES.map((name) => `sum(${name}) as ${name}`),
].join(', ');

/**
 * The columns of a rollup as calls, added or subtracted.
 *
 * @param kinds the kind columns to select, or the user
 * @param errors the number of errors, if it does not have its own column
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
 * The columns of `usage_logs` as calls. A call without an end is running, whatever else is known about it. The types
 * are those of the rollups, so nothing is converted when both are combined.
 */
export function rowOf(kinds: string[]): string {
  const status = `case when response_timestamp is null then 'running'
                       else ${END_STATUS} end::varchar as status`;
  const isError = `response_timestamp is not null and metadata ->> 'status' = 'error'`;
  return [
    ...kinds.map((kind) => (kind === 'status' ? status : kind)),
    '1::bigint as calls',
    `case when ${isError} then 1 else 0 end::bigint as errors`,
    ...COUNT_MEASURES.map((name) => `(${ofRow(name)})::bigint as ${name}`),
    ...COST_MEASURES.map((name) => `${ofRow(name)} as ${name}`),
  ].join(', ');
}

/**
 * The calls between the first and the last bound, of one user or of all.
 *
 * @param interval the approximate distance between the bounds
 * @param kinds the kind columns to select; fewer are faster
 * @param only filters by kind
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
  const fromRunning = sourceOf(`${RUNNING_CALLS} as running`, conditionsOfKind(only, add, 'logs'));
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
 * Hours of one user, for which there are no rollups: rows, which an index finds, and the sums of purged calls, which
 * have the time of their quarter hour.
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
 * Days and months of one user with pending changes, and rows between bounds and anchors. These rows include pending
 * changes, and are subtracted from the point that counted them.
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
    // The days of a time zone have hundreds of edges. The index finds each of them, and `offset 0` makes sure that it
    // is used.
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
 * Rollups with pending changes, and rows if a bound cuts the smallest buckets. Rollups have no running calls. There are
 * few of those, and they always come from the rows.
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
    // If a bound cuts a quarter hour, rows are used for it. They are subtracted from the point that counted it.
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

/** The calls between bounds and anchors: added to their point, and subtracted from the point that counted them. */
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

/** `from … where …` for a table, with additional conditions. */
type From = (...conditions: string[]) => string;

interface Sources {
  logs: From;
  /** Calls without a row. */
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

/** If there are more pieces than this, they are not written one by one. */
const FEW_PIECES = 8;
const MINUTE = 60_000;

/**
 * The condition that a time is in one of the pieces, written so that an index finds it: a few ranges, single buckets if
 * they are far apart, or the whole range from the first to the last piece without the gaps.
 *
 * @param minutes the length of the buckets that the time is the start of
 */
export function within(
  column: string,
  pieces: ReadonlyArray<{ from: number; to: number }>,
  add: Add,
  minutes?: number,
): string {
  if (pieces.length <= FEW_PIECES) {
    const ranges = pieces.map(
      ({ from, to }) => `${column} >= ${add(toTime(from))} and ${column} < ${add(toTime(to))}`,
    );
    return `(${ranges.join(' or ')})`;
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
