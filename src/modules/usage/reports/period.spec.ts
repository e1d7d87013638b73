import { boundsOf, isTime, isTimeZone, periodBefore, periodOf } from './period.js';

const shown = ({ from, to }: { from?: Date; to?: Date }) => [from?.toISOString(), to?.toISOString()];

describe('a period', () => {
  it("reads days and times in the reader's time zone", () => {
    const tz = 'Europe/Berlin';
    expect(shown(periodOf({ from: '2026-03-01', to: '2026-04-01', tz }))).toEqual([
      '2026-02-28T23:00:00.000Z',
      '2026-03-31T22:00:00.000Z',
    ]);
    expect(shown(periodOf({ from: '2026-03-01T12:00', to: '2026-03-01T12:00:00.001Z', tz }))).toEqual([
      '2026-03-01T11:00:00.000Z',
      '2026-03-01T12:00:00.001Z',
    ]);
    expect(shown(boundsOf({ to: '2026-03-01T12:00:00-05:30', tz }))).toEqual([
      undefined,
      '2026-03-01T17:30:00.000Z',
    ]);
  });

  it('defaults to the last thirty days of the reader, including today', () => {
    const now = new Date('2026-04-10T23:30:00.000Z');
    expect(shown(periodOf({ tz: 'UTC' }, now))).toEqual(['2026-03-12T00:00:00.000Z', now.toISOString()]);
    expect(shown(periodOf({ tz: 'Europe/Berlin' }, now))).toEqual([
      '2026-03-12T23:00:00.000Z',
      now.toISOString(),
    ]);
    expect(shown(periodOf({ to: '2026-04-01', tz: 'UTC' }, now))[0]).toBe('2026-03-02T00:00:00.000Z');
  });

  it('is not empty', () => {
    const tz = 'UTC';
    expect(() => periodOf({ from: '2026-03-01', to: '2026-03-01', tz })).toThrow(/^to: /);
    expect(() => periodOf({ from: '2026-03-02', to: '2026-03-01', tz })).toThrow(/^to: /);
    expect(() => periodOf({ from: '2999-01-01', tz })).toThrow(/^from: /);
  });

  it('follows a period of the same length', () => {
    const before = (from: string, to: string, tz: string) => shown(periodBefore(periodOf({ from, to, tz })));
    expect(before('2026-03-01', '2026-04-01', 'UTC')).toEqual([
      '2026-01-29T00:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]);
    // Two weeks, the later one an hour shorter.
    expect(before('2026-03-23', '2026-03-30', 'Europe/Berlin')).toEqual([
      '2026-03-15T23:00:00.000Z',
      '2026-03-22T23:00:00.000Z',
    ]);
    expect(before('2026-03-30', '2026-04-06', 'Europe/Berlin')[0]).toBe('2026-03-22T23:00:00.000Z');
    expect(before('2026-03-01T10:00', '2026-03-01T10:00:00.001', 'UTC')[0]).toBe('2026-03-01T09:59:59.999Z');
  });
});

describe('isTime', () => {
  it.each([
    '2026-03-01',
    '2026-03-01T09:00',
    '2026-03-01T09:00:00.123Z',
    '2026-03-01T09:00:00+05:30',
    '1970-01-01',
  ])('accepts %s', (text) => expect(isTime(text)).toBe(true));

  it.each([
    '',
    'today',
    '2026',
    '2026-13-01',
    '2026-02-30',
    '2026-3-1',
    '1969-12-31',
    '3000-01-01',
    '20260301',
    '-002026-01-01',
    '2026-03-01T25:00',
    ['2026-03-01'],
    20260301,
  ])('refuses %j', (text) => expect(isTime(text)).toBe(false));
});

describe('isTimeZone', () => {
  it.each(['UTC', 'Europe/Berlin', 'europe/berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+3', 'CET'])(
    'accepts %s',
    (tz) => expect(isTimeZone(tz)).toBe(true),
  );

  it.each([
    '',
    'local',
    'system',
    '+02:00',
    'UTC+2',
    'Mars/Olympus',
    'Europe/Berlin ',
    'DROP TABLE',
    ['UTC'],
    1,
  ])('refuses %j', (tz) => expect(isTimeZone(tz)).toBe(false));
});
