/**
 * A time that PostgreSQL and cursors both understand. Rows that were written past this server may have any time that
 * PostgreSQL supports, and the list must continue after them. The driver returns infinite times as numbers, and times
 * beyond JavaScript's range (from the year 275760) as invalid dates.
 *
 * @param order of the list. Times that JavaScript cannot distinguish are skipped together: the position is after all of
 * them.
 */
export function toCursorTime(time: Date | number, order: 'ascending' | 'descending' = 'ascending'): string {
  if (typeof time === 'number') return time > 0 ? 'infinity' : '-infinity';
  if (Number.isNaN(time.getTime())) return order === 'ascending' ? 'infinity' : toCursorTime(new Date(LAST));
  const year = time.getUTCFullYear();
  const iso = time.toISOString();
  if (year >= 1 && year <= 9999) return iso;
  const [era, shown] = year < 1 ? [' BC', 1 - year] : ['', year];
  const [day, clock] = iso.slice(-19, -1).split('T');
  return `${String(shown).padStart(4, '0')}-${day} ${clock}+00${era}`;
}

/**
 * A time as returned by the API, for rows that must always be shown. Infinite times become the first or last time of
 * ISO 8601.
 */
export function toApiTime(time: Date | number): string {
  const place = toCursorTime(time);
  if (place.endsWith('Z')) return place;
  return place.startsWith('-') || place.endsWith(' BC')
    ? '0001-01-01T00:00:00.000Z'
    : '9999-12-31T23:59:59.999Z';
}

/** The last time that JavaScript supports. */
const LAST = 8.64e15;

const ISO = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ODD = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})\+00( BC)?$/;

/** Whether a text is one that {@link toCursorTime} returns, and therefore a valid time for PostgreSQL. */
export function isCursorTime(text: string): boolean {
  if (text === 'infinity' || text === '-infinity') return true;
  // JavaScript would read a day that the month does not have as a day of the next month, and PostgreSQL would refuse
  // it.
  if (ISO.test(text)) return toCursorTime(new Date(text)) === text;
  const [, year, month, day, hours, minutes, seconds, milliseconds, era] = ODD.exec(text) ?? [];
  if (year === undefined) return false;
  const time = new Date(0);
  time.setUTCFullYear(era ? 1 - Number(year) : Number(year), Number(month) - 1, Number(day));
  time.setUTCHours(Number(hours), Number(minutes), Number(seconds), Number(milliseconds));
  return time.getTime() > FIRST && toCursorTime(time) === text;
}

/** PostgreSQL has no times before 4713 BC. */
const FIRST = Date.UTC(-4712, 0, 1);
