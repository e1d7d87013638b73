import type { SqlFunction } from '../sql-functions.js';

/**
 * Drops the summary of a chat, and cancels the compaction that is being written, if either of them contains a message
 * at this position.
 *
 * The lock is held until the change of the message is committed. A compaction takes the same lock before it reads the
 * messages and before it stores its summary, so no summary of the former text is stored. The number of locks is bounded,
 * because one statement may change messages of many chats.
 */
export const DROP_SUMMARY: SqlFunction = {
  signature: 'switchboard.drop_summary(uuid, timestamptz, uuid)',
  definition: `
  create or replace function switchboard.drop_summary(of_chat uuid, at timestamptz, message uuid) returns void
    language plpgsql security definer set search_path = '' as $fn$
  declare
    lock_number constant integer := hashtext(of_chat::text) & 63;
  begin
    -- A chat that is being deleted takes its summary along.
    if not exists (select from public.chat where chat.id = of_chat) then return; end if;
    perform pg_advisory_xact_lock(1398228804, lock_number);
    update switchboard.compactions compaction set token = null
     where compaction.chat_id = of_chat and compaction.token is not null
       and (compaction.through_at, compaction.through_id) >= (at, message);
    delete from switchboard.chat_summaries summary
     where summary.chat_id = of_chat and (summary.through_at, summary.through_id) >= (at, message);
  end $fn$`,
};
