import type { SqlFunction } from '../sql-functions.js';

/** Notifies all instances that a configuration has changed. */
export const NOTIFY_CONFIG_CHANGED: SqlFunction = {
  signature: 'switchboard.notify_config_changed()',
  definition: `
  create or replace function switchboard.notify_config_changed() returns trigger language plpgsql set search_path = '' as $fn$
  begin
    perform pg_notify('switchboard_config', coalesce(new.config_key, old.config_key));
    return null;
  end $fn$`,
};
