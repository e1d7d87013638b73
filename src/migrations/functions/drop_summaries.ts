import type { SqlFunction } from '../sql-functions.js';

/**
 * A message that was changed or deleted is no longer what a summary says about it. It is a definer function, because
 * users may not write summaries.
 */
export const DROP_SUMMARIES: SqlFunction = {
  signature: 'switchboard.drop_summaries()',
  definition: `
  create or replace function switchboard.drop_summaries() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    first_of_chat record;
  begin
    if tg_op = 'DELETE' then
      for first_of_chat in
        select distinct on (hashtext("chatId"::text) & 63, "chatId") "chatId" as chat, "createdAt" as at, id
          from removed order by hashtext("chatId"::text) & 63, "chatId", "createdAt", id
      loop
        perform switchboard.drop_summary(first_of_chat.chat, first_of_chat.at, first_of_chat.id);
      end loop;
    else
      perform switchboard.drop_summary(old."chatId", old."createdAt", old.id);
      if (new."chatId", new."createdAt", new.id) is distinct from (old."chatId", old."createdAt", old.id) then
        perform switchboard.drop_summary(new."chatId", new."createdAt", new.id);
      end if;
    end if;
    return null;
  end $fn$`,
};
