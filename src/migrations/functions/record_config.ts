import type { SqlFunction } from '../sql-functions.js';

/** Writes the history and the audit log of the configuration. */
export const RECORD_CONFIG: SqlFunction = {
  signature: 'switchboard.record_config()',
  definition: `
  create or replace function switchboard.record_config() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    restored integer := nullif(current_setting('switchboard.restored_version', true), '')::integer;
    happened text := case when tg_op = 'DELETE' then 'deleted' when restored is not null then 'rolled_back'
                          when tg_op = 'INSERT' then 'created' else 'updated' end;
    changed_key text := coalesce(new.config_key, old.config_key);
    changed_version integer := coalesce(new.version, old.version + 1);
    author uuid := case when tg_op = 'DELETE' then switchboard.current_actor() else new.updated_by end;
  begin
    if tg_op = 'UPDATE' and new.config_data is not distinct from old.config_data then return null; end if;
    if tg_op = 'DELETE' then restored := null; end if;
    insert into switchboard.config_history
      (config_key, version, action, config_data, restored_version, changed_by)
    values (changed_key, changed_version, happened, new.config_data, restored, author);
    insert into switchboard.audit_log (actor, action, target, details)
    values (author, 'config.' || happened, changed_key, jsonb_strip_nulls(jsonb_build_object(
      'version', changed_version,
      'restoredVersion', restored,
      'changed', (
        select coalesce(jsonb_agg(field order by field), '[]')
          from (select jsonb_object_keys(case jsonb_typeof(old.config_data) when 'object' then old.config_data else '{}' end)
                union
                select jsonb_object_keys(case jsonb_typeof(new.config_data) when 'object' then new.config_data else '{}' end)
               ) as fields (field)
         where old.config_data -> field is distinct from new.config_data -> field))));
    return null;
  end $fn$`,
};
