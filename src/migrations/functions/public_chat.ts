import type { SqlFunction } from '../sql-functions.js';

/**
 * A public chat can be read by its id, through the server only; no policy lists one. What it cost is its owner's business:
 * the function returns rows of the table, so the figures are zero in them, and the server says null.
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
