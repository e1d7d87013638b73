import { randomUUID } from 'node:crypto';
import { runMigrations } from '../../src/common/database/migrate.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

export interface SupabaseDatabase extends TestDatabase {
  /** The URL for migrations: bypasses RLS, but is no superuser and does not own `auth`, as on hosted Supabase. */
  operatorUrl: string;
}

/**
 * A database like hosted Supabase's before migrations: `auth` belongs to the auth server's role, the operator cannot
 * create objects in it, and whatever the operator creates in `public` is granted to all API roles.
 *
 * @param createAuth makes the schema `auth`, as an auth server of this version does; by default, the part of it that
 *   matters here
 */
export async function createSupabaseDatabase(
  createAuth: (database: TestDatabase) => Promise<void> = async (database) =>
    void (await database.query(AUTH)),
): Promise<SupabaseDatabase> {
  const database = await createTestDatabase({ migrated: false });
  const operator = `operator_${randomUUID().replaceAll('-', '')}`;
  const password = randomUUID();
  await database.query(
    `create role ${operator} login nosuperuser createrole bypassrls password '${password}'`,
  );
  await database.query(`grant anon, authenticated, service_role to ${operator} with admin option`);
  // Roles belong to the cluster. The server's role may already exist for another database.
  await database.query(`
    do $do$ begin
      if to_regrole('switchboard_user') is not null then
        grant switchboard_user to ${operator} with admin option;
      end if;
    end $do$`);
  await createAuth(database);
  await database.query(`
    grant usage on schema auth to ${operator};
    grant all on auth.users to ${operator};
    grant all on schema public to ${operator};
    alter default privileges for role ${operator} in schema public
      grant all on tables to anon, authenticated, service_role;
    alter default privileges for role ${operator} in schema public
      grant all on functions to anon, authenticated, service_role;
    do $do$ begin
      execute format('grant create on database %I to ${operator}', current_database());
    end $do$`);
  const url = new URL(database.url);
  url.username = operator;
  url.password = password;
  return {
    ...database,
    operatorUrl: url.href,
    drop: async () => {
      // The operator's objects are dropped with the database, including its default privileges.
      await database.query(`drop owned by ${operator} cascade`);
      await database.query(`drop role ${operator}`);
      await database.drop();
    },
  };
}

/** The same, migrated by its operator. */
export async function createMigratedSupabaseDatabase(): Promise<SupabaseDatabase> {
  const database = await createSupabaseDatabase();
  await runMigrations({ url: database.operatorUrl });
  return database;
}

const AUTH = `
  create schema auth authorization supabase_auth_admin;
  grant usage on schema auth to anon, authenticated, service_role;
  set local role supabase_auth_admin;
  create table auth.users (
    instance_id uuid,
    id uuid primary key,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    banned_until timestamptz,
    deleted_at timestamptz,
    is_sso_user boolean not null default false,
    is_anonymous boolean not null default false
  );
  alter table auth.users enable row level security;
  create function auth.uid() returns uuid language sql stable as $fn$
    select coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
  $fn$;
  create function auth.role() returns text language sql stable as $fn$
    select coalesce(
      nullif(current_setting('request.jwt.claim.role', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
    )::text
  $fn$;
  create function auth.jwt() returns jsonb language sql stable as $fn$
    select coalesce(
      nullif(current_setting('request.jwt.claim', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
  $fn$;
  reset role`;
