import { migrationOptions } from '../migrate.js';
import type { Catalog } from './catalog.js';
import { CONFIG_KEYS } from './expected-schema.js';

export async function checkMigrations(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.rowsOf<{ name: string }>('select name from switchboard.migrations');
  const done = new Set(rows.map(({ name }) => name));
  return migrationNames()
    .filter((name) => !done.has(name))
    .map((name) => `pending migration ${name}`);
}

/** A migration is recorded under the name of its class. */
function migrationNames(): string[] {
  const { migrations = [] } = migrationOptions('postgres://');
  return Object.values(migrations).map((migration) =>
    typeof migration === 'function' ? migration.name : String(migration),
  );
}

/** Without it no id of a client could be mapped; with another one, each would mean another row. */
export async function checkClientIdSecret(catalog: Catalog): Promise<string[]> {
  const table = 'switchboard.client_id_secret';
  if (!catalog.tables.some(({ name }) => name === table)) return [];
  const [row] = await catalog.rowsOf(`select from ${table} where length(secret) >= 32`);
  return row === undefined ? [`${table} has no secret`] : [];
}

export async function checkConfigKeys(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.rowsOf<{ config_key: string }>('select config_key from public.admin_config');
  const present = new Set(rows.map(({ config_key }) => config_key));
  return catalog.tables.some(({ name }) => name === 'admin_config')
    ? CONFIG_KEYS.filter((key) => !present.has(key)).map((key) => `missing configuration key ${key}`)
    : [];
}
