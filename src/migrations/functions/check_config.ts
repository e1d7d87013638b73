import type { SqlFunction } from '../sql-functions.js';

/**
 * Refuses a configuration that violates the schema of its key. It is a security definer: a writer of the configuration
 * does not need to be able to read schemas, users and history.
 */
export const CHECK_CONFIG: SqlFunction = {
  signature: 'switchboard.check_config()',
  definition: `
  create or replace function switchboard.check_config() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    rules jsonb;
    problem text;
  begin
    if tg_op = 'UPDATE' then
      if new.config_key <> old.config_key then
        raise check_violation using message = 'the key of a configuration does not change';
      end if;
      new.version := old.version;
      -- Data from before this check can still lose the user who stored it.
      if new.config_data is not distinct from old.config_data then return new; end if;
    end if;
    select schema into rules from switchboard.config_schemas where config_key = new.config_key;
    if rules is null and new.config_key ~ '_agent(_|$)' then
      raise check_violation using message = format('there is no configuration %s', new.config_key);
    end if;
    problem := switchboard.schema_problem(rules, new.config_data, 'configData');
    if problem is not null then
      raise check_violation using message = format('%s: %s', new.config_key, problem);
    end if;
    if tg_op = 'INSERT' then
      new.version := 1 + coalesce(
        (select max(version) from switchboard.config_history where config_key = new.config_key), 0);
      new.updated_by := coalesce(switchboard.current_actor(), new.updated_by);
    else
      -- The last author is not the author of this change, unless the statement sets it.
      new.updated_by := coalesce(switchboard.current_actor(), nullif(new.updated_by, old.updated_by));
    end if;
    return new;
  end $fn$`,
};
