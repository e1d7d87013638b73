import { DateTime, IANAZone } from 'luxon';
import { invalidField } from '../../../common/errors/app-error.js';

/** From `from` (inclusive) to `to` (exclusive), with days in the time zone `tz` (IANA). */
export interface Period {
  from: Date;
  to: Date;
  tz: string;
}

/** The period in a query. */
export interface PeriodQuery {
  from?: string;
  to?: string;
  tz: string;
}

/** The number of days in a period without a start. */
export const DEFAULT_DAYS = 30;

/** `2026-03-01` (a day in the reader's time zone), or a time with or without an offset, in the years 1970 to 2999. */
const ISO_TIME =
  /^(?:19[7-9]|2\d\d)\d-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

export function isTime(value: unknown): value is string {
  return typeof value === 'string' && ISO_TIME.test(value) && DateTime.fromISO(value).isValid;
}

/** Only names, because an offset does not include daylight saving time. */
export function isTimeZone(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z]/i.test(value) && IANAZone.isValidZone(value);
}

/**
 * The bounds in a query. Missing bounds stay open.
 *
 * @throws AppError 400 naming `to` if it is not after `from`
 */
export function boundsOf({ from, to, tz }: PeriodQuery): Partial<Period> {
  const bounds = { from: momentOf(from, tz), to: momentOf(to, tz) };
  if (bounds.from && bounds.to && bounds.to <= bounds.from) throw invalidField('to', 'must be after from');
  return bounds;
}

/**
 * The period of a query. By default it ends now, and it starts at the beginning of the day that is 29 days before its
 * last day.
 *
 * @throws AppError 400 naming `to` or `from` if the period is empty
 */
export function periodOf(query: PeriodQuery, now = new Date()): Period {
  const bounds = boundsOf(query);
  const to = bounds.to ?? now;
  const from = bounds.from ?? startOfDay(new Date(to.getTime() - 1), query.tz, 1 - DEFAULT_DAYS);
  if (from >= to) throw invalidField('from', 'must be before to (default: now)');
  return { from, to, tz: query.tz };
}

/**
 * The previous period of the same length. If the period consists of whole days, the previous one has as many days, even
 * if one of them has 23 hours.
 */
export function periodBefore({ from, to, tz }: Period): Period {
  const start = DateTime.fromJSDate(from, { zone: tz });
  const days = DateTime.fromJSDate(to, { zone: tz }).diff(start, 'days').as('days');
  const previous = Number.isInteger(days)
    ? start.minus({ days }).toJSDate()
    : new Date(from.getTime() - (to.getTime() - from.getTime()));
  return { from: previous, to: from, tz };
}

/** The start of the day of a time, or the start of the day that many days later. */
export function startOfDay(moment: Date, tz: string, days = 0): Date {
  return DateTime.fromJSDate(moment, { zone: tz }).startOf('day').plus({ days }).startOf('day').toJSDate();
}

function momentOf(text: string | undefined, zone: string): Date | undefined {
  return text === undefined ? undefined : DateTime.fromISO(text, { zone }).toJSDate();
}
