import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Creates what Supabase has: the three roles, and the `auth` schema with its users and helpers. Only missing objects
 * are created, and they get the comment below. On Supabase itself, nothing is created.
 */
const MADE_HERE = 'made by switchboard';

export class SupabaseFoundation1764000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ROLES);
    await runner.query(SERVER_ROLE);
    await runner.query(AUTH_SCHEMA);
    for (const { signature, definition } of AUTH_FUNCTIONS) {
      await runner.query(`
        do $do$ begin
          if to_regprocedure('${signature}') is null then
            execute $sql$ create function ${definition} $sql$;
            comment on function ${signature} is '${MADE_HERE}';
            grant execute on function ${signature} to anon, authenticated, service_role;
          end if;
        end $do$`);
    }
    await runner.query(MEND_UID);
    await runner.query(SWITCHBOARD_SCHEMA);
  }

  async down(runner: QueryRunner): Promise<void> {
    // The schema stays, because the migration runner keeps its table in it.
    await runner.query('revoke usage on schema switchboard from authenticated, service_role');
    for (const { signature } of AUTH_FUNCTIONS) {
      await runner.query(`
        do $do$ begin
          if obj_description(to_regprocedure('${signature}'), 'pg_proc') = '${MADE_HERE}' then
            drop function ${signature};
          end if;
        end $do$`);
    }
    // The roles stay. They belong to the whole cluster, and other databases in it may use them.
    await runner.query(`
      do $do$ begin
        if obj_description(to_regclass('auth.users'), 'pg_class') = '${MADE_HERE}' then drop table auth.users; end if;
        if obj_description(to_regnamespace('auth'), 'pg_namespace') = '${MADE_HERE}' then drop schema auth; end if;
      end $do$`);
  }
}

const ROLES = `
  do $do$
  begin
    if to_regrole('anon') is null then create role anon nologin noinherit; end if;
    if to_regrole('authenticated') is null then create role authenticated nologin noinherit; end if;
    if to_regrole('service_role') is null then
      begin
        create role service_role nologin noinherit bypassrls;
      exception when insufficient_privilege then
        -- Before PostgreSQL 16, only a superuser may grant BYPASSRLS. The server itself does not need this role.
        create role service_role nologin noinherit;
      end;
    end if;
    if not pg_has_role(current_user, 'authenticated', 'MEMBER')
       or (select not rolsuper from pg_roles where rolname = current_user) then
      begin
        execute format('grant authenticated to %I', current_user);
      exception when insufficient_privilege or invalid_grant_operation then
        if not pg_has_role(current_user, 'authenticated', 'MEMBER') then raise; end if;
      end;
    end if;
  exception when duplicate_object then
    -- Another database of this cluster is being migrated at the same time.
    null;
  end $do$`;

/**
 * The role that the server uses to act for a user. It inherits `authenticated` and has more privileges: users reach the
 * database as `authenticated` through the Data API, past the server's checks. It cannot log in, and only the login that
 * runs the migrations may switch to it. On hosted Supabase, the operator has `authenticated` with the admin option.
 */
const SERVER_ROLE = `
  do $do$
  begin
    if to_regrole('switchboard_user') is null then
      begin
        create role switchboard_user nologin inherit;
      exception when duplicate_object then null;
      end;
    end if;
    if not pg_has_role('switchboard_user', 'authenticated', 'MEMBER') then
      begin
        grant authenticated to switchboard_user;
      exception when insufficient_privilege then
        raise exception using
          errcode = 'insufficient_privilege',
          message = format('role %I needs the admin option on role authenticated to migrate this database', current_user),
          hint = format('Run as a superuser: grant authenticated to %I with admin option', current_user);
      end;
    end if;
    -- A superuser may switch to any role. Other logins need the grant, which the creator of a role may give to itself.
    if not (select rolsuper from pg_roles where rolname = current_user) then
      begin
        execute format('grant switchboard_user to %I', current_user);
      exception when insufficient_privilege or invalid_grant_operation then
        if not pg_has_role(current_user, 'switchboard_user', 'MEMBER') then raise; end if;
      end;
    end if;
  end $do$`;

const AUTH_SCHEMA = `
  do $do$ begin
    if to_regnamespace('auth') is null then
      create schema auth;
      comment on schema auth is '${MADE_HERE}';
      grant usage on schema auth to anon, authenticated, service_role;
    end if;
    if to_regclass('auth.users') is null then
      create table auth.users (
        id uuid primary key,
        aud varchar(255),
        role varchar(255),
        email varchar(255) unique,
        encrypted_password varchar(255),
        phone text,
        email_confirmed_at timestamptz,
        last_sign_in_at timestamptz,
        raw_app_meta_data jsonb,
        raw_user_meta_data jsonb,
        banned_until timestamptz,
        deleted_at timestamptz,
        is_sso_user boolean not null default false,
        is_anonymous boolean not null default false,
        created_at timestamptz default now(),
        updated_at timestamptz default now()
      );
      comment on table auth.users is '${MADE_HERE}';
    end if;
  end $do$`;

const UID_BODY = `
  returns uuid language sql stable set search_path = '' as $fn$
    select coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
  $fn$`;

const AUTH_FUNCTIONS = [
  { signature: 'auth.uid()', definition: `auth.uid() ${UID_BODY}` },
  {
    signature: 'auth.jwt()',
    definition: `auth.jwt() returns jsonb language sql stable set search_path = '' as $fn$
      select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
      )::jsonb
    $fn$`,
  },
  {
    signature: 'auth.role()',
    definition: `auth.role() returns text language sql stable set search_path = '' as $fn$
      select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
      )
    $fn$`,
  },
];

/** Supabase's own auth.uid() reads both settings. A replacement that reads only the older one is corrected. */
const MEND_UID = `
  do $do$ begin
    if pg_get_functiondef(to_regprocedure('auth.uid()')) not like '%request.jwt.claims%' then
      execute $sql$ create or replace function auth.uid() ${UID_BODY} $sql$;
    end if;
  end $do$`;

/**
 * Helpers are in a schema that the Data API does not reach. The migration runner may have created the schema already.
 */
const SWITCHBOARD_SCHEMA = `
  create schema if not exists switchboard;
  revoke all on schema switchboard from public;
  grant usage on schema switchboard to authenticated, service_role`;
