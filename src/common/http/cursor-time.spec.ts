import { isCursorTime, toCursorTime, toApiTime } from './cursor-time.js';

const yearsBefore = (year: number) => new Date(new Date(0).setUTCFullYear(year));

describe('toCursorTime', () => {
  it.each<[Date | number, string]>([
    [new Date('2026-01-02T03:04:05.678Z'), '2026-01-02T03:04:05.678Z'],
    [new Date('+020000-01-02T03:04:05.678Z'), '20000-01-02 03:04:05.678+00'],
    [new Date(8.64e15), '275760-09-13 00:00:00.000+00'],
    [yearsBefore(0), '0001-01-01 00:00:00.000+00 BC'],
    [yearsBefore(-43), '0044-01-01 00:00:00.000+00 BC'],
    [Infinity, 'infinity'],
    [-Infinity, '-infinity'],
    [new Date(Number.NaN), 'infinity'],
  ])('writes %s as a time of PostgreSQL', (time, place) => {
    expect(toCursorTime(time)).toBe(place);
    expect(isCursorTime(place)).toBe(true);
  });

  it('skips times beyond the range of JavaScript if the newest come first', () => {
    expect(toCursorTime(new Date(Number.NaN), 'descending')).toBe('275760-09-13 00:00:00.000+00');
    expect(toCursorTime(Infinity, 'descending')).toBe('infinity');
  });
});

describe('isCursorTime', () => {
  it.each([
    '',
    'now',
    'Infinity',
    '2026-02-30T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '0000-01-01T00:00:00.000Z',
    '2026-01-01 00:00:00.000+00',
    '20000-13-01 00:00:00.000+00',
    '275760-09-14 00:00:00.000+00',
    '999999-01-01 00:00:00.000+00',
    '4800-01-01 00:00:00.000+00 BC',
    "2026-01-01T00:00:00.000Z'",
  ])('refuses %j', (text) => expect(isCursorTime(text)).toBe(false));
});

describe('toApiTime', () => {
  it('stays within the years that ISO 8601 writes with four digits', () => {
    expect(toApiTime(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
    expect(toApiTime(Infinity)).toBe('9999-12-31T23:59:59.999Z');
    expect(toApiTime(new Date('+020000-01-01T00:00:00.000Z'))).toBe('9999-12-31T23:59:59.999Z');
    expect(toApiTime(-Infinity)).toBe('0001-01-01T00:00:00.000Z');
    expect(toApiTime(yearsBefore(-43))).toBe('0001-01-01T00:00:00.000Z');
  });
});
