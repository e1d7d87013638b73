import type { SqlFunction } from '../sql-functions.js';

/**
 * One process at a time writes the rollups. A writer of `usage_logs` holds locks of its own and may never wait for that one:
 * it tries for about a second, longer than a fold takes, and leaves its differences to the fold otherwise.
 */
export const TRY_USAGE_LOCK: SqlFunction = {
  signature: 'switchboard.try_usage_lock()',
  definition: `
  create or replace function switchboard.try_usage_lock() returns boolean language plpgsql set search_path = '' as $fn$
  begin
    for attempt in 1..20 loop
      if pg_try_advisory_xact_lock(7264118310) then return true; end if;
      perform pg_sleep(0.05);
    end loop;
    return false;
  end $fn$`,
};
