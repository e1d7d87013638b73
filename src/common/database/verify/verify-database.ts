import { type Catalog, withCatalog } from './catalog.js';
import { checkClientIdSecret, checkMigrations } from './content.js';
import { checkRoles } from './roles.js';
import { compareSnapshots, EXPECTED, takeSnapshot } from './snapshot.js';
import { checkUsageRollups, checkUserKinds, checkUserRollups } from './usage-checks.js';

/**
 * Compares a live database with the schema of this version, without changing anything. Additional objects are not
 * differences, unless they extend what users may do.
 *
 * @returns the differences, one line each
 */
export function verifyDatabase({ url }: { url: string }): Promise<string[]> {
  return withCatalog(url, differencesIn);
}

/** {@link verifyDatabase} as a transaction sees the database. */
export async function differencesIn(catalog: Catalog): Promise<string[]> {
  const differences = [
    ...(await checkMigrations(catalog)),
    ...compareSnapshots(await takeSnapshot(catalog), EXPECTED),
    ...(await checkRoles(catalog)),
    ...(await checkClientIdSecret(catalog)),
    ...(await checkUsageRollups(catalog)),
    ...(await checkUserRollups(catalog)),
    ...(await checkUserKinds(catalog)),
  ];
  // PostgreSQL prints longer expressions on several lines.
  return differences.map((difference) => difference.replaceAll(/\s+/g, ' '));
}

/** A one-line summary of what was compared. */
export function describeVerified(): string {
  const { tables, columns, foreignKeys, indexes, policies, triggers, functions, configurationKeys } =
    EXPECTED;
  const count = (byTable: Record<string, object>) =>
    Object.values(byTable).reduce((sum, parts) => sum + Object.keys(parts).length, 0);
  return [
    `${tables.length} tables`,
    `${count(columns)} columns`,
    `${count(foreignKeys)} foreign keys`,
    `${count(indexes)} indexes`,
    `${count(policies)} policies`,
    `${count(triggers)} triggers`,
    `${Object.keys(functions).length} functions`,
    `${configurationKeys.length} configuration keys`,
  ].join(', ');
}
