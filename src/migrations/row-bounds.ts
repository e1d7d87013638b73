/**
 * Limits for every row, so that no row can make a list, a report, the recovery of answers or an administrator's page
 * fail. They apply to all writers, including operators.
 */

/** A CHECK that a time is finite and in a range that every client can read. `infinity` is not allowed. */
export const isSane = (column: string) =>
  `check (${column} >= timestamptz '1970-01-01 00:00:00+00' and ${column} < timestamptz '9999-12-31 00:00:00+00')`;

/** A CHECK that JSON has at most `bytes` bytes as text, and is not nested deeper than 128 levels. */
export const isStorable = (column: string, bytes: number) =>
  `check (switchboard.is_storable(${column}, ${bytes}))`;
