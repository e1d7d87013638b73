import { Injectable } from '@nestjs/common';
import type { SqlRunner } from '../../../common/database/database.js';
import type { Keyset } from '../../../common/http/paging.js';
import { searchPatterns, type SearchPatterns } from '../chat-search.js';
import { type ChatRow, ownChats, pageOf } from '../chats.repository.js';
import type { Visibility } from '../dto/chat.dto.js';
import { fold } from './fold.js';
import { rowsToRead } from './signature.js';

export interface ChatSearch extends SearchPatterns {
  /** The part of the index that is read. Empty for a text that the index cannot find, such as a single mark. */
  rows: number[];
}

export function toSearch(text: string): ChatSearch {
  return { ...searchPatterns(text), rows: rowsToRead(fold(text)) };
}

/** Half of a surrogate pair (an answer cut in the middle of an emoji) and NUL can be stored as JSON, but cannot be read. */
export const READABLE_PARTS = String.raw`
  case when json_typeof(message.parts) <> 'array' then '[]'
       when strpos(message.parts::text, '\u') = 0 then message.parts
       else regexp_replace(message.parts::text, '\\u(d[89a-f][0-9a-f]{2}|0000)', '\\ufffd', 'gi')::json
  end`;

/** Parsing JSON is expensive, so messages that cannot contain the text are skipped before. */
const contains = (text: string, json: string) => `
  message."chatId" = chat.id
  and message.parts::text ~ ${json}
  and exists (select from json_array_elements(${READABLE_PARTS}) part
               where part ->> 'type' = 'text' and part ->> 'text' ~ ${text})`;

/**
 * The chats that may contain the text, and the places to look: segments with all bits set, and everything that is not
 * indexed yet. One statement reads both, so it misses nothing that moves from one to the other. `$1` is the user, `$3`
 * the rows of the index.
 */
const CANDIDATES = `
  hit as materialized (
    select number, bit_and(('x' || encode(substr(matrix, index_row * width + 1, width), 'hex'))::varbit) as bits
      from switchboard.search_groups cross join unnest($3::integer[]) index_row
     where user_id = $1 group by number
  ), place as materialized (
    select segment.chat_id, segment.from_at, segment.to_at, null::uuid as message_id
      from hit join switchboard.search_groups indexed on indexed.user_id = $1 and indexed.number = hit.number
     cross join lateral unnest(indexed.chat_ids, indexed.from_at, indexed.to_at)
             with ordinality segment (chat_id, from_at, to_at, position)
     where position(B'1' in hit.bits) > 0 and get_bit(hit.bits, segment.position::integer - 1) = 1
    union all
    select chat_id, null, null, message_id from switchboard.search_pending where user_id = $1
    union all
    select id, '-infinity', 'infinity', null from chat
     where user_id = $1
       and (cardinality($3::integer[]) = 0
            or exists (select from switchboard.search_due where user_id = $1 and is_whole))
  ), candidate as materialized (
    select chat_id, array_agg(message_id) filter (where message_id is not null) as message_ids,
           array_agg(from_at) filter (where from_at is not null) as from_at,
           array_agg(to_at) filter (where from_at is not null) as to_at
      from place group by chat_id
  )`;

/** Searches the titles and messages of a user's own chats. Row level security decides which of them are visible. */
@Injectable()
export class ChatSearchRepository {
  /** A page of the user's chats with the text in the title or in a message, newest first. */
  findPage(
    statements: SqlRunner,
    {
      userId,
      search,
      visibility,
      after,
      limit,
    }: { userId: string; search: ChatSearch; visibility?: Visibility; after?: Keyset; limit: number },
  ): Promise<ChatRow[]> {
    const parameters: unknown[] = [userId, limit, search.rows];
    const add = (value: unknown) => `$${parameters.push(value)}`;
    const isOwn = ownChats({ visibility, after }, add);
    const text = `${add(search.text)}::text`;
    const found = contains(text, `${add(search.json)}::text`);
    // Chats are checked one after the other until there are enough: "offset 0" keeps the conditions separate.
    const rows = `
      select chat.*
        from (
          select chat.*, message_ids, from_at, to_at from candidate join chat on chat.id = candidate.chat_id
           where ${isOwn}
           order by chat."createdAt" desc, chat.id desc offset 0
        ) chat
       where chat.title ~ ${text}
          or exists (select from "Message_v2" message where message.id = any(chat.message_ids) and ${found})
          or exists (
            select from unnest(chat.from_at, chat.to_at) segment (from_at, to_at)
             cross join lateral (
               select from "Message_v2" message
                where message."createdAt" between segment.from_at and segment.to_at and ${found} offset 0
             ) message)
       order by chat."createdAt" desc, chat.id desc limit $2::int + 1`;
    return statements.query<ChatRow[]>(`with ${CANDIDATES} ${pageOf(rows)}`, parameters);
  }
}
