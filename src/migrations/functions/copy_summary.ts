import type { SqlFunction } from '../sql-functions.js';

/**
 * Gives a copy of a chat the summary of the original, if the copy contains all messages that the summary is about. The
 * copies of messages have other ids, in the same order. The original is the user's own chat, or a public one: its
 * summary says nothing that its messages do not say. It is a definer function, because users may not write summaries.
 */
export const COPY_SUMMARY: SqlFunction = {
  signature: 'switchboard.copy_summary(uuid, uuid)',
  executableBy: ['switchboard_user'],
  definition: `
  create or replace function switchboard.copy_summary(from_chat uuid, to_chat uuid) returns void
    language sql security definer set search_path = '' as $fn$
    insert into switchboard.chat_summaries (chat_id, through_at, through_id, content, tokens, context_tokens, model)
    select target.id, copied."createdAt", copied.id, summary.content, summary.tokens, summary.context_tokens, summary.model
      from switchboard.chat_summaries summary
      join public.chat source
        on source.id = summary.chat_id
       and (source.user_id = (select switchboard.user_id()) or source.visibility = 'public')
      join public.chat target on target.id = to_chat and target.user_id = (select switchboard.user_id())
     cross join lateral (
       select count(*) as place from public."Message_v2" message
        where message."chatId" = source.id and message.status <> 'streaming' and message.role in ('user', 'assistant')
          and (message."createdAt", message.id) <= (summary.through_at, summary.through_id)
     ) counted
     cross join lateral (
       select message.id, message."createdAt" from public."Message_v2" message
        where message."chatId" = target.id order by message."createdAt", message.id
       offset greatest(counted.place - 1, 0) limit 1
     ) copied
     where summary.chat_id = from_chat and copied."createdAt" = summary.through_at
    on conflict (chat_id) do nothing
  $fn$`,
};
