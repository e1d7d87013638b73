import { ConfigurationError } from '../../config/environment.js';

interface Client {
  query(sql: string): Promise<{ rows: unknown[] }>;
}

/** Supabase protects `auth.users` with row level security without policies: only logins that bypass it see users. */
const FIND_HIDDEN = `
  select current_user as login
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'auth' and c.relname = 'users'
     and row_security_active(c.oid) and not exists (select from pg_policy where polrelid = c.oid)`;

/**
 * Without this check, every request would get 401, because no user seems to exist. A migration would change no user.
 *
 * @throws ConfigurationError if row level security hides all users from the login
 */
export async function requireVisibleUsers(client: Client, variable: string): Promise<void> {
  const { rows } = await client.query(FIND_HIDDEN);
  const [hidden] = rows as Array<{ login: string }>;
  if (!hidden) return;
  throw new ConfigurationError(
    `Row level security hides auth.users from ${hidden.login}, the login of ${variable}. ` +
      `Use the login postgres of the project, or run as a superuser: alter role "${hidden.login}" bypassrls`,
  );
}
