import type { SqlFunction } from '../sql-functions.js';
import { archivedCallsOf, count, MANY_ROWS, rowsOf } from '../usage-statements.js';

/** What is put into the archive is in the rollups already; what is taken out of it goes with its user. */
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
      -- As whoever truncates them does: first the rows, then the rollups.
      lock table public.usage_logs in access share mode;
      at_once := switchboard.try_usage_lock();
    end if;
    ${count(archivedCallsOf('removed', '-'))};
    return null;
  end $fn$`,
};
