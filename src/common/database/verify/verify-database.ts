import { checkGrants, checkPolicies, checkRoles, checkRowLevelSecurity } from './access-checks.js';
import { type Check, withCatalog } from './catalog.js';
import { checkClientIdSecret, checkConfigKeys, checkMigrations } from './content-checks.js';
import { ACCESS, FUNCTIONS, TRIGGERS } from './expected-access.js';
import { CONFIG_KEYS, TABLES } from './expected-schema.js';
import { checkForeignKeys, checkIndexes, checkKeys } from './key-checks.js';
import { checkFunctions, checkTriggers } from './routine-checks.js';
import { checkUsageRollups, checkUserKinds, checkUserRollups } from './usage-checks.js';
import { checkAllowedValues, checkColumns, checkTables } from './table-checks.js';

/** In the order in which their differences are told. */
const CHECKS: readonly Check[] = [
  checkMigrations,
  checkTables,
  checkColumns,
  checkKeys,
  checkForeignKeys,
  checkAllowedValues,
  checkIndexes,
  checkRowLevelSecurity,
  checkPolicies,
  checkRoles,
  checkGrants,
  checkTriggers,
  checkFunctions,
  checkConfigKeys,
  checkClientIdSecret,
  checkUsageRollups,
  checkUserRollups,
  checkUserKinds,
];

/**
 * Compares a live database with the schema that this version is written for, without changing anything. What a database
 * has besides is no difference, unless it lets users do more.
 *
 * @returns the differences, a line each
 */
export async function verifyDatabase({ url }: { url: string }): Promise<string[]> {
  return withCatalog(url, async (catalog) => {
    const differences: string[] = [];
    for (const check of CHECKS) differences.push(...(await check(catalog)));
    // PostgreSQL prints longer expressions on several lines.
    return differences.map((difference) => difference.replaceAll(/\s+/g, ' '));
  });
}

/** What has been compared, in one line. */
export function describeVerified(): string {
  const keysOf = (pick: (table: (typeof TABLES)[number]) => object) =>
    TABLES.reduce((sum, table) => sum + Object.keys(pick(table)).length, 0);
  const policiesOf = ({ read, write }: (typeof ACCESS)[number]) =>
    read === undefined ? 0 : write === undefined ? 1 : 4;
  const policies = ACCESS.reduce((sum, access) => sum + policiesOf(access), 0);
  return [
    `${TABLES.length} tables`,
    `${keysOf(({ columns }) => columns)} columns`,
    `${keysOf(({ foreignKeys }) => foreignKeys)} foreign keys`,
    `${keysOf(({ indexes }) => indexes)} indexes`,
    `${policies} policies`,
    `${TRIGGERS.length} triggers`,
    `${FUNCTIONS.length} functions`,
    `${CONFIG_KEYS.length} configuration keys`,
  ].join(', ');
}
