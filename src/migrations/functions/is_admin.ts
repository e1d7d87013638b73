import type { SqlFunction } from '../sql-functions.js';

/**
 * Whether policies treat the user of the claims as an administrator. The server has just read that user, as in
 * `user_id`.
 */
export const IS_ADMIN: SqlFunction = {
  signature: 'switchboard.is_admin()',
  executableBy: ['authenticated', 'service_role'],
  definition: `
  create or replace function switchboard.is_admin() returns boolean language plpgsql stable set search_path = '' as $fn$
  begin
    if current_user = 'switchboard_user' then
      return coalesce(auth.jwt() -> 'user_metadata' ->> 'role' = 'admin', false);
    end if;
    return switchboard.is_active_admin();
  end $fn$`,
};
