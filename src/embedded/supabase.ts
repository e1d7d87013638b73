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

/** The bucket of users' files. A user's folder in it is named by the user's id. */
const BUCKET = 'files';

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

/** Policies of the bucket: a user's files are in the folder named by the user's id. */
const STORAGE_POLICIES = `
  insert into storage.buckets (id, name, public) values ('${BUCKET}', '${BUCKET}', false) on conflict (id) do nothing;
  grant all on storage.objects, storage.buckets to authenticated, service_role;
  do $do$ begin
    if not exists (select 1 from pg_policies where schemaname = 'storage' and policyname = 'own folder') then
      create policy "own folder" on storage.objects to authenticated
        using (bucket_id = '${BUCKET}' and (storage.foldername(name))[1] = (select auth.uid()::text))
        with check (bucket_id = '${BUCKET}' and (storage.foldername(name))[1] = (select auth.uid()::text));
      create policy "read buckets" on storage.buckets for select to authenticated using (true);
    end if;
  end $do$`;

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
    await client.query(STORAGE_POLICIES);
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
  await app.init();
  return app;
}
