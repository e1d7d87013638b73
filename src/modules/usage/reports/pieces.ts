/** A way to divide time into buckets. Times are milliseconds since 1970, and buckets are in UTC. */
interface Grid<Granularity> {
  granularity: Granularity;
  /** The start of the bucket that contains a time. */
  floor: (at: number) => number;
  /** The start of the next bucket, or the time itself if a bucket starts there. */
  ceil: (at: number) => number;
}

/** A range of time that is read from buckets of one size, or row by row. */
export interface Piece<Granularity> {
  granularity: Granularity | 'rows';
  from: number;
  to: number;
}

/**
 * How the points between bounds are read from buckets that do not align with them: the days of a time zone overlap two
 * UTC days. Each bound is moved to the nearest start of a large bucket, its anchor. The large buckets between two
 * anchors are counted for the point between their bounds. The time between a bound and its anchor is read from small
 * buckets and rows. Their calls are added to the point that they belong to, and subtracted from the point that counted
 * them.
 */
export interface Reading<Granularity = number> {
  bounds: number[];
  /** Ascending, possibly with equal values. None is outside of the bounds if there is a large bucket between these. */
  anchors: number[];
  /** The source of the large buckets, and their size in minutes. Empty if there are none. */
  large: Array<Piece<Granularity>>;
  /** The pieces between bounds and anchors. */
  small: Array<Piece<number>>;
}

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;

/** The buckets of `usage_rollups` by their minutes, largest first. */
export const ROLLUP_GRIDS = [evenGrid(1440, 1440), evenGrid(60, 60), evenGrid(15, 15)];

/** The buckets of `usage_user_rollups` and `usage_user_kinds`, largest first. */
export const USER_GRIDS: Array<Grid<'month' | 'day'>> = [
  {
    granularity: 'month',
    floor: (at) => monthOf(at, 0),
    ceil: (at) => (monthOf(at, 0) === at ? at : monthOf(at, 1)),
  },
  evenGrid('day', 1440),
];

/**
 * Plans how to read points.
 *
 * @param bounds ascending
 * @param size of the large buckets in minutes: 1440, or 60 for points that are shorter than a day
 * @param grids the available buckets, largest first
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
 * The same for one user, who has buckets for days and months: the time between bounds and anchors is read from rows.
 *
 * @param bounds ascending
 */
export function readingOfUser(bounds: number[]): Reading<'day' | 'month' | 'rows'> {
  const reading = readingOf(bounds, 1440, ROLLUP_GRIDS.slice(0, 1));
  return { ...reading, large: piecesOf(reading.anchors, USER_GRIDS) };
}

/**
 * Divides the time between the first and the last bound into pieces of the largest buckets that fit. No bucket crosses
 * a bound. Time that no bucket fits into is read from rows.
 *
 * @param bounds ascending
 * @param grids largest first; each bucket consists of whole buckets of the next grid
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

/** A piece with calls to add, or to subtract because a larger piece has too many. */
export interface SignedPiece<Granularity> extends Piece<Granularity> {
  sign: 1 | -1;
}

/**
 * Covers a range of time with pieces that add up to it: the largest buckets that nearly fit, and smaller ones to add or
 * subtract the differences at the ends. There are no calls after `now`, so nothing has to be subtracted there.
 *
 * @param grids largest first; each bucket consists of whole buckets of the next grid
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

/** The range that {@link coverOf} reads from buckets. It starts and ends at the start of a smallest bucket. */
export function bucketsOf(
  { from, to }: { from: number; to: number },
  grids: ReadonlyArray<Grid<unknown>>,
  now: number,
): Array<{ from: number; to: number }> {
  const smallest = grids.at(-1)!;
  const [start, end] = [nearestOf(smallest, from, now), nearestOf(smallest, to, now)];
  return start < end ? [{ from: start, to: end }] : [];
}

/** The nearer start of a bucket, before or after a time. */
function nearestOf({ floor, ceil }: Grid<unknown>, at: number, now: number): number {
  const [before, after] = [floor(at), ceil(at)];
  return at - before <= Math.max(0, Math.min(after, now) - at) ? before : after;
}

/** The starts of the quarter hours that are partly read from rows. */
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
