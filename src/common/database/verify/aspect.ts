import type { Catalog } from './catalog.js';

/**
 * One aspect of a database. The same query describes the database that is verified and the freshly migrated one that the
 * snapshot was taken of, so that both can be compared.
 */
export interface Aspect<Description> {
  read(catalog: Catalog): Promise<Description>;
  /**
   * @param isPresent whether the database has a table; nothing more is said about one that is missing
   * @returns the differences, a line each
   */
  compare(actual: Description, expected: Description, isPresent: (table: string) => boolean): string[];
}

/** By the name of the table, and then by a name within the table. */
export type ByTable<T> = Record<string, Record<string, T>>;

export function byTable<Row extends { table: string; name: string }, T>(
  rows: Row[],
  describe: (row: Row) => T,
): ByTable<T> {
  const tables: ByTable<T> = {};
  for (const row of rows) (tables[row.table] ??= {})[row.name] = describe(row);
  return tables;
}

/** Compares everything that is expected of the tables that are there. What a table has besides is no difference. */
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
