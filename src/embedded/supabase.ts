import {
  App,
  getAuthSchemaSql,
  getStorageSchemaSql,
  setExperimental,
  SUPABASE_AUTH_HELPERS_SQL,
} from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import pg from 'pg';
import type { StackSecrets } from './stack-secrets.js';
import { FolderStorageAdapter } from './storage-adapter.js';

const PREPARE_ROLE = `
  do $do$ begin
    if to_regrole('supabase_auth_admin') is null then create role supabase_auth_admin login noinherit; end if;
    if to_regrole('anon') is null then create role anon nologin noinherit; end if;
    if to_regrole('authenticated') is null then create role authenticated nologin noinherit; end if;
    if to_regrole('service_role') is null then create role service_role nologin noinherit bypassrls; end if;
  end $do$;
  grant anon, authenticated, service_role to supabase_auth_admin;
  create schema if not exists auth authorization supabase_auth_admin;
  create schema if not exists storage authorization supabase_auth_admin;
  grant usage on schema auth, storage to anon, authenticated, service_role`;

/**
 * Privileges of the client roles on storage, as on Supabase. Migrations create the bucket and its policies. The library
 * stores metadata as a JSON string where Supabase stores an object.
 */
const STORAGE_ACCESS = `
  grant all on storage.objects, storage.buckets to authenticated, service_role;
  create function storage.keep_objects() returns trigger language plpgsql set search_path = '' as $fn$
  begin
    if jsonb_typeof(new.metadata) = 'string' then new.metadata := (new.metadata #>> '{}')::jsonb; end if;
    if jsonb_typeof(new.user_metadata) = 'string' then new.user_metadata := (new.user_metadata #>> '{}')::jsonb; end if;
    return new;
  end $fn$;
  create trigger keep_objects before insert or update on storage.objects
    for each row execute function storage.keep_objects()`;

/**
 * Creates Supabase's auth and storage objects in the database. The auth server's own role owns them: the role guard
 * uses it to tell the auth server's writes from an operator's.
 */
export async function prepareSchemas(url: string, authPassword: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(PREPARE_ROLE);
    await client.query(`alter role supabase_auth_admin login password ${pg.escapeLiteral(authPassword)}`);
    const { rows } = await client.query<{ present: boolean }>(
      `select to_regclass('auth.users') is not null as present`,
    );
    if (rows[0]?.present) return;
    // PostgreSQL requires the right to create a schema even if "create schema if not exists" finds an existing one.
    await client.query(
      'begin; grant create on database postgres to supabase_auth_admin; set local role supabase_auth_admin',
    );
    for (const sql of [getAuthSchemaSql(), SUPABASE_AUTH_HELPERS_SQL, getStorageSchemaSql()]) {
      await client.query(sql);
    }
    await client.query('reset role; revoke create on database postgres from supabase_auth_admin; commit');
    await client.query(STORAGE_ACCESS);
  } finally {
    await client.end();
  }
}

/** Supabase-compatible auth and storage in this process. */
export async function createSupabase(options: {
  url: string;
  secrets: StackSecrets;
  publicUrl: string;
  storageFolder: string;
}): Promise<App> {
  const { url, secrets, publicUrl, storageFolder } = options;
  setExperimental('storage', true);
  const connection = createPostgresConnection({
    url,
    postgresOptions: { max: 5, onnotice: () => undefined },
  });
  // Otherwise its first use would grant all privileges to clients' roles in every schema that has policies.
  (connection as unknown as { rlsState: string }).rlsState = 'active';
  const app = new App({
    connection,
    auth: {
      enabled: true,
      jwt_secret: secrets.jwtSecret,
      jwt_expiry: 3_600,
      publishable_key: secrets.publishableKey,
      secret_key: secrets.secretKey,
      site_url: publicUrl,
      email: { enable_signup: true, enable_confirmations: false },
    },
    storage: { enabled: true },
  });
  app._storageAdapter = new FolderStorageAdapter(storageFolder);
  await withoutNotice(() => app.init());
  return app;
}

/**
 * Keeps one line of the library from the operator's eyes. It warns of its storage, which it calls experimental: this
 * stack is for development only, and says so itself. The library has no setting for that.
 */
async function withoutNotice(work: () => Promise<unknown>): Promise<void> {
  const { warn } = console;
  console.warn = (...parts: unknown[]) => {
    if (!String(parts[0]).startsWith('EXPERIMENTAL FEATURES ENABLED')) warn(...parts);
  };
  try {
    await work();
  } finally {
    console.warn = warn;
  }
}
