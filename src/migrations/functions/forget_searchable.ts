import type { SqlFunction } from '../sql-functions.js';

/**
 * Deletes the notes of a deleted chat together with the chat. Entries in the index then only name a chat that no longer
 * exists, and the indexer is told to clear them. The user may have been deleted, too.
 */
export const FORGET_SEARCHABLE: SqlFunction = {
  signature: 'switchboard.forget_searchable()',
  definition: `
  create or replace function switchboard.forget_searchable() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  begin
    delete from switchboard.search_pending pending using removed
     where pending.user_id = removed.user_id and pending.chat_id = removed.id;
    insert into switchboard.search_due (user_id, has_deleted)
      select distinct removed.user_id, true from removed
       where exists (select from switchboard.search_groups indexed where indexed.user_id = removed.user_id)
         and exists (select from auth.users where users.id = removed.user_id)
      on conflict (user_id) do update set has_deleted = true;
    return null;
  end $fn$`,
};
