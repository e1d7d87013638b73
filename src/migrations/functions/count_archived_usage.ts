import type { SqlFunction } from '../sql-functions.js';
import { archivedCallsOf, count, MANY_ROWS, rowsOf } from '../usage-statements.js';

/**
 * Rows that are put into the archive are already in the rollups. Rows that are removed from it are removed with their
 * user.
 */
export const COUNT_ARCHIVED_USAGE: SqlFunction = {
  signature: 'switchboard.count_archived_usage()',
  definition: `
  create or replace function switchboard.count_archived_usage() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    affected integer;
    at_once boolean := false;
    emptied tid[];
    emptied_of_users tid[];
    emptied_kinds tid[];
  begin
    if tg_op = 'TRUNCATE' then
      perform switchboard.rebuild_usage();
      return null;
    end if;
    affected := ${rowsOf('removed')};
    if affected > ${MANY_ROWS} then
      -- In the same order as a truncate: first the rows, then the rollups.
      lock table public.usage_logs in access share mode;
      at_once := switchboard.try_usage_lock();
    end if;
    ${count(archivedCallsOf('removed', '-'))};
    return null;
  end $fn$`,
};
