import type { MigrationInterface, QueryRunner } from 'typeorm';
import { GUARD_USER_ROLE } from './functions/guard_user_role.js';
import { METADATA_OBJECT } from './functions/metadata_object.js';
import { NOTIFY_CONFIG_CHANGED } from './functions/notify_config_changed.js';
import { NOTIFY_USER_CHANGED } from './functions/notify_user_changed.js';
import { createFunctions } from './sql-functions.js';

/**
 * Guards `role` and `isActive` in `auth.users.raw_user_meta_data`, which every user may write through the auth server.
 * If the auth server's database role writes, both values come from `raw_app_meta_data` (which only the service key can
 * write), whatever was sent. Any other database role is an operator: its value is used, and `raw_app_meta_data`
 * follows. Two more triggers notify all instances when a user or a configuration changes.
 */
export class UserRoleGuard1764000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createFunctions(runner, [
      METADATA_OBJECT,
      GUARD_USER_ROLE,
      NOTIFY_USER_CHANGED,
      NOTIFY_CONFIG_CHANGED,
    ]);
    await runner.query(TRIGGERS);
    await runner.query(GRANTS);
    await runner.query(EXISTING_USERS);
  }

  async down(runner: QueryRunner): Promise<void> {
    // Cascading, because only its owner may drop a trigger of auth.users, and on Supabase that is the auth server.
    await runner.query(`
      drop function switchboard.notify_config_changed() cascade;
      drop function switchboard.notify_user_changed() cascade;
      drop function switchboard.guard_user_role() cascade;
      drop function switchboard.metadata_object(jsonb);
      do $do$ begin
        if to_regrole('supabase_auth_admin') is not null then
          revoke usage on schema switchboard from supabase_auth_admin;
        end if;
      end $do$`);
  }
}

const TRIGGERS = `
  create trigger switchboard_user_role before insert or update of raw_user_meta_data, raw_app_meta_data on auth.users
    for each row execute function switchboard.guard_user_role();
  create trigger switchboard_user_changed
    after update of raw_user_meta_data, raw_app_meta_data, email, banned_until, deleted_at or delete on auth.users
    for each row execute function switchboard.notify_user_changed();
  create trigger switchboard_config_changed after insert or update or delete on public.admin_config
    for each row execute function switchboard.notify_config_changed()`;

/** The auth server must be able to run what its writes trigger. Nobody else needs to call any of it. */
const GRANTS = `
  do $do$ begin
    if to_regrole('supabase_auth_admin') is not null then
      grant usage on schema switchboard to supabase_auth_admin;
      grant execute on function switchboard.metadata_object(jsonb), switchboard.guard_user_role(),
        switchboard.notify_user_changed() to supabase_auth_admin;
    end if;
  end $do$`;

/**
 * Users from before the guard may have written anything into their own metadata. Only values written with the service
 * key count.
 */
const EXISTING_USERS = `
  update auth.users set raw_user_meta_data =
    (switchboard.metadata_object(raw_user_meta_data) - 'role' - 'isActive')
    || jsonb_build_object(
         'role', case when switchboard.metadata_object(raw_app_meta_data) ->> 'role' = 'admin' then 'admin' else 'user' end,
         'isActive', coalesce(switchboard.metadata_object(raw_app_meta_data) ->> 'isActive', 'true') <> 'false')`;
