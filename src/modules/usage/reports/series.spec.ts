import { periodOf } from './period.js';
import { boundsOfPoints, defaultInterval, type Interval } from './series.js';

const bounds = (from: string, to: string, tz: string, interval: Interval) =>
  boundsOfPoints(periodOf({ from, to, tz }), interval).map((bound) => bound.toISOString());
const hours = (times: string[]) =>
  times.slice(1).map((time, index) => (Date.parse(time) - Date.parse(times[index]!)) / 3_600_000);

describe('boundsOfPoints', () => {
  it.each([
    ['Europe/Berlin', '2026-03-28', '2026-03-31', [24, 23, 24]],
    ['Europe/Berlin', '2026-10-24', '2026-10-27', [24, 25, 24]],
    ['America/New_York', '2026-03-07', '2026-03-10', [24, 23, 24]],
    ['Australia/Lord_Howe', '2026-04-04', '2026-04-07', [24, 24.5, 24]],
    ['Australia/Lord_Howe', '2026-10-03', '2026-10-06', [24, 23.5, 24]],
    // Midnight is skipped, or occurs twice.
    ['America/Sao_Paulo', '2018-11-03', '2018-11-06', [24, 23, 24]],
    ['America/Sao_Paulo', '2018-11-04', '2018-11-06', [23, 24]],
    ['America/Sao_Paulo', '2018-02-17', '2018-02-19', [25, 24]],
    ['Africa/Cairo', '2026-04-23', '2026-04-25', [24, 23]],
    // A whole day was skipped.
    ['Pacific/Apia', '2011-12-29', '2012-01-01', [24, 24]],
    ['Asia/Kathmandu', '2026-01-01', '2026-01-03', [24, 24]],
  ] as const)('has the days of %s from %s', (tz, from, to, expected) => {
    expect(hours(bounds(from, to, tz, 'day'))).toEqual(expected);
  });

  it('starts weeks on Monday and months on the first, cut by the period', () => {
    expect(bounds('2026-01-01', '2026-01-15T12:00:00Z', 'UTC', 'week')).toEqual([
      '2026-01-01T00:00:00.000Z',
      '2026-01-05T00:00:00.000Z',
      '2026-01-12T00:00:00.000Z',
      '2026-01-15T12:00:00.000Z',
    ]);
    expect(bounds('2026-01-15', '2026-04-01', 'Europe/Berlin', 'month')).toEqual([
      '2026-01-14T23:00:00.000Z',
      '2026-01-31T23:00:00.000Z',
      '2026-02-28T23:00:00.000Z',
      '2026-03-31T22:00:00.000Z',
    ]);
  });

  it('starts hours when the clock shows full hours', () => {
    expect(bounds('2026-01-01T10:20', '2026-01-01T12:10', 'Asia/Kolkata', 'hour')).toEqual([
      '2026-01-01T04:50:00.000Z',
      '2026-01-01T05:30:00.000Z',
      '2026-01-01T06:30:00.000Z',
      '2026-01-01T06:40:00.000Z',
    ]);
    expect(hours(bounds('2026-10-25', '2026-10-25T06:00', 'Europe/Berlin', 'hour'))).toEqual(
      Array(7).fill(1),
    );
    expect(hours(bounds('2026-10-04', '2026-10-04T06:00', 'Australia/Lord_Howe', 'hour'))).toEqual([
      1, 1.5, 1, 1, 1,
    ]);
    expect(hours(bounds('2026-04-05', '2026-04-05T06:00', 'Australia/Lord_Howe', 'hour'))).toEqual([
      1, 1.5, 1, 1, 1, 1,
    ]);
  });

  it.each(['Pacific/Apia', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Europe/Berlin', 'Africa/Monrovia'])(
    'divides the years of %s along its calendar',
    (tz) => {
      const dayOf = new Intl.DateTimeFormat('en-CA', { timeZone: tz });
      const wrong: unknown[] = [];
      for (const year of [1971, 2011, 2018, 2026]) {
        const points = boundsOfPoints(
          periodOf({ from: `${year}-01-01`, to: `${year + 1}-02-01`, tz }),
          'day',
        );
        for (const [index, end] of points.entries()) {
          if (index === 0) continue;
          const start = points[index - 1]!;
          const day = dayOf.format(start);
          const isDay = end > start && day === dayOf.format(end.getTime() - 1) && day !== dayOf.format(end);
          if (!isDay) wrong.push([start, end]);
        }
        expect(points.length).toBeGreaterThan(390);
      }
      expect(wrong).toEqual([]);
    },
  );

  it('refuses more points than a person can look at', () => {
    expect(bounds('2026-01-01', '2026-03-25T08:00', 'UTC', 'hour')).toHaveLength(2_001);
    expect(() => bounds('2026-01-01', '2026-03-25T08:01', 'UTC', 'hour')).toThrow(/^interval: /);
    expect(() => bounds('1970-01-01', '2999-01-01', 'Europe/Berlin', 'month')).toThrow(/^interval: /);
  });
});

describe('defaultInterval', () => {
  it.each([
    ['2026-01-03', 'hour'],
    ['2026-01-04', 'day'],
    ['2026-04-01', 'day'],
    ['2027-01-01', 'week'],
    ['2030-01-01', 'month'],
  ])('until %s is %s', (to, interval) => {
    expect(defaultInterval(periodOf({ from: '2026-01-01', to, tz: 'UTC' }))).toBe(interval);
  });
});
