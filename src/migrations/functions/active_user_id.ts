import type { SqlFunction } from '../sql-functions.js';

/**
 * The user of the claims, according to the current row. Claims of a token can be an hour old: a deleted, banned or
 * deactivated user has no access.
 */
export const ACTIVE_USER_ID: SqlFunction = {
  signature: 'switchboard.active_user_id()',
  executableBy: ['authenticated', 'service_role'],
  definition: `
  create or replace function switchboard.active_user_id() returns uuid
    language sql stable security definer set search_path = '' as $fn$
    select users.id from auth.users
     where users.id = auth.uid() and users.deleted_at is null and not coalesce(users.banned_until > now(), false)
       and coalesce(users.raw_user_meta_data ->> 'isActive', 'true') <> 'false'
  $fn$`,
};
