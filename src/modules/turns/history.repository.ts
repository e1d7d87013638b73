import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import type { ConversationSummary } from '../agents/prompt/conversation-summary.js';

/** Longer conversations are shortened to their latest part. */
const HISTORY_LIMIT = 400;

export interface HistoryRow {
  id: string;
  role: 'user' | 'assistant';
  /** Any JSON: see `readParts`. */
  parts: unknown;
  createdAt: Date;
}

/** The summary of the messages up to one of them, in the place of that message. */
interface SummaryRow {
  id: string;
  role: 'summary';
  parts: string;
  createdAt: Date;
}

function isSummaryRow(row: HistoryRow | SummaryRow): row is SummaryRow {
  return row.role === 'summary';
}

/** What a turn knows of the conversation before it. */
export interface History {
  /** The messages after the summary, oldest first. */
  rows: HistoryRow[];
  summary?: ConversationSummary;
}

/** The messages that a turn reads. */
export interface HistoryRange {
  /** The last message to read, if it is in the chat. */
  target?: string;
  /** True if the turn answers a stored question, which must not be in the summary. */
  mustHaveQuestion: boolean;
}

/**
 * The maximum size in bytes of the messages whose files a model gets. Older messages exceed what any vendor accepts in
 * one request: their files stay in the database, and a URL that nobody fetches stands for them.
 */
const FILES_LIMIT = 48 * 1024 ** 2;
/** The number of characters of a URL that is kept. */
const ADDRESS_LENGTH = 2_000;

/** Messages up to this size are not searched for files. */
const SMALL = 4_096;
/** What a file counts as text. */
const FILE_BYTES = 300;

/**
 * The summary of a chat, and the positions of the messages that follow it, up to a target. A summary of the target itself
 * is not used: the target is about to change. If there must be a question (`$3`), it may not be in the summary either.
 */
const AFTER_SUMMARY = `
  target as materialized (
    select "createdAt", id from "Message_v2" where id = $2 and "chatId" = $1
  ), bound as materialized (
    select coalesce((select "createdAt" from target), 'infinity') as at,
           coalesce((select id from target), 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) as id
  ), summary as materialized (
    select through_at as at, through_id as id, content from switchboard.chat_summaries summary
     where chat_id = $1 and (through_at, through_id) < (select at, id from bound)
       and (not $3::boolean
            or exists (select from "Message_v2" message
                        where "chatId" = $1 and role = 'user' and "createdAt" >= summary.through_at
                          and ("createdAt", id) > (summary.through_at, summary.through_id)
                          and ("createdAt", id) <= (select at, id from bound)))
  ), start as materialized (
    select coalesce((select at from summary), '-infinity') as at,
           coalesce((select id from summary), '00000000-0000-0000-0000-000000000000'::uuid) as id
  ), latest as (
    select id, role, parts, "createdAt" from "Message_v2" message
     where "chatId" = $1 and role in ('user', 'assistant') and isfinite("createdAt")
       and "createdAt" >= (select at from start) and "createdAt" <= (select at from bound)
       and ("createdAt", id) > (select at, id from start) and ("createdAt", id) <= (select at, id from bound)
     order by "createdAt" desc, id desc limit ${HISTORY_LIMIT}
  )`;

/**
 * Users may have written other roles into rows without this server. Only the configuration may give system instructions.
 *
 * Messages beyond `$4` bytes of text would not fit into any prompt, so they are not read. Files do not count: their size
 * says nothing about their tokens.
 */
const HISTORY = `
  with ${AFTER_SUMMARY}
  select id, role, "createdAt",
         case when bytes <= ${FILES_LIMIT} or json_typeof(parts) <> 'array' then parts else (
           select json_agg(case when json_typeof(part) = 'object' and length((part->'url')::text) > ${ADDRESS_LENGTH}
                           then json_build_object('type', part->'type', 'mediaType', part->'mediaType',
                                                  'filename', part->'filename', 'url', 'left-out:'::text)
                           else part end order by place)
             from json_array_elements(parts) with ordinality as element (part, place)
         ) end as parts
    from (
      select latest.*, sum(size) over newest as bytes, sum(text_size) over newest - text_size as text_before
        from latest
       cross join lateral (select parts::text as all_parts offset 0) written
       cross join lateral (
         select octet_length(all_parts) as size,
                case when octet_length(all_parts) <= ${SMALL} or all_parts not like '%"data:%' or json_typeof(parts) <> 'array'
                then octet_length(all_parts) else (
                  select coalesce(sum(case when length((part->'url')::text) > ${ADDRESS_LENGTH} then ${FILE_BYTES}
                                           else octet_length(part::text) end), 0)
                    from json_array_elements(parts) as part) end as text_size
         offset 0
       ) text
      window newest as (order by "createdAt" desc, id desc rows unbounded preceding)
    ) measured
   where text_before <= $4::float8
  union all
  select id, 'summary', at, to_json(content) from summary
   order by "createdAt" desc, id desc`;

/** Enough for the header of most pictures, as base64. */
const FILE_START = 4_000;

/**
 * The sizes of the messages that a turn would read, with their summary. Files are listed, because their content is not
 * text. Only messages with files are parsed.
 */
const PROMPT_SIZE = `
  with ${AFTER_SUMMARY}
  select coalesce(sum(coalesce(apart.characters, length(parts::text))), 0)::float8
           + coalesce((select length(content) from summary), 0) as characters,
         coalesce(sum(coalesce(apart.bytes, octet_length(parts::text))), 0)::float8
           + coalesce((select octet_length(content) from summary), 0) as bytes,
         json_agg(apart.files) filter (where apart.files is not null) as files,
         (select title from chat where id = $1) as title,
         document.characters::float8 as "documentCharacters", document.bytes::float8 as "documentBytes"
    from (select 1) as one
    left join latest on true
    left join lateral (
      select json_agg(json_build_object('mediaType', part ->> 'mediaType', 'url', left(part ->> 'url', ${FILE_START}),
                                        'length', length(part ->> 'url')))
               filter (where part ->> 'type' = 'file') as files,
             coalesce(sum(length(part::text)) filter (where part ->> 'type' <> 'file'), 0) as characters,
             coalesce(sum(octet_length(part::text)) filter (where part ->> 'type' <> 'file'), 0) as bytes
        from json_array_elements(case json_typeof(parts) when 'array' then parts else '[]' end) as part
    ) as apart on parts::text like '%"type":"file"%'
    left join lateral (
      select length(shown) as characters, octet_length(shown) as bytes
        from (select left(content, $5) as shown, kind from "Document"
               where id = $4 order by "createdAt" desc limit 1) as latest
       where kind <> 'image'
    ) as document on true
   group by document.characters, document.bytes`;

/** The beginning of a stored file part. */
export interface FileStart {
  mediaType: string | null;
  url: string | null;
  length: number | null;
}

/** How much of the stored data a model gets to read. */
export interface PromptSize {
  characters: number;
  bytes: number;
  /** The files of each message that has some. */
  files: FileStart[][] | null;
  /** Null if the chat does not exist. */
  title: string | null;
  documentCharacters: number | null;
  documentBytes: number | null;
}

const NOTHING_STORED: PromptSize = {
  characters: 0,
  bytes: 0,
  files: null,
  title: null,
  documentCharacters: null,
  documentBytes: null,
};

/** Reads conversations for models. Users only read their own. */
@Injectable()
export class HistoryRepository {
  constructor(private readonly database: Database) {}

  /** The sizes of the messages of a chat and of the visible part of the open document. Zero for missing ones. */
  async promptSize(
    identity: Identity,
    {
      chatId,
      target,
      mustHaveQuestion,
      documentId,
      shown,
    }: HistoryRange & { chatId?: string; documentId?: string; shown: number },
  ): Promise<PromptSize> {
    const range = [chatId ?? null, target ?? null, mustHaveQuestion];
    const rows = await this.database.readAsUser(identity, (statements) =>
      statements.query<PromptSize[]>(PROMPT_SIZE, [...range, documentId ?? null, shown]),
    );
    return rows[0] ?? NOTHING_STORED;
  }

  /**
   * The latest messages of a chat, oldest first, and the summary of those before.
   *
   * @param bytes of text at most; the latest message is always read
   */
  async findHistory(
    manager: EntityManager,
    chatId: string,
    { target, mustHaveQuestion, bytes }: HistoryRange & { bytes: number },
  ): Promise<History> {
    const parameters = [chatId, target ?? null, mustHaveQuestion, bytes];
    const found = await manager.query<Array<HistoryRow | SummaryRow>>(HISTORY, parameters);
    const rows = found.reverse();
    const [first] = rows;
    if (!first || !isSummaryRow(first)) return { rows: rows as HistoryRow[] };
    return {
      rows: rows.slice(1) as HistoryRow[],
      summary: { content: first.parts, throughId: first.id },
    };
  }
}
