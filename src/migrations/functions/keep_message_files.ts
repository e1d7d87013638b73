import type { SqlFunction } from '../sql-functions.js';

/** Records which stored files a user message names. It is a definer function, because users may not write the records. */
export const KEEP_MESSAGE_FILES: SqlFunction = {
  signature: 'switchboard.keep_message_files()',
  definition: `
  create or replace function switchboard.keep_message_files() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    named text[] := switchboard.stored_files(new.parts);
  begin
    if tg_op = 'UPDATE' then
      delete from switchboard.message_files where message_id = new.id and path <> all(named);
    end if;
    insert into switchboard.message_files (message_id, chat_id, path)
      select new.id, new."chatId", path from unnest(named) path on conflict do nothing;
    return null;
  end $fn$`,
};
