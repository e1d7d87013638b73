import type { SqlFunction } from '../sql-functions.js';

/**
 * One process at a time writes the rollups. A writer of `usage_logs` holds locks of its own and must never wait for
 * this lock. It tries for about a second, which is longer than a fold takes, and otherwise leaves its changes pending
 * for the fold.
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
