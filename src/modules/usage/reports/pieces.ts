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

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;

/** The buckets of `usage_rollups` by their minutes, the largest first. */
export const ROLLUP_GRIDS = [evenGrid(1440, 1440), evenGrid(60, 60), evenGrid(15, 15)];

/** The buckets of `usage_user_rollups`. */
export const USER_GRIDS: Array<Grid<'month' | 'day'>> = [
  {
    granularity: 'month',
    floor: (at) => monthOf(at, 0),
    ceil: (at) => (monthOf(at, 0) === at ? at : monthOf(at, 1)),
  },
  evenGrid('day', 1440),
];

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
