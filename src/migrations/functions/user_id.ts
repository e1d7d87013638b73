import type { SqlFunction } from '../sql-functions.js';

/**
 * The user that policies compare rows with. The server has just read that user when it sets the claims, so its own role
 * does not read the row a second time. The setting is what `auth.uid()` reads first, which is not inlined here.
 */
export const USER_ID: SqlFunction = {
  signature: 'switchboard.user_id()',
  executableBy: ['authenticated', 'service_role'],
  definition: `
  create or replace function switchboard.user_id() returns uuid language plpgsql stable set search_path = '' as $fn$
  begin
    return case when current_user <> 'switchboard_user' then switchboard.active_user_id()
                else coalesce(nullif(current_setting('request.jwt.claim.sub', true), '')::uuid, auth.uid()) end;
  end $fn$`,
};
