import fc from 'fast-check';
import { type Piece, piecesOf, quartersOfRows, ROLLUP_GRIDS, USER_GRIDS } from './pieces.js';

const at = (time: string) => Date.parse(`${time}Z`);
const shown = (pieces: Array<Piece<unknown>>) =>
  pieces.map(({ granularity, from, to }) => [
    granularity,
    new Date(from).toISOString().slice(0, 16),
    new Date(to).toISOString().slice(0, 16),
  ]);

describe('piecesOf', () => {
  it('takes days inside, hours around, quarters around these, and rows at the ends', () => {
    expect(shown(piecesOf([at('2026-01-01T22:50'), at('2026-01-04T02:20')], ROLLUP_GRIDS))).toEqual([
      ['rows', '2026-01-01T22:50', '2026-01-01T23:00'],
      [60, '2026-01-01T23:00', '2026-01-02T00:00'],
      [1440, '2026-01-02T00:00', '2026-01-04T00:00'],
      [60, '2026-01-04T00:00', '2026-01-04T02:00'],
      [15, '2026-01-04T02:00', '2026-01-04T02:15'],
      ['rows', '2026-01-04T02:15', '2026-01-04T02:20'],
    ]);
  });

  it('makes one piece of days that are cut into points', () => {
    const days = Array.from({ length: 366 }, (_, day) => Date.UTC(2026, 0, 1 + day));
    expect(shown(piecesOf(days, ROLLUP_GRIDS))).toEqual([[1440, '2026-01-01T00:00', '2027-01-01T00:00']]);
  });

  it('reads the days of India from hours, and from quarters around midnight', () => {
    const days = [0, 1, 2].map((day) => Date.UTC(2026, 0, 1 + day, 18, 30));
    expect(shown(piecesOf(days, ROLLUP_GRIDS))).toEqual([
      [15, '2026-01-01T18:30', '2026-01-01T19:00'],
      [60, '2026-01-01T19:00', '2026-01-02T18:00'],
      [15, '2026-01-02T18:00', '2026-01-02T19:00'],
      [60, '2026-01-02T19:00', '2026-01-03T18:00'],
      [15, '2026-01-03T18:00', '2026-01-03T18:30'],
    ]);
  });

  it('takes months inside and days around for users', () => {
    expect(shown(piecesOf([at('2025-11-29T23:00'), at('2026-02-02T00:00')], USER_GRIDS))).toEqual([
      ['rows', '2025-11-29T23:00', '2025-11-30T00:00'],
      ['day', '2025-11-30T00:00', '2025-12-01T00:00'],
      ['month', '2025-12-01T00:00', '2026-02-01T00:00'],
      ['day', '2026-02-01T00:00', '2026-02-02T00:00'],
    ]);
  });

  it('leaves to the rows what no bucket fits into', () => {
    expect(shown(piecesOf([at('2026-01-01T10:07'), at('2026-01-01T10:20')], ROLLUP_GRIDS))).toEqual([
      ['rows', '2026-01-01T10:07', '2026-01-01T10:20'],
    ]);
  });

  // A few days around the end of a February, in milliseconds, mostly on bounds of buckets.
  const start = Date.UTC(2024, 1, 25);
  const minute = 60_000;
  const time = fc.oneof(
    fc.nat(10 * 1440).map((minutes) => start + minutes * minute),
    fc.nat(10 * 96).map((quarters) => start + quarters * 15 * minute),
    fc.nat(10).map((days) => start + days * 1440 * minute),
    fc.nat(10 * 1440 * minute).map((milliseconds) => start + milliseconds),
  );
  const bounds = fc
    .uniqueArray(time, { minLength: 2, maxLength: 12 })
    .map((times) => times.toSorted((a, b) => a - b));

  it.each([
    ['rollups', ROLLUP_GRIDS, (pieces: Array<Piece<unknown>>) => rowsWithin(pieces, 30)],
    ['rollups of users', USER_GRIDS, (pieces: Array<Piece<unknown>>) => rowsWithin(pieces, 2 * 1440)],
  ])('cuts any time without gap or overlap, along bounds and whole buckets: %s', (_, grids, rowsAreShort) => {
    fc.assert(
      fc.property(bounds, (times) => {
        const pieces: Array<Piece<unknown>> = piecesOf<unknown>(times, grids);
        let end = times[0]!;
        for (const { from, to, granularity } of pieces) {
          expect(from).toBe(end);
          expect(to).toBeGreaterThan(from);
          end = to;
          const grid = grids.find((one) => one.granularity === granularity);
          if (!grid) continue;
          expect([grid.floor(from), grid.floor(to)]).toEqual([from, to]);
          for (const bound of times) if (bound > from && bound < to) expect(grid.floor(bound)).toBe(bound);
        }
        expect(end).toBe(times.at(-1));
        expect(rowsAreShort(pieces)).toBe(true);
      }),
    );
  });

  it('counts every event once, in the right place, from buckets, differences and rows', () => {
    fc.assert(
      fc.property(bounds, fc.array(fc.tuple(time, fc.boolean()), { maxLength: 200 }), (times, events) => {
        const pieces = piecesOf(times, ROLLUP_GRIDS);
        const cut = new Set(quartersOfRows(pieces));
        const quarter = ROLLUP_GRIDS.at(-1)!;
        const counted = new Map<number, number>();
        const count = (moment: number) => {
          const point = times.findLastIndex((bound) => bound <= moment);
          counted.set(point, (counted.get(point) ?? 0) + 1);
        };
        for (const [moment, isPending] of events) {
          for (const { granularity, from, to } of pieces) {
            const grid = ROLLUP_GRIDS.find((one) => one.granularity === granularity);
            const seen = grid ? grid.floor(moment) : moment;
            if ((grid && isPending) || seen < from || seen >= to) continue;
            count(seen);
          }
          const bucket = quarter.floor(moment);
          if (isPending && bucket >= times[0]! && bucket < times.at(-1)! && !cut.has(bucket)) count(bucket);
        }
        const expected = new Map<number, number>();
        for (const [moment] of events) {
          if (moment < times[0]! || moment >= times.at(-1)!) continue;
          const point = times.findLastIndex((bound) => bound <= moment);
          expected.set(point, (expected.get(point) ?? 0) + 1);
        }
        expect(counted).toEqual(expected);
      }),
    );
  });
});

function rowsWithin(pieces: Array<Piece<unknown>>, minutes: number): boolean {
  // Pieces of rows on both sides of a bound are one.
  const rows = pieces.filter(({ granularity }) => granularity === 'rows');
  return rows.length < 2 || rows.every(({ from, to }) => to - from < 12 * minutes * 60_000);
}
