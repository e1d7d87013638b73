import type { TestDatabase } from './postgres.js';

/** Removes the checks from all tables. Tests then do not rely on them, because rows can be older than their checks. */
export async function dropChecks(database: TestDatabase): Promise<void> {
  const checks = await database.query(
    `select conrelid::regclass::text as "table", conname as name from pg_constraint
      where contype = 'c' and conrelid <> 0
        and connamespace in ('public'::regnamespace, 'switchboard'::regnamespace)`,
  );
  for (const { table, name } of checks) {
    await database.query(`alter table ${table} drop constraint if exists "${name}"`);
  }
}
