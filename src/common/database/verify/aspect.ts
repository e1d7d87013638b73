import type { Catalog } from './catalog.js';

/**
 * One aspect of a database. The same query describes the verified database and the freshly migrated one in the
 * snapshot, so the two can be compared.
 */
export interface Aspect<Description> {
  read(catalog: Catalog): Promise<Description>;
  /**
   * @param isPresent whether the database has a table; a missing table causes no further differences
   * @returns the differences, one line each
   */
  compare(actual: Description, expected: Description, isPresent: (table: string) => boolean): string[];
}

/** By table name, then by a name within the table. */
export type ByTable<T> = Record<string, Record<string, T>>;

export function byTable<Row extends { table: string; name: string }, T>(
  rows: Row[],
  describe: (row: Row) => T,
): ByTable<T> {
  const tables: ByTable<T> = {};
  for (const row of rows) (tables[row.table] ??= {})[row.name] = describe(row);
  return tables;
}

/** Compares the expected properties of existing tables. Additional properties are not differences. */
export function compareByTable<T>(
  actual: ByTable<T>,
  expected: ByTable<T>,
  isPresent: (table: string) => boolean,
  compare: (table: string, name: string, actual: T | undefined, expected: T) => string[],
): string[] {
  return Object.entries(expected)
    .filter(([table]) => isPresent(table))
    .flatMap(([table, parts]) =>
      Object.entries(parts).flatMap(([name, part]) => compare(table, name, actual[table]?.[name], part)),
    );
}
