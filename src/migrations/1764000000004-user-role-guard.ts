import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Guards `role` and `isActive` in `auth.users.raw_user_meta_data`, which every user may write through the auth server:
 * what that server's own database role writes gets both from `raw_app_meta_data` (only the service key writes that),
 * whatever was sent. Any other database role is an operator: it is taken at its word, and `raw_app_meta_data` follows.
 * Two more triggers tell all instances when a user or a configuration has changed.
 */
export class UserRoleGuard1764000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(GUARD);
    await runner.query(NOTIFY);
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

const GUARD = `
  -- Metadata as an object, whatever a client has made of it; an object inside of a JSON string counts as that object.
  create function switchboard.metadata_object(metadata jsonb) returns jsonb
    language plpgsql immutable set search_path = '' as $fn$
  declare
    inner_value jsonb;
  begin
    if jsonb_typeof(metadata) = 'object' then return metadata; end if;
    if jsonb_typeof(metadata) = 'string' then
      begin
        inner_value := (metadata #>> '{}')::jsonb;
        if jsonb_typeof(inner_value) = 'object' then return inner_value; end if;
      exception when others then
        null;
      end;
    end if;
    return '{}'::jsonb;
  end $fn$;

  create function switchboard.guard_user_role() returns trigger language plpgsql set search_path = '' as $fn$
  declare
    operator boolean := current_user <> 'supabase_auth_admin';
    app jsonb := switchboard.metadata_object(new.raw_app_meta_data);
    own jsonb := switchboard.metadata_object(new.raw_user_meta_data);
    old_app jsonb := case when tg_op = 'UPDATE' then switchboard.metadata_object(old.raw_app_meta_data) end;
    old_own jsonb := case when tg_op = 'UPDATE' then switchboard.metadata_object(old.raw_user_meta_data) end;
    guarded jsonb := '{"role": "user", "isActive": true}';
    allowed jsonb := '{"role": ["user", "admin"], "isActive": [true, false]}';
    key text;
    value jsonb;
  begin
    foreach key in array array['role', 'isActive'] loop
      value := app -> key;
      -- An operator's word counts in either column: the one that has just been changed.
      if operator and own ? key and (own -> key is distinct from old_own -> key or app -> key is not distinct from old_app -> key) then
        value := own -> key;
      end if;
      if value = '"true"' or value = '"false"' then value := (value #>> '{}')::jsonb; end if;
      if value is not null and value <> 'null' then
        -- An array would be contained, too.
        if jsonb_typeof(value) <> 'array' and allowed -> key @> value then
          guarded := jsonb_set(guarded, array[key], value);
        elsif operator then
          raise check_violation using message = format('%s must be one of %s, not %s', key, allowed -> key, value);
        end if;
      end if;
    end loop;
    new.raw_user_meta_data := own || guarded;
    new.raw_app_meta_data := app || guarded;
    return new;
  end $fn$;

  create trigger switchboard_user_role before insert or update of raw_user_meta_data, raw_app_meta_data on auth.users
    for each row execute function switchboard.guard_user_role()`;

const NOTIFY = `
  create function switchboard.notify_user_changed() returns trigger language plpgsql set search_path = '' as $fn$
  begin
    perform pg_notify('switchboard_user', coalesce(new.id, old.id)::text);
    return null;
  end $fn$;
  create trigger switchboard_user_changed
    after update of raw_user_meta_data, raw_app_meta_data, email, banned_until, deleted_at or delete on auth.users
    for each row execute function switchboard.notify_user_changed();

  create function switchboard.notify_config_changed() returns trigger language plpgsql set search_path = '' as $fn$
  begin
    perform pg_notify('switchboard_config', coalesce(new.config_key, old.config_key));
    return null;
  end $fn$;
  create trigger switchboard_config_changed after insert or update or delete on public.admin_config
    for each row execute function switchboard.notify_config_changed()`;

/** The auth server must be able to run what its own writes trigger; nobody else needs to call any of it. */
const GRANTS = `
  revoke all on function switchboard.metadata_object(jsonb), switchboard.guard_user_role(),
    switchboard.notify_user_changed(), switchboard.notify_config_changed() from public;
  do $do$ begin
    if to_regrole('supabase_auth_admin') is not null then
      grant usage on schema switchboard to supabase_auth_admin;
      grant execute on function switchboard.metadata_object(jsonb), switchboard.guard_user_role(),
        switchboard.notify_user_changed() to supabase_auth_admin;
    end if;
  end $do$`;

/**
 * Who was there before the guard may have written anything into their own metadata: only what the service key has
 * written is believed.
 */
const EXISTING_USERS = `
  update auth.users set raw_user_meta_data =
    (switchboard.metadata_object(raw_user_meta_data) - 'role' - 'isActive')
    || jsonb_build_object(
         'role', case when switchboard.metadata_object(raw_app_meta_data) ->> 'role' = 'admin' then 'admin' else 'user' end,
         'isActive', coalesce(switchboard.metadata_object(raw_app_meta_data) ->> 'isActive', 'true') <> 'false')`;
