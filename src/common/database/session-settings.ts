import { ConfigurationError } from '../../config/environment.js';

interface Client {
  query(sql: string): Promise<{ rows: unknown[] }>;
}

/** Settings of the server, the database or the login that a new session begins with. */
const FIND_UNUSABLE = `
  select name, value, current_user as login, current_database() as database
    from (values
      ('DateStyle', current_setting('DateStyle'), current_setting('DateStyle') like 'ISO%', 1),
      ('search_path', current_setting('search_path'), 'public' = any(current_schemas(false)), 2),
      ('session_replication_role', current_setting('session_replication_role'),
       current_setting('session_replication_role') = 'origin', 3)
    ) as settings (name, value, is_usable, place)
   where not is_usable order by place limit 1`;

/**
 * Without this check, every message would fail (dates that cannot be read, tables that are not found), or the books would
 * not add up (triggers that do not run).
 *
 * @throws ConfigurationError that names the setting and the cure
 */
export async function requireUsableSettings(client: Client, variable: string): Promise<void> {
  const { rows } = await client.query(FIND_UNUSABLE);
  const [setting] = rows as Array<{ name: string; value: string; login: string; database: string }>;
  if (!setting) return;
  const { name, value, login, database } = setting;
  const needed = { DateStyle: "'ISO, MDY'", search_path: '"$user", public' }[name] ?? 'origin';
  throw new ConfigurationError(
    `The server cannot work with ${name} = ${value}, which is set for the login of ${variable}. ` +
      `Run: alter role "${login}" in database "${database}" set ${name} = ${needed}`,
  );
}
