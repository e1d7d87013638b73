import type { SqlFunction } from '../sql-functions.js';
import { DIFFERENCE, REMOVE_EMPTIED, rollUp } from '../usage-statements.js';

/**
 * Adds pending changes to the rollups. A fold does not wait for the disk: changes that a crash undoes are pending
 * again.
 */
export const FOLD_USAGE: SqlFunction = {
  signature: 'switchboard.fold_usage(integer)',
  definition: `
  create or replace function switchboard.fold_usage(max_rows integer) returns integer
    language plpgsql set search_path = '' as $fn$
  declare
    folded integer;
    emptied tid[];
    emptied_of_users tid[];
    emptied_kinds tid[];
  begin
    if not pg_try_advisory_xact_lock(7264118310) then return 0; end if;
    perform set_config('synchronous_commit', 'off', true);
    ${rollUp(
      `
      delete from switchboard.usage_pending
       where ctid = any (array(select ctid from switchboard.usage_pending limit max_rows))
      returning ${DIFFERENCE}`,
      { column: '(select count(*) from differences)', into: 'folded' },
    )};
    ${REMOVE_EMPTIED};
    return folded;
  end $fn$`,
};
