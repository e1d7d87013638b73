import fc from 'fast-check';
import {
  bucketsOf,
  coverOf,
  type Piece,
  piecesOf,
  quartersOfRows,
  readingOf,
  readingOfUser,
  ROLLUP_GRIDS,
  USER_GRIDS,
} from './pieces.js';

const at = (time: string) => Date.parse(`${time}Z`);
const shown = (pieces: Array<Piece<unknown>>) =>
  pieces.map(({ granularity, from, to }) => [
    granularity,
    new Date(from).toISOString().slice(0, 16),
    new Date(to).toISOString().slice(0, 16),
  ]);

// A few days around the end of February, and some later ones, in milliseconds, mostly on bucket boundaries.
const start = Date.UTC(2024, 1, 25);
const minute = 60_000;
const time = fc.oneof(
  fc.nat(10 * 1440).map((minutes) => start + minutes * minute),
  fc.nat(10 * 96).map((quarters) => start + quarters * 15 * minute),
  fc.nat(10).map((days) => start + days * 1440 * minute),
  fc.nat(10 * 1440 * minute).map((milliseconds) => start + milliseconds),
  fc.nat(100).map((days) => start + days * 1440 * minute),
);
const bounds = fc
  .uniqueArray(time, { minLength: 2, maxLength: 12 })
  .map((times) => times.toSorted((a, b) => a - b));

describe('piecesOf', () => {
  it('uses days inside, hours around them, quarter hours around these, and rows at the ends', () => {
    expect(shown(piecesOf([at('2026-01-01T22:50'), at('2026-01-04T02:20')], ROLLUP_GRIDS))).toEqual([
      ['rows', '2026-01-01T22:50', '2026-01-01T23:00'],
      [60, '2026-01-01T23:00', '2026-01-02T00:00'],
      [1440, '2026-01-02T00:00', '2026-01-04T00:00'],
      [60, '2026-01-04T00:00', '2026-01-04T02:00'],
      [15, '2026-01-04T02:00', '2026-01-04T02:15'],
      ['rows', '2026-01-04T02:15', '2026-01-04T02:20'],
    ]);
  });

  it('makes one piece of days that are divided into points', () => {
    const days = Array.from({ length: 366 }, (_, day) => Date.UTC(2026, 0, 1 + day));
    expect(shown(piecesOf(days, ROLLUP_GRIDS))).toEqual([[1440, '2026-01-01T00:00', '2027-01-01T00:00']]);
  });

  it('reads the days of India from hours, and from quarter hours around midnight', () => {
    const days = [0, 1, 2].map((day) => Date.UTC(2026, 0, 1 + day, 18, 30));
    expect(shown(piecesOf(days, ROLLUP_GRIDS))).toEqual([
      [15, '2026-01-01T18:30', '2026-01-01T19:00'],
      [60, '2026-01-01T19:00', '2026-01-02T18:00'],
      [15, '2026-01-02T18:00', '2026-01-02T19:00'],
      [60, '2026-01-02T19:00', '2026-01-03T18:00'],
      [15, '2026-01-03T18:00', '2026-01-03T18:30'],
    ]);
  });

  it('reads time that no bucket fits into from rows', () => {
    expect(shown(piecesOf([at('2026-01-01T10:07'), at('2026-01-01T10:20')], ROLLUP_GRIDS))).toEqual([
      ['rows', '2026-01-01T10:07', '2026-01-01T10:20'],
    ]);
  });

  it('divides any time without gap or overlap, along bounds and whole buckets', () => {
    fc.assert(
      fc.property(bounds, (times) => {
        const pieces = piecesOf(times, ROLLUP_GRIDS);
        let end = times[0]!;
        for (const { from, to, granularity } of pieces) {
          expect(from).toBe(end);
          expect(to).toBeGreaterThan(from);
          end = to;
          const grid = ROLLUP_GRIDS.find((one) => one.granularity === granularity);
          if (!grid) continue;
          expect([grid.floor(from), grid.floor(to)]).toEqual([from, to]);
          for (const bound of times) if (bound > from && bound < to) expect(grid.floor(bound)).toBe(bound);
        }
        expect(end).toBe(times.at(-1));
      }),
    );
  });
});

describe('coverOf', () => {
  const signed = (from: string, to: string, now: string) =>
    coverOf({ from: at(from), to: at(to) }, USER_GRIDS, at(now)).map((piece) => [
      piece.sign,
      ...shown([piece])[0]!,
    ]);

  it('uses months, adds missing days and subtracts extra ones', () => {
    expect(signed('2025-11-27T22:00', '2026-01-28T03:00', '2026-06-01T00:00')).toEqual([
      [1, 'month', '2025-12-01T00:00', '2026-02-01T00:00'],
      [1, 'day', '2025-11-28T00:00', '2025-12-01T00:00'],
      [1, 'rows', '2025-11-27T22:00', '2025-11-28T00:00'],
      [-1, 'day', '2026-01-28T00:00', '2026-02-01T00:00'],
      [1, 'rows', '2026-01-28T00:00', '2026-01-28T03:00'],
    ]);
  });

  it('uses this whole month, because nothing is after now', () => {
    expect(signed('2026-01-01T00:00', '2026-03-04T12:00', '2026-03-04T12:00')).toEqual([
      [1, 'month', '2026-01-01T00:00', '2026-04-01T00:00'],
      [-1, 'day', '2026-03-05T00:00', '2026-04-01T00:00'],
      [-1, 'rows', '2026-03-04T12:00', '2026-03-05T00:00'],
    ]);
  });

  it('reads less than half a day from rows', () => {
    expect(signed('2026-03-04T01:00', '2026-03-04T11:00', '2026-06-01T00:00')).toEqual([
      [1, 'rows', '2026-03-04T01:00', '2026-03-04T11:00'],
    ]);
  });

  it('counts every event once, from buckets, differences and rows', () => {
    fc.assert(
      fc.property(
        time,
        time,
        time,
        fc.array(fc.tuple(time, fc.boolean()), { maxLength: 200 }),
        (one, other, now, events) => {
          const stretch = { from: Math.min(one, other), to: Math.max(one, other) };
          let counted = 0;
          for (const [moment, isPending] of events) {
            for (const { granularity, from, to, sign } of coverOf(stretch, USER_GRIDS, now)) {
              const grid = USER_GRIDS.find((candidate) => candidate.granularity === granularity);
              const seen = grid ? grid.floor(moment) : moment;
              if (!(grid && isPending) && seen >= from && seen < to) counted += sign;
            }
            const bucket = ROLLUP_GRIDS.at(-1)!.floor(moment);
            for (const { from, to } of bucketsOf(stretch, USER_GRIDS, now)) {
              if (isPending && bucket >= from && bucket < to) counted++;
            }
          }
          expect(counted).toBe(
            events.filter(([moment]) => moment >= stretch.from && moment < stretch.to).length,
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('readingOfUser', () => {
  it('uses months and days between the anchors, and reads the edges from rows', () => {
    const { anchors, large, small } = readingOfUser(
      ['2025-11-29T22:00', '2026-01-01T03:00', '2026-02-02T20:00'].map(at),
    );
    expect(anchors).toEqual(['2025-11-30T00:00', '2026-01-01T00:00', '2026-02-02T00:00'].map(at));
    expect(shown(large)).toEqual([
      ['day', '2025-11-30T00:00', '2025-12-01T00:00'],
      ['month', '2025-12-01T00:00', '2026-02-01T00:00'],
      ['day', '2026-02-01T00:00', '2026-02-02T00:00'],
    ]);
    expect(shown(small)).toEqual([
      ['rows', '2025-11-29T22:00', '2025-11-30T00:00'],
      ['rows', '2026-01-01T00:00', '2026-01-01T03:00'],
      ['rows', '2026-02-02T00:00', '2026-02-02T20:00'],
    ]);
  });

  it('counts every event once, in the right point, from buckets, differences and rows', () => {
    fc.assert(
      fc.property(bounds, fc.array(fc.tuple(time, fc.boolean()), { maxLength: 200 }), (times, events) => {
        const { anchors, large, small } = readingOfUser(times);
        const counted = new Map<number, number>();
        const count = (point: number, calls: number) => {
          if (point >= 0 && point < times.length - 1) counted.set(point, (counted.get(point) ?? 0) + calls);
        };
        const pointOf = (moment: number, of: number[]) => of.findLastIndex((bound) => bound <= moment);
        const isIn = (moment: number) => (piece: Piece<unknown>) => moment >= piece.from && moment < piece.to;
        const expected = new Map<number, number>();
        for (const [moment, isPending] of events) {
          const quarter = ROLLUP_GRIDS.at(-1)!.floor(moment);
          if (isPending && quarter >= times[0]! && quarter < times.at(-1)!)
            count(pointOf(quarter, anchors), 1);
          for (const { granularity, ...piece } of isPending ? [] : large) {
            const seen = USER_GRIDS.find((grid) => grid.granularity === granularity)!.floor(moment);
            if (isIn(seen)({ granularity, ...piece })) count(pointOf(seen, anchors), 1);
          }
          if (small.some(isIn(moment))) {
            count(pointOf(moment, times), 1);
            count(pointOf(moment, anchors), -1);
          }
          const point = pointOf(moment, times);
          if (point >= 0 && point < times.length - 1) expected.set(point, (expected.get(point) ?? 0) + 1);
        }
        expect(new Map([...counted].filter(([, calls]) => calls !== 0))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('readingOf', () => {
  const DAY = 86_400_000;

  it('reads days that start with those of UTC only from days', () => {
    const bounds = Array.from({ length: 366 }, (_, day) => Date.UTC(2026, 0, 1 + day));
    const { anchors, large, small } = readingOf(bounds, 1440);
    expect(anchors).toEqual(bounds);
    expect(shown(large)).toEqual([[1440, '2026-01-01T00:00', '2027-01-01T00:00']]);
    expect(small).toEqual([]);
  });

  it('moves the days of Berlin by an hour or two', () => {
    const bounds = ['2026-03-27T23:00', '2026-03-28T23:00', '2026-03-29T22:00', '2026-03-30T22:00'].map(at);
    const { anchors, large, small } = readingOf(bounds, 1440);
    expect(anchors).toEqual(
      ['2026-03-28T00:00', '2026-03-29T00:00', '2026-03-30T00:00', '2026-03-30T00:00'].map(at),
    );
    expect(shown(large)).toEqual([[1440, '2026-03-28T00:00', '2026-03-30T00:00']]);
    expect(shown(small)).toEqual([
      [60, '2026-03-27T23:00', '2026-03-28T00:00'],
      [60, '2026-03-28T23:00', '2026-03-29T00:00'],
      [60, '2026-03-29T22:00', '2026-03-30T22:00'],
    ]);
  });

  it('also reads the days of India by quarter hours, and points shorter than a day without days', () => {
    const { small } = readingOf(
      [0, 1].map((day) => Date.UTC(2026, 0, 1 + day, 18, 30)),
      1440,
    );
    expect(shown(small)).toEqual([
      [15, '2026-01-01T18:30', '2026-01-01T19:00'],
      [60, '2026-01-01T19:00', '2026-01-02T18:00'],
      [15, '2026-01-02T18:00', '2026-01-02T18:30'],
    ]);
    const hours = Array.from({ length: 25 }, (_, hour) => Date.UTC(2026, 0, 1, hour));
    expect(shown(readingOf(hours, 60).large)).toEqual([[60, '2026-01-01T00:00', '2026-01-02T00:00']]);
    expect(readingOf(hours, 60).small).toEqual([]);
  });

  it('keeps at most half of a long series as separate pieces', () => {
    for (const offset of [1, 5.5, 8, 12, 13, -4, -9.5, -11]) {
      const bounds = Array.from({ length: 366 }, (_, day) => Date.UTC(2026, 0, 1 + day) - offset * 3_600_000);
      const { small } = readingOf(bounds, 1440);
      const read = small.reduce((sum, { from, to }) => sum + to - from, 0);
      expect(read).toBeLessThanOrEqual(
        366 * Math.min(Math.abs(offset), 24 - Math.abs(offset)) * 3_600_000 + DAY,
      );
    }
  });

  it.each([1440, 60])(
    'counts every event once, in the right point, from buckets of up to %i minutes, differences and rows',
    (size) => {
      fc.assert(
        fc.property(bounds, fc.array(fc.tuple(time, fc.boolean()), { maxLength: 200 }), (times, events) => {
          const { anchors, large, small } = readingOf(times, size);
          const cut = new Set(quartersOfRows(small));
          const counted = new Map<number, number>();
          const count = (point: number, calls: number) => {
            if (point >= 0 && point < times.length - 1) counted.set(point, (counted.get(point) ?? 0) + calls);
          };
          const pointOf = (moment: number, of: number[]) => of.findLastIndex((bound) => bound <= moment);
          for (const [moment, isPending] of events) {
            // The source of the pieces: buckets do not include pending changes.
            const seenIn = (pieces: Array<Piece<number>>) =>
              pieces.flatMap(({ granularity, from, to }) => {
                const grid = ROLLUP_GRIDS.find((one) => one.granularity === granularity);
                const seen = grid ? grid.floor(moment) : moment;
                return (grid && isPending) || seen < from || seen >= to ? [] : [seen];
              });
            for (const seen of seenIn(large)) count(pointOf(seen, anchors), 1);
            for (const seen of seenIn(small)) {
              count(pointOf(seen, times), 1);
              count(pointOf(seen, anchors), -1);
            }
            const bucket = ROLLUP_GRIDS.at(-1)!.floor(moment);
            if (isPending && bucket >= times[0]! && bucket < times.at(-1)!) {
              count(pointOf(bucket, cut.has(bucket) ? anchors : times), 1);
            }
          }
          const expected = new Map<number, number>();
          for (const [moment] of events) {
            const point = pointOf(moment, times);
            if (point < 0 || point === times.length - 1) continue;
            expected.set(point, (expected.get(point) ?? 0) + 1);
          }
          const something = [...counted].filter(([, calls]) => calls !== 0);
          expect(new Map(something)).toEqual(expected);
        }),
        { numRuns: 300 },
      );
    },
  );
});
