const QUARTER_OF_AN_HOUR = 15 * 60_000;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Parses the time before which usage is purged: `2026-01-31` (the start of that day in UTC), or a time with its zone.
 * It must be on a quarter hour, the smallest unit of the rollups.
 *
 * @throws Error with a one-line description of the problem
 */
export function parsePurgeMoment(text: string, now = new Date()): Date {
  const day = DAY.test(text) ? text : TIME.exec(text)?.[1];
  const moment = new Date(text);
  if (day === undefined || !isDay(day) || Number.isNaN(moment.getTime())) {
    throw new Error(`"${text}" is not a date: use 2026-01-31 (in UTC), or a time such as 2026-01-31T12:15Z`);
  }
  if (moment.getTime() % QUARTER_OF_AN_HOUR !== 0) {
    throw new Error(`${text} is not on a quarter hour: rollups have no smaller unit`);
  }
  if (moment > now) throw new Error(`${text} is in the future: only past calls can be purged`);
  return moment;
}

/** JavaScript interprets February 30 as March 2. */
function isDay(text: string): boolean {
  const start = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(start.getTime()) && start.toISOString().startsWith(text);
}
