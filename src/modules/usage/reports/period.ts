import { DateTime, IANAZone } from 'luxon';
import { invalidField } from '../../../common/errors/app-error.js';

/** From `from`, up to but not including `to`, as the reader in the time zone `tz` (IANA) counts days. */
export interface Period {
  from: Date;
  to: Date;
  tz: string;
}

/** What a query says of a period. */
export interface PeriodQuery {
  from?: string;
  to?: string;
  tz: string;
}

/** Days of a period that says nothing of its beginning. */
export const DEFAULT_DAYS = 30;

/** `2026-03-01`, a day where the reader is, or a time with or without an offset; of the years 1970 to 2999. */
const ISO_TIME =
  /^(?:19[7-9]|2\d\d)\d-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

export function isTime(value: unknown): value is string {
  return typeof value === 'string' && ISO_TIME.test(value) && DateTime.fromISO(value).isValid;
}

/** Only names: an offset knows nothing of summer time. */
export function isTimeZone(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z]/i.test(value) && IANAZone.isValidZone(value);
}

/**
 * The bounds that a query names; what it leaves open stays open.
 *
 * @throws AppError 400 naming `to` when it isn't after `from`
 */
export function boundsOf({ from, to, tz }: PeriodQuery): Partial<Period> {
  const bounds = { from: momentOf(from, tz), to: momentOf(to, tz) };
  if (bounds.from && bounds.to && bounds.to <= bounds.from) throw invalidField('to', 'must be after from');
  return bounds;
}

/**
 * The period that a query means: up to now, and from the beginning of the day that was 29 days before its last one, if
 * it doesn't say.
 *
 * @throws AppError 400 naming `to` or `from` when the period has no length
 */
export function periodOf(query: PeriodQuery, now = new Date()): Period {
  const bounds = boundsOf(query);
  const to = bounds.to ?? now;
  const from = bounds.from ?? startOfDay(new Date(to.getTime() - 1), query.tz, 1 - DEFAULT_DAYS);
  if (from >= to) throw invalidField('from', 'must be before to (default: now)');
  return { from, to, tz: query.tz };
}

/** The period of the same length before: of as many days where it is made of whole ones, though one of them may be of 23 hours. */
export function periodBefore({ from, to, tz }: Period): Period {
  const start = DateTime.fromJSDate(from, { zone: tz });
  const days = DateTime.fromJSDate(to, { zone: tz }).diff(start, 'days').as('days');
  const previous = Number.isInteger(days)
    ? start.minus({ days }).toJSDate()
    : new Date(from.getTime() - (to.getTime() - from.getTime()));
  return { from: previous, to: from, tz };
}

/** When the day of a moment begins, or one so many days later. */
export function startOfDay(moment: Date, tz: string, days = 0): Date {
  return DateTime.fromJSDate(moment, { zone: tz }).startOf('day').plus({ days }).startOf('day').toJSDate();
}

function momentOf(text: string | undefined, zone: string): Date | undefined {
  return text === undefined ? undefined : DateTime.fromISO(text, { zone }).toJSDate();
}
