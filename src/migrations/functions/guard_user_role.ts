import type { SqlFunction } from '../sql-functions.js';

/** Guards `role` and `isActive`. See the migration of the role guard. */
export const GUARD_USER_ROLE: SqlFunction = {
  signature: 'switchboard.guard_user_role()',
  definition: `
  create or replace function switchboard.guard_user_role() returns trigger language plpgsql set search_path = '' as $fn$
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
      -- An operator's value is used from either column: the one that has just changed.
      if operator and own ? key and (own -> key is distinct from old_own -> key or app -> key is not distinct from old_app -> key) then
        value := own -> key;
      end if;
      if value = '"true"' or value = '"false"' then value := (value #>> '{}')::jsonb; end if;
      if value is not null and value <> 'null' then
        -- An array would match as well.
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
  end $fn$`,
};
