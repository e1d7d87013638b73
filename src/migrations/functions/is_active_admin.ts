import type { SqlFunction } from '../sql-functions.js';

/** Whether the user of the claims is currently an active administrator. */
export const IS_ACTIVE_ADMIN: SqlFunction = {
  signature: 'switchboard.is_active_admin()',
  executableBy: ['authenticated', 'service_role'],
  definition: `
  create or replace function switchboard.is_active_admin() returns boolean
    language sql stable security definer set search_path = '' as $fn$
    select exists (
      select from auth.users
       where users.id = switchboard.active_user_id() and users.raw_user_meta_data ->> 'role' = 'admin')
  $fn$`,
};
