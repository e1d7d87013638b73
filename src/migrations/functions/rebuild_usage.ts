import type { SqlFunction } from '../sql-functions.js';
import { CORRECT } from '../usage-statements.js';

/**
 * Recomputes the rollups from the rows. Writers continue meanwhile, and their changes are pending. Rows are locked
 * before the rollups, as in a truncate. Returns the number of rollup rows that were wrong or missing.
 */
export const REBUILD_USAGE: SqlFunction = {
  signature: 'switchboard.rebuild_usage()',
  definition: `
  create or replace function switchboard.rebuild_usage() returns bigint
    language plpgsql set search_path = '' set work_mem = '64MB' as $fn$
  declare
    corrected bigint;
  begin
    lock table public.usage_logs, switchboard.usage_archive in access share mode;
    perform pg_advisory_xact_lock(7264118310);
    ${CORRECT} into corrected;
    return corrected;
  end $fn$`,
};
