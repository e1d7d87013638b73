import { parsePurgeMoment } from './purge-moment.js';

const NOW = new Date('2026-06-15T12:34:56.789Z');

describe('parsePurgeMoment', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-01-31T12:15Z', '2026-01-31T12:15:00.000Z'],
    ['2026-01-31T12:15:00.000Z', '2026-01-31T12:15:00.000Z'],
    ['2026-01-31T00:00+05:45', '2026-01-30T18:15:00.000Z'],
    ['2026-06-15T12:30:00Z', '2026-06-15T12:30:00.000Z'],
  ])('takes %s for %s', (text, expected) => {
    expect(parsePurgeMoment(text, NOW).toISOString()).toBe(expected);
  });

  it.each([
    '',
    'yesterday',
    '2026',
    '2026-1-31',
    '31.01.2026',
    '2026-02-30',
    '2026-13-01',
    '2026-02-29T00:00Z',
    '2026-01-31T25:00Z',
    // The time zone of this midnight is unknown.
    '2026-01-31T00:00',
    '2026-01-31 00:00Z',
    '1767225600',
  ])('refuses %j', (text) => {
    expect(() => parsePurgeMoment(text, NOW)).toThrow(/is not a date/);
  });

  it.each([
    '2026-01-31T12:10Z',
    '2026-01-31T12:15:01Z',
    '2026-01-31T12:15:00.001Z',
    '2026-01-31T12:00+00:07',
  ])('refuses %s, which is not on a quarter hour', (text) => {
    expect(() => parsePurgeMoment(text, NOW)).toThrow(/quarter hour/);
  });

  it.each(['2026-06-16', '2026-06-15T12:45Z', '9999-12-31'])('refuses %s, which is in the future', (text) => {
    expect(() => parsePurgeMoment(text, NOW)).toThrow(/future/);
  });
});
