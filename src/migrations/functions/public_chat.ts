import type { SqlFunction } from '../sql-functions.js';

/**
 * A public chat can be read by its id, only through the server. No policy lists public chats. Only the owner may see
 * what it cost: the function returns rows of the table, so the figures in them are zero, and the server returns null.
 */
export const PUBLIC_CHAT: SqlFunction = {
  signature: 'switchboard.public_chat(uuid)',
  executableBy: ['switchboard_user', 'service_role'],
  definition: `
  create or replace function switchboard.public_chat(chat_id uuid) returns setof public.chat
    language sql stable security definer set search_path = '' as $fn$
    select shown.*
      from public.chat,
           jsonb_populate_record(chat, '{"lastContext": null, "total_input_tokens": 0, "total_output_tokens": 0, "total_cost": 0}') shown
     where chat.id = chat_id and chat.visibility = 'public'
  $fn$`,
};
