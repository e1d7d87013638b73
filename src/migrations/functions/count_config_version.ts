import type { SqlFunction } from '../sql-functions.js';

/** Counts the versions of a configuration: one for each change of its data. */
export const COUNT_CONFIG_VERSION: SqlFunction = {
  signature: 'switchboard.count_config_version()',
  definition: `
  create or replace function switchboard.count_config_version() returns trigger language plpgsql set search_path = '' as $fn$
  begin
    if new.config_data is distinct from old.config_data then new.version := old.version + 1; end if;
    return new;
  end $fn$`,
};
