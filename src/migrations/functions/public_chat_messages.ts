import type { SqlFunction } from '../sql-functions.js';

/** The messages of a public chat without their costs, as in `public_chat`. */
export const PUBLIC_CHAT_MESSAGES: SqlFunction = {
  signature: 'switchboard.public_chat_messages(uuid)',
  executableBy: ['switchboard_user', 'service_role'],
  definition: `
  create or replace function switchboard.public_chat_messages(chat_id uuid) returns setof public."Message_v2"
    language sql stable security definer set search_path = '' as $fn$
    select shown.*
      from public."Message_v2" message
      join public.chat on chat.id = message."chatId",
           jsonb_populate_record(message, jsonb_build_object(
             'input_tokens', 0, 'output_tokens', 0, 'cost', 0,
             'metadata', switchboard.public_metadata(message.metadata))) shown
     where chat.id = chat_id and chat.visibility = 'public'
  $fn$`,
};
