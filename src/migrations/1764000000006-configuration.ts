import type { MigrationInterface, QueryRunner } from 'typeorm';
import { CONFIGURATION } from './configuration-data.js';
import { CONFIGURATION_SCHEMAS } from './configuration-schemas.js';
import { CHECK_CONFIG } from './functions/check_config.js';
import { CURRENT_ACTOR } from './functions/current_actor.js';
import { RECORD_CONFIG } from './functions/record_config.js';
import { SCHEMA_PROBLEM } from './functions/schema_problem.js';
import { createFunctions, dropFunctions } from './sql-functions.js';

const FUNCTIONS = [SCHEMA_PROBLEM, CURRENT_ACTOR, CHECK_CONFIG, RECORD_CONFIG];

/**
 * Defaults for every configuration key, and rules for every writer of `admin_config`: data that violates the schema of
 * its key is refused, each version is kept in a history, and an audit log records who changed it. All of this is in a
 * schema that the Data API does not expose.
 */
export class Configuration1764000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // An existing row is not changed.
    await runner.query(
      `insert into admin_config (config_key, config_data)
       select key, value from jsonb_each($1::jsonb) on conflict (config_key) do nothing`,
      [JSON.stringify(CONFIGURATION)],
    );
    await runner.query(TABLES);
    await createFunctions(runner, FUNCTIONS);
    await runner.query(TRIGGERS);
    await runner.query(ACCESS);
    await runner.query(
      `insert into switchboard.config_schemas (config_key, schema) select key, value from jsonb_each($1::jsonb)`,
      [JSON.stringify(CONFIGURATION_SCHEMAS)],
    );
    await runner.query(PRESENT_VERSIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger admin_config_history on public.admin_config;
      drop trigger admin_config_check on public.admin_config;
      drop table switchboard.audit_log, switchboard.config_history, switchboard.config_schemas`);
    await dropFunctions(runner, FUNCTIONS);
    await runner.query('delete from admin_config where config_key = any($1)', [Object.keys(CONFIGURATION)]);
  }
}

/** History and audit log still name deleted users, so they do not reference auth.users. */
const TABLES = `
  create table switchboard.config_schemas (
    config_key varchar(128) primary key,
    schema jsonb not null
  );

  create table switchboard.config_history (
    id uuid primary key default gen_random_uuid(),
    config_key varchar(128) not null,
    version integer not null,
    action varchar(16) not null check (action in ('created', 'updated', 'rolled_back', 'deleted')),
    config_data jsonb check ((config_data is null) = (action = 'deleted')),
    restored_version integer,
    changed_by uuid,
    changed_at timestamptz(3) not null default clock_timestamp(),
    unique (config_key, version)
  );

  create table switchboard.audit_log (
    id uuid primary key default gen_random_uuid(),
    actor uuid,
    action varchar(64) not null,
    target varchar(256) not null,
    details jsonb not null default '{}',
    created_at timestamptz(3) not null default clock_timestamp()
  );
  create index idx_audit_log_created on switchboard.audit_log (created_at desc, id desc);
  create index idx_audit_log_actor on switchboard.audit_log (actor, created_at desc, id desc)`;

/** Because of its name, the check runs before the trigger that counts the version. */
const TRIGGERS = `
  create trigger admin_config_check before insert or update on public.admin_config
    for each row execute function switchboard.check_config();
  create trigger admin_config_history after insert or update or delete on public.admin_config
    for each row execute function switchboard.record_config()`;

/** Administrators can read the audit log, and nobody can change it. */
const ACCESS = `
  alter table switchboard.config_schemas enable row level security;
  alter table switchboard.config_history enable row level security;
  alter table switchboard.audit_log enable row level security;
  create policy config_history_select on switchboard.config_history for select to authenticated
    using ((select switchboard.is_admin()));
  create policy audit_log_select on switchboard.audit_log for select to authenticated
    using ((select switchboard.is_admin()));
  revoke all on switchboard.config_schemas, switchboard.config_history, switchboard.audit_log
    from public, anon, authenticated;
  grant select on switchboard.config_history, switchboard.audit_log to authenticated;
  grant select on switchboard.config_schemas, switchboard.config_history, switchboard.audit_log to service_role`;

/** The history starts with the existing rows. */
const PRESENT_VERSIONS = `
  insert into switchboard.config_history (config_key, version, action, config_data, changed_by, changed_at)
  select config_key, version, 'created', config_data, updated_by, updated_at from public.admin_config`;
