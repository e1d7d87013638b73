import { migrationOptions } from '../migrate.js';
import type { Aspect } from './aspect.js';
import type { Catalog } from './catalog.js';

export async function checkMigrations(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.rowsOf<{ name: string }>('select name from switchboard.migrations');
  const done = new Set(rows.map(({ name }) => name));
  return migrationNames()
    .filter((name) => !done.has(name))
    .map((name) => `pending migration ${name}`);
}

/** A migration is recorded under its class name. */
function migrationNames(): string[] {
  const { migrations = [] } = migrationOptions('postgres://');
  return Object.values(migrations).map((migration) =>
    typeof migration === 'function' ? migration.name : String(migration),
  );
}

/** Without the secret, client ids cannot be mapped. With a different secret, each id would map to a different row. */
export async function checkClientIdSecret(catalog: Catalog): Promise<string[]> {
  const table = 'switchboard.client_id_secret';
  const [{ is_there: isThere } = { is_there: false }] = await catalog.query<{ is_there: boolean }>(
    'select to_regclass($1) is not null as is_there',
    [table],
  );
  if (!isThere) return [];
  const [row] = await catalog.rowsOf(`select from ${table} where length(secret) >= 32`);
  return row === undefined ? [`${table} has no secret`] : [];
}

/** The configuration that the server requires. */
export const CONFIGURATION_KEYS: Aspect<string[]> = {
  async read(catalog) {
    const rows = await catalog.rowsOf<{ key: string }>('select config_key as key from public.admin_config');
    return rows.map(({ key }) => key).toSorted();
  },
  compare: (actual, expected, isPresent) =>
    isPresent('admin_config')
      ? expected.filter((key) => !actual.includes(key)).map((key) => `missing configuration key ${key}`)
      : [],
};
