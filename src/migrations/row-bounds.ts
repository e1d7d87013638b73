/**
 * Limits for every row, so that no row can make a list, a report, the recovery of answers or an administrator's page
 * fail. They apply to all writers, including operators.
 */

/**
 * A CHECK that times are finite and in a range that every client can read. `infinity` is not allowed; null is.
 *
 * PostgreSQL reads each CHECK of a table again for every statement that writes to it. Columns with the same bounds
 * therefore share one.
 */
export const areSane = (...columns: string[]) =>
  between(columns, `timestamptz '1970-01-01 00:00:00+00'`, `timestamptz '9999-12-31 00:00:00+00'`);

/** A CHECK that amounts in US dollars are within what `numeric(10, 6)` holds, and are numbers. */
export const areCosts = (...columns: string[]) => between(columns, `'0'`, `'10000'`);

/** A CHECK that numbers are not negative. */
export const areCounts = (...columns: string[]) => `check (${extreme('least', columns)} >= 0)`;

/** A CHECK that a text is one of these words. A literal array is half as long for PostgreSQL as the list of `in (…)`. */
export const isOneOf = (column: string, values: string[]) =>
  `check (${column} = any ('{${values.join(',')}}'))`;

/** A CHECK that JSON has at most `bytes` bytes as text, and is not nested deeper than 128 levels. */
export const isStorable = (column: string, bytes: number) =>
  `check (switchboard.is_storable(${column}, ${bytes}))`;

/** At least `first`, and below `end`. */
const between = (columns: string[], first: string, end: string) =>
  `check (${extreme('least', columns)} >= ${first} and ${extreme('greatest', columns)} < ${end})`;

const extreme = (which: 'least' | 'greatest', columns: string[]) =>
  columns.length === 1 ? columns[0]! : `${which}(${columns.join(', ')})`;
