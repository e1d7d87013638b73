/** A way to cut time into buckets; times are milliseconds since 1970, buckets are UTC's. */
interface Grid<Granularity> {
  granularity: Granularity;
  /** Where the bucket of a time begins. */
  floor: (at: number) => number;
  /** Where the next bucket begins, unless one begins at this very time. */
  ceil: (at: number) => number;
}

/** A stretch of time that is read from buckets of one size, or row by row. */
export interface Piece<Granularity> {
  granularity: Granularity | 'rows';
  from: number;
  to: number;
}

/**
 * How the points between some bounds are read from buckets that are not made for them: the days of a time zone lie across
 * those of UTC. Each bound is moved to the nearest beginning of a large bucket, its anchor; the large buckets between two
 * anchors are counted for the point between their bounds. What lies between a bound and its anchor is read from small
 * buckets and rows, which are added to the point they belong to, and taken from the one they were counted for.
 */
export interface Reading<Granularity = number> {
  bounds: number[];
  /** Ascending, though some may be the same; none is outside of the bounds if there is a large bucket between these. */
  anchors: number[];
  /** What the large buckets are read of, and their size in minutes; empty if there is none. */
  large: Array<Piece<Granularity>>;
  /** What lies between bounds and anchors. */
  small: Array<Piece<number>>;
}

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;

/** The buckets of `usage_rollups` by their minutes, the largest first. */
export const ROLLUP_GRIDS = [evenGrid(1440, 1440), evenGrid(60, 60), evenGrid(15, 15)];

/** The buckets of `usage_user_rollups` and `usage_user_kinds`, the largest first. */
export const USER_GRIDS: Array<Grid<'month' | 'day'>> = [
  {
    granularity: 'month',
    floor: (at) => monthOf(at, 0),
    ceil: (at) => (monthOf(at, 0) === at ? at : monthOf(at, 1)),
  },
  evenGrid('day', 1440),
];

/**
 * Plans the reading of points.
 *
 * @param bounds ascending
 * @param size of the large buckets in minutes: 1440, or 60 for points that are shorter than a day
 * @param grids of the buckets there are, the largest first
 */
export function readingOf(bounds: number[], size: number, grids = ROLLUP_GRIDS): Reading {
  const [grid, ...smaller] = grids.filter(({ granularity }) => granularity <= size);
  const [from, to] = [bounds[0]!, bounds.at(-1)!];
  const [first, last] = [grid!.ceil(from), grid!.floor(to)];
  const isAnyWhole = first < last;
  const anchors = bounds.map((bound) => {
    const before = grid!.floor(bound);
    const nearest = bound - before < (size * MINUTE) / 2 ? before : grid!.ceil(bound);
    return isAnyWhole ? Math.min(Math.max(nearest, first), last) : first;
  });
  const regions: number[][] = [];
  for (const [index, bound] of bounds.entries()) {
    const start = Math.max(from, Math.min(bound, anchors[index]!));
    const end = Math.min(to, Math.max(bound, anchors[index]!));
    const region = regions.at(-1);
    if (region && start <= region.at(-1)!) {
      const before = region.pop()!;
      region.push(bound, Math.max(before, end));
    } else regions.push([start, bound, end]);
  }
  return {
    bounds,
    anchors,
    large: isAnyWhole ? [{ granularity: size, from: first, to: last }] : [],
    small: regions.flatMap((region) => piecesOf(region, smaller)),
  };
}

/**
 * The same for one user, whose buckets are days and months: what lies between bounds and anchors is left to the rows.
 *
 * @param bounds ascending
 */
export function readingOfUser(bounds: number[]): Reading<'day' | 'month' | 'rows'> {
  const reading = readingOf(bounds, 1440, ROLLUP_GRIDS.slice(0, 1));
  return { ...reading, large: piecesOf(reading.anchors, USER_GRIDS) };
}

/**
 * Cuts the time between the first and the last of the bounds into pieces, of the largest buckets that fit. No bucket lies
 * on both sides of a bound; what no bucket fits into is left to the rows.
 *
 * @param bounds ascending
 * @param grids the largest first, each bucket made of whole ones of the next
 */
export function piecesOf<Granularity>(
  bounds: readonly number[],
  grids: ReadonlyArray<Grid<Granularity>>,
): Array<Piece<Granularity>> {
  const pieces: Array<Piece<Granularity>> = [];
  const add = (granularity: Granularity | 'rows', from: number, to: number) => {
    const last = pieces.at(-1);
    if (last?.granularity === granularity && last.to === from) last.to = to;
    else pieces.push({ granularity, from, to });
  };
  const cut = (from: number, to: number, [grid, ...smaller]: ReadonlyArray<Grid<Granularity>>) => {
    if (from >= to) return;
    if (!grid) return add('rows', from, to);
    const start = grid.ceil(from);
    const end = grid.floor(to);
    if (start >= end) return cut(from, to, smaller);
    cut(from, start, smaller);
    add(grid.granularity, start, end);
    cut(end, to, smaller);
  };
  for (const [index, to] of bounds.slice(1).entries()) cut(bounds[index]!, to, grids);
  return pieces;
}

/** A piece whose calls are added, or taken away because a larger one has too many. */
export interface SignedPiece<Granularity> extends Piece<Granularity> {
  sign: 1 | -1;
}

/**
 * Covers a stretch of time with pieces whose sum it is: of the largest buckets that nearly fit, with smaller ones for what
 * is missing at the ends, or too much. Nothing has happened yet after `now`, so nothing has to be taken away there.
 *
 * @param grids the largest first, each bucket made of whole ones of the next
 */
export function coverOf<Granularity>(
  { from, to }: { from: number; to: number },
  [grid, ...smaller]: ReadonlyArray<Grid<Granularity>>,
  now: number,
): Array<SignedPiece<Granularity>> {
  if (from >= to) return [];
  if (!grid) return [{ granularity: 'rows', from, to, sign: 1 }];
  const [start, end] = [nearestOf(grid, from, now), nearestOf(grid, to, now)];
  if (start >= end) return coverOf({ from, to }, smaller, now);
  const taken = [
    ...coverOf({ from: start, to: from }, smaller, now),
    ...coverOf({ from: to, to: end }, smaller, now),
  ].map((piece): SignedPiece<Granularity> => ({ ...piece, sign: piece.sign === 1 ? -1 : 1 }));
  return [
    { granularity: grid.granularity, from: start, to: end, sign: 1 },
    ...coverOf({ from, to: start }, smaller, now),
    ...coverOf({ from: end, to }, smaller, now),
    ...taken,
  ];
}

/** What {@link coverOf} reads from buckets, on the whole: from and to the beginning of one of the smallest. */
export function bucketsOf(
  { from, to }: { from: number; to: number },
  grids: ReadonlyArray<Grid<unknown>>,
  now: number,
): Array<{ from: number; to: number }> {
  const smallest = grids.at(-1)!;
  const [start, end] = [nearestOf(smallest, from, now), nearestOf(smallest, to, now)];
  return start < end ? [{ from: start, to: end }] : [];
}

/** The beginning of a bucket with less between it and a time than the other one has. */
function nearestOf({ floor, ceil }: Grid<unknown>, at: number, now: number): number {
  const [before, after] = [floor(at), ceil(at)];
  return at - before <= Math.max(0, Math.min(after, now) - at) ? before : after;
}

/** The quarters of an hour, by their beginnings, of which some is left to the rows. */
export function quartersOfRows(pieces: ReadonlyArray<Piece<unknown>>): number[] {
  const quarters = new Set<number>();
  for (const { granularity, from, to } of pieces) {
    if (granularity !== 'rows') continue;
    for (let at = Math.floor(from / QUARTER) * QUARTER; at < to; at += QUARTER) quarters.add(at);
  }
  return [...quarters];
}

function evenGrid<Granularity>(granularity: Granularity, minutes: number): Grid<Granularity> {
  const size = minutes * MINUTE;
  return {
    granularity,
    floor: (at) => Math.floor(at / size) * size,
    ceil: (at) => Math.ceil(at / size) * size,
  };
}

function monthOf(at: number, later: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later);
}
