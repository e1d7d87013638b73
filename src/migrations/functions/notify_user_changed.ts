import type { SqlFunction } from '../sql-functions.js';

/** Notifies all instances that a user was changed or deleted. */
export const NOTIFY_USER_CHANGED: SqlFunction = {
  signature: 'switchboard.notify_user_changed()',
  definition: `
  create or replace function switchboard.notify_user_changed() returns trigger language plpgsql set search_path = '' as $fn$
  begin
    perform pg_notify('switchboard_user', coalesce(new.id, old.id)::text);
    return null;
  end $fn$`,
};
