import type { SqlFunction } from '../sql-functions.js';

/**
 * An active stream must refer to a message of its own chat. Recovery runs as the service and relies on this. It is a
 * definer function, because the policy on streams has already compared the chat with the user.
 */
export const CHECK_STREAM_MESSAGE: SqlFunction = {
  signature: 'switchboard.check_stream_message()',
  definition: `
  -- This is not a policy: the message may come from the same statement, and only a trigger after it sees that.
  create or replace function switchboard.check_stream_message() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  begin
    if not exists (select 1 from public."Message_v2" message
                    where message.id = new."messageId" and message."chatId" = new."chatId") then
      raise insufficient_privilege using message = 'the message of a stream must be in its chat';
    end if;
    return null;
  end $fn$`,
};
