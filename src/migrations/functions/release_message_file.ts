import type { SqlFunction } from '../sql-functions.js';

/**
 * Schedules the removal of a file that a message no longer names. The file of a deleted chat is removed at once. Any other
 * file is kept for a day, because clients delete a message to send it again. The removal checks whether other messages name
 * the file.
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
