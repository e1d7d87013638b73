import { DateTime, IANAZone } from 'luxon';
import { invalidField } from '../../../common/errors/app-error.js';
import type { Period } from './period.js';

export const INTERVALS = ['hour', 'day', 'week', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];

/** More than a person can look at. */
const MAX_POINTS = 2_000;
/** Each point has the figures of each group, and all of them are in one response. */
const MAX_FIGURES = 20_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The default interval for the length of a period. */
export function defaultInterval({ from, to }: Period): Interval {
  const days = (to.getTime() - from.getTime()) / DAY;
  if (days <= 2) return 'hour';
  if (days <= 100) return 'day';
  return days <= 400 ? 'week' : 'month';
}

/**
 * The starts of the points of a series, followed by the end of the period. Between `from` and `to`, they follow the
 * clock and calendar of the time zone: a day can have 23 hours, and a week starts on Monday. If clocks change by half
 * an hour, one hour has 90 minutes.
 *
 * @throws AppError 400 naming `interval` if there are too many
 */
export function boundsOfPoints({ from, to, tz }: Period, interval: Interval): Date[] {
  const bounds = [from];
  for (const at of interval === 'hour' ? hoursAfter(from, tz) : startsAfter(from, tz, interval)) {
    if (at >= to.getTime()) break;
    if (bounds.length === MAX_POINTS) {
      const message = `would give more than ${MAX_POINTS} points: choose a longer interval or a shorter period`;
      throw invalidField('interval', message);
    }
    bounds.push(new Date(at));
  }
  return [...bounds, to];
}

/**
 * Limits a report to a size that can be sent.
 *
 * @param count the number of groups over all points
 * @throws AppError 400 naming `interval` if there are too many
 */
export function assertFigureCount(count: number): void {
  if (count <= MAX_FIGURES) return;
  const message = `would give more than ${MAX_FIGURES} group figures: choose a longer interval or a shorter period`;
  throw invalidField('interval', message);
}

function* startsAfter(from: Date, zone: string, unit: Exclude<Interval, 'hour'>): Generator<number> {
  // Computed in UTC, where every day starts at midnight.
  const start = DateTime.fromJSDate(from, { zone }).setZone('utc', { keepLocalTime: true }).startOf(unit);
  let last = from.getTime();
  for (let count = 1; ; count++) {
    const at = start
      .plus({ [unit]: count })
      .setZone(zone, { keepLocalTime: true })
      .toMillis();
    // A place that moves across the date line skips a whole day.
    if (at > last) yield (last = at);
  }
}

function* hoursAfter(from: Date, tz: string): Generator<number> {
  const zone = IANAZone.create(tz);
  const fullHour = (at: number, offset: number) =>
    Math.ceil((at + offset * MINUTE) / HOUR) * HOUR - offset * MINUTE;
  for (let at = from.getTime(); ;) {
    const next = fullHour(at + 1, zone.offset(at));
    yield (at = fullHour(next, zone.offset(next)));
  }
}
