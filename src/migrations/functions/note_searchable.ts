import type { SqlFunction } from '../sql-functions.js';

/**
 * Notes what the search index does not contain yet. New messages are noted once per statement. A changed message is
 * noted by itself, unless it is still being written: it was noted when it was new, and is only indexed when it is
 * complete. A chat is noted for its title.
 *
 * `do update` locks an existing note, so the indexer skips it until the change is committed. New messages have no note
 * yet and wait for nothing. About every 64th message, and every large one, tells the indexer to check its user.
 *
 * It is a definer function, because users may not write the notes.
 */
export const NOTE_SEARCHABLE: SqlFunction = {
  signature: 'switchboard.note_searchable()',
  definition: `
  create or replace function switchboard.note_searchable() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    noted integer;
  begin
    if tg_table_name = 'chat' then
      insert into switchboard.search_pending as pending (user_id, chat_id, at, message_id)
        values (new.user_id, new.id, '-infinity', new.id)
        on conflict (user_id, chat_id, at, message_id) do update set message_id = pending.message_id;
    elsif tg_op = 'INSERT' then
      insert into switchboard.search_pending as pending (user_id, chat_id, at, message_id)
        select chat.user_id, chat.id, added."createdAt", added.id from added join public.chat on chat.id = added."chatId"
        on conflict (user_id, chat_id, at, message_id) do update set message_id = pending.message_id;
      get diagnostics noted = row_count;
      if random() * 64 < noted or exists (select from added where pg_column_size(parts) > 32768) then
        insert into switchboard.search_due (user_id)
          select distinct chat.user_id from added join public.chat on chat.id = added."chatId"
          on conflict (user_id) do nothing;
      end if;
    else
      insert into switchboard.search_pending as pending (user_id, chat_id, at, message_id)
        select chat.user_id, chat.id, new."createdAt", new.id from public.chat where chat.id = new."chatId"
        on conflict (user_id, chat_id, at, message_id) do update set message_id = pending.message_id;
    end if;
    return null;
  end $fn$`,
};
