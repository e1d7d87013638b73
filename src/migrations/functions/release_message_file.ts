import type { SqlFunction } from '../sql-functions.js';

/**
 * A message does not name a file any more. With its chat the file goes at once. Otherwise it has a day, because clients
 * delete a message in order to send it again. Other messages may name the file still: that is looked up when it is due.
 */
export const RELEASE_MESSAGE_FILE: SqlFunction = {
  signature: 'switchboard.release_message_file()',
  definition: `
  create or replace function switchboard.release_message_file() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  begin
    insert into switchboard.file_removals (path, due_at)
      select old.path, case when exists (select from public.chat where id = old.chat_id) then now() + interval '1 day' else now() end
      on conflict (path) do update set due_at = excluded.due_at;
    return null;
  end $fn$`,
};
