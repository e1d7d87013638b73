import type { SqlFunction } from '../sql-functions.js';

/** The author of a configuration change, for the history and the audit log. */
export const CURRENT_ACTOR: SqlFunction = {
  signature: 'switchboard.current_actor()',
  definition: `
  -- The user that the statement runs for, from the claims. Null for an operator, and for claims of an unknown user.
  create or replace function switchboard.current_actor() returns uuid
    language plpgsql stable set search_path = '' as $fn$
  begin
    return (select users.id from auth.users where users.id = auth.uid());
  exception when others then
    return null;
  end $fn$`,
};
