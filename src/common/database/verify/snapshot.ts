import { ROW_LEVEL_SECURITY, GRANTS, POLICIES } from './access.js';
import type { Aspect } from './aspect.js';
import type { Catalog } from './catalog.js';
import { CONFIGURATION_KEYS } from './content.js';
import { FOREIGN_KEYS, INDEXES, KEYS } from './keys.js';
import { FUNCTIONS, TRIGGERS } from './routines.js';
import { ALLOWED_VALUES, COLUMNS, TABLES } from './tables.js';
import snapshot from './catalog-snapshot.json' with { type: 'json' };

/** In the order in which their differences are printed. */
export const ASPECTS = {
  tables: TABLES,
  columns: COLUMNS,
  keys: KEYS,
  foreignKeys: FOREIGN_KEYS,
  allowedValues: ALLOWED_VALUES,
  indexes: INDEXES,
  rowLevelSecurity: ROW_LEVEL_SECURITY,
  policies: POLICIES,
  grants: GRANTS,
  triggers: TRIGGERS,
  functions: FUNCTIONS,
  configurationKeys: CONFIGURATION_KEYS,
};

/** The verified properties of a database. */
export type Snapshot = {
  [Name in keyof typeof ASPECTS]: (typeof ASPECTS)[Name] extends Aspect<infer Description>
    ? Description
    : never;
};

/** A freshly migrated database, as described by `npm run db:snapshot`. */
export const EXPECTED = snapshot as unknown as Snapshot;

export async function takeSnapshot(catalog: Catalog): Promise<Snapshot> {
  const described: Record<string, unknown> = {};
  for (const [name, aspect] of Object.entries(ASPECTS)) described[name] = await aspect.read(catalog);
  return described as Snapshot;
}

/** @returns the differences, one line each */
export function compareSnapshots(actual: Snapshot, expected: Snapshot): string[] {
  const present = new Set(expected.tables.filter((table) => actual.tables.includes(table)));
  const isPresent = (table: string) => present.has(table);
  return Object.keys(ASPECTS).flatMap((name) =>
    compareAspect(name as keyof Snapshot, actual, expected, isPresent),
  );
}

function compareAspect<Name extends keyof Snapshot>(
  name: Name,
  actual: Snapshot,
  expected: Snapshot,
  isPresent: (table: string) => boolean,
): string[] {
  // The aspect and both descriptions have the same name, but TypeScript cannot track this through the record.
  const aspect = ASPECTS[name] as unknown as Aspect<Snapshot[Name]>;
  return aspect.compare(actual[name], expected[name], isPresent);
}
