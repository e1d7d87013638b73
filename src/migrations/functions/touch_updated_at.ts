import type { SqlFunction } from '../sql-functions.js';

/** Keeps `updated_at` correct, whatever a statement writes to it. */
export const TOUCH_UPDATED_AT: SqlFunction = {
  signature: 'switchboard.touch_updated_at()',
  definition: `
  create or replace function switchboard.touch_updated_at() returns trigger language plpgsql set search_path = '' as $fn$
  begin
    new.updated_at := clock_timestamp();
    return new;
  end $fn$`,
};
