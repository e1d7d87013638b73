/**
 * Bounds that every row keeps, so that no row can make a list, a report, the recovery of answers or an administrator's page
 * fail. They hold for all writers, operators included.
 */

/** A CHECK that a time is finite and one that every client can read. `infinity` is neither. */
export const isSane = (column: string) =>
  `check (${column} >= timestamptz '1970-01-01 00:00:00+00' and ${column} < timestamptz '9999-12-31 00:00:00+00')`;

/** A CHECK that JSON is at most `bytes` long as text, and not nested deeper than 128 levels. */
export const isStorable = (column: string, bytes: number) =>
  `check (switchboard.is_storable(${column}, ${bytes}))`;
