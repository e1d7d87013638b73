import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database, type Last, type Statement } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import { toJson } from '../../common/database/stored-json.js';
import type { UserMessage } from './turn.types.js';

/** Longer conversations are shortened to their latest part. */
const HISTORY_LIMIT = 400;

export interface ChatState {
  title: string;
  created: boolean;
}

/** The stream that is marked as active in a chat, and whether another instance is writing it. */
export interface ActiveStream {
  id: string;
  writtenElsewhere: boolean;
}

export interface HistoryRow {
  id: string;
  role: 'user' | 'assistant';
  /** Any JSON: see `readParts`. */
  parts: unknown;
  createdAt: Date;
}

export interface TurnRows {
  chatId: string;
  answerId: string;
  streamId: string;
  /** The times of the two messages, both later than any other in the chat. */
  userMessage?: UserMessage & { createdAt: Date };
  answerCreatedAt: Date;
}

const OPEN_CHAT = `
  with created as (
    insert into chat (id, user_id, title, visibility)
    select $1::uuid, $2::uuid, $3, $4 where $5 on conflict (id) do nothing
    returning id, title
  ), existing as (
    select id, title from chat where id = $1 and user_id = $2 for update
  )
  select title, true as created from created union all select title, false from existing limit 1`;

const ACTIVE_STREAM = `
  select id, "instanceId" <> $2
         and exists (select 1 from pg_locks where locktype = 'advisory' and classid = ${ADVISORY_LOCKS.instance}
                       and objid::text = "Stream"."instanceId"::text and granted) as "writtenElsewhere"
    from "Stream" where "chatId" = $1 order by "createdAt" desc limit 1`;

/**
 * The maximum size in bytes of the messages whose files a model gets. Older messages exceed what any vendor accepts in
 * one request: their files stay in the database, and a URL that nobody fetches stands for them.
 */
const FILES_LIMIT = 48 * 1024 ** 2;
/** The number of characters of a URL that is kept. */
const ADDRESS_LENGTH = 2_000;

/** Users may have written other roles into rows without this server. Only the configuration may give system instructions. */
const HISTORY = `
  select id, role, "createdAt",
         case when bytes <= ${FILES_LIMIT} or json_typeof(parts) <> 'array' then parts else (
           select json_agg(case when json_typeof(part) = 'object' and length((part->'url')::text) > ${ADDRESS_LENGTH}
                           then json_build_object('type', part->'type', 'mediaType', part->'mediaType',
                                                  'filename', part->'filename', 'url', 'left-out:'::text)
                           else part end order by place)
             from json_array_elements(parts) with ordinality as element (part, place)
         ) end as parts
    from (
      select *, sum(octet_length(parts::text)) over (order by "createdAt" desc, id desc) as bytes
        from (
          select id, role, parts, "createdAt" from "Message_v2" message
           where "chatId" = $1 and role in ('user', 'assistant') and isfinite("createdAt")
             and not exists (select 1 from "Message_v2" target where target.id = $2 and target."chatId" = $1
                               and (target."createdAt", target.id) < (message."createdAt", message.id))
           order by "createdAt" desc, id desc limit ${HISTORY_LIMIT}
        ) latest
    ) measured
   order by "createdAt" desc, id desc`;

/** The answer to the last kept message may already exist. */
const REMOVE_AFTER = `
  delete from "Message_v2"
   where "chatId" = $1 and ("createdAt", id) > ($2::timestamptz, $3::uuid) and id <> $4::uuid`;

const WITHDRAW = `
  with stream as (
    delete from "Stream" where id = $2
  ), messages as (
    delete from "Message_v2" where "chatId" = $1 and id = any($3::uuid[])
  )
  delete from chat
   where id = $1 and $4::boolean
     and not exists (select from "Message_v2" other where other."chatId" = $1 and other.id <> all($3::uuid[]))`;

const INSERT_STREAM = `
  insert into "Stream" (id, "chatId", "createdAt", "messageId", "instanceId") values ($4, $1, $3, $2, $5)`;

const INSERT_ANSWER = `
  with answer as (
    insert into "Message_v2" (id, "chatId", role, parts, attachments, "createdAt", status)
    values ($2, $1, 'assistant', '[]', '[]', $3, 'streaming')
  )
  ${INSERT_STREAM}`;

const INSERT_QUESTION_AND_ANSWER = `
  with messages as (
    insert into "Message_v2" (id, "chatId", role, parts, attachments, "createdAt", status)
    values ($6, $1, 'user', $7, '[]', $8, 'complete'), ($2, $1, 'assistant', '[]', '[]', $3, 'streaming')
  )
  ${INSERT_STREAM}`;

const CHECKPOINT = `
  with free as materialized (
    select id from "Message_v2" where id = any($1::uuid[]) and status = 'streaming' for no key update skip locked
  )
  update "Message_v2" message set parts = answer.parts::json
    from unnest($1::uuid[], $2::text[]) as answer (id, parts) join free using (id)
   where message.id = answer.id returning message.id`;

const REOPEN_ANSWER = `
  with answer as (update "Message_v2" set parts = $4, status = 'streaming', finish_reason = null where id = $1 and "chatId" = $2)
  insert into "Stream" (id, "chatId", "createdAt", "messageId", "instanceId") values ($3, $2, now(), $1, $5)`;

/** Enough for the header of most pictures, as base64. */
const FILE_START = 4_000;

/** Files are listed, because their content is not text. Only messages with files are parsed. */
const PROMPT_SIZE = `
  select coalesce(sum(coalesce(apart.characters, length(parts::text))), 0)::float8 as characters,
         coalesce(sum(coalesce(apart.bytes, octet_length(parts::text))), 0)::float8 as bytes,
         json_agg(apart.files) filter (where apart.files is not null) as files,
         (select title from chat where id = $1) as title,
         document.characters::float8 as "documentCharacters", document.bytes::float8 as "documentBytes"
    from (select 1) as one
    left join "Message_v2" on "chatId" = $1
    left join lateral (
      select json_agg(json_build_object('mediaType', part ->> 'mediaType', 'url', left(part ->> 'url', ${FILE_START}),
                                        'length', length(part ->> 'url')))
               filter (where part ->> 'type' = 'file') as files,
             coalesce(sum(length(part::text)) filter (where part ->> 'type' <> 'file'), 0) as characters,
             coalesce(sum(octet_length(part::text)) filter (where part ->> 'type' <> 'file'), 0) as bytes
        from json_array_elements(parts) as part
    ) as apart on parts::text like '%"type":"file"%'
    left join lateral (
      select length(shown) as characters, octet_length(shown) as bytes
        from (select left(content, $3) as shown, kind from "Document"
               where id = $2 order by "createdAt" desc limit 1) as latest
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

/** The statements of a turn. Statements on the user's data run as the user, inside the transaction that is passed in. */
@Injectable()
export class TurnRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  asUser<T>(
    identity: Identity,
    fn: (manager: EntityManager, last: Last, before: Promise<unknown[][]>) => Promise<T>,
    before?: Statement[],
  ): Promise<T> {
    return this.database.asUserAtOnce(identity, fn, before);
  }

  /** The sizes of the messages of a chat and of the visible part of the open document. Zero for missing ones. */
  async promptSize(
    identity: Identity,
    { chatId, documentId, shown }: { chatId?: string; documentId?: string; shown: number },
  ): Promise<PromptSize> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      statements.query<PromptSize[]>(PROMPT_SIZE, [chatId ?? null, documentId ?? null, shown]),
    );
    return (
      rows[0] ?? {
        characters: 0,
        bytes: 0,
        files: null,
        title: null,
        documentCharacters: null,
        documentBytes: null,
      }
    );
  }

  /** Finds or creates the chat and locks it for this turn. Undefined if it is missing or belongs to another user. */
  async openChat(
    manager: EntityManager,
    chat: { id: string; userId: string; title: string; visibility: string; create: boolean },
  ): Promise<ChatState | undefined> {
    const rows = await manager.query<ChatState[]>(OPEN_CHAT, [
      chat.id,
      chat.userId,
      chat.title,
      chat.visibility,
      chat.create,
    ]);
    return rows[0];
  }

  /**
   * The mark of the chat's active stream. Run this after {@link openChat}, in a separate statement: only this statement
   * sees what another instance has marked while this one waited for the lock.
   */
  async findActiveStream(manager: EntityManager, chatId: string): Promise<ActiveStream | undefined> {
    const rows = await manager.query<ActiveStream[]>(ACTIVE_STREAM, [chatId, this.instance.instanceId]);
    return rows[0];
  }

  /**
   * The latest messages of a chat, oldest first.
   *
   * @param target the last message to return, if it is in the chat
   */
  async findHistory(manager: EntityManager, chatId: string, target?: string): Promise<HistoryRow[]> {
    const rows = await manager.query<HistoryRow[]>(HISTORY, [chatId, target ?? null]);
    return rows.reverse();
  }

  /** Removes everything after a message, except the answer of this turn. */
  removalAfter(
    { chatId, answerId }: { chatId: string; answerId: string },
    last: { createdAt: Date; id: string },
  ): Statement {
    return { text: REMOVE_AFTER, parameters: [chatId, last.createdAt, last.id, answerId] };
  }

  replacement({ id, parts }: UserMessage): Statement {
    return { text: `update "Message_v2" set parts = $2 where id = $1`, parameters: [id, toJson(parts)] };
  }

  /** Undoes a turn that was refused: removes its messages, its mark, and its chat if that was created for it and contains nothing else. */
  async withdraw(
    identity: Identity,
    { chatId, streamId }: { chatId: string; streamId: string },
    { messageIds, chatIsNew }: { messageIds: string[]; chatIsNew: boolean },
  ): Promise<void> {
    await this.database.asUser(identity, (manager) =>
      manager.query(WITHDRAW, [chatId, streamId, messageIds, chatIsNew]),
    );
  }

  /** Stores the user's message (if it is new), the empty answer and the mark of the active stream. */
  insertTurn({ chatId, userMessage, answerId, answerCreatedAt, streamId }: TurnRows): Statement {
    const answer = [chatId, answerId, answerCreatedAt, streamId, this.instance.instanceId];
    if (!userMessage) return { text: INSERT_ANSWER, parameters: answer };
    const { id, parts, createdAt } = userMessage;
    return { text: INSERT_QUESTION_AND_ANSWER, parameters: [...answer, id, toJson(parts), createdAt] };
  }

  /** An answer that waited for the user's decision is continued: it is being written again. */
  async reopenAnswer(
    manager: EntityManager,
    answer: { id: string; chatId: string; streamId: string; parts: string },
  ): Promise<void> {
    await manager.query(REOPEN_ANSWER, [
      answer.id,
      answer.chatId,
      answer.streamId,
      answer.parts,
      this.instance.instanceId,
    ]);
  }

  async isAnswer(manager: EntityManager, chatId: string, id: string): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      `select from "Message_v2" where id = $1 and "chatId" = $2 and role = 'assistant'`,
      [id, chatId],
    );
    return rows.length > 0;
  }

  /**
   * Stores what has arrived of answers that are still being written, with one statement for all of them. Locked rows
   * are skipped, so no lock prevents others from being stored.
   *
   * @param also is stored with them
   * @returns the ids of the stored answers
   */
  async checkpoint(answers: Array<{ id: string; parts: string }>, also: Statement[]): Promise<string[]> {
    const parameters = [answers.map(({ id }) => id), answers.map(({ parts }) => parts)];
    const batch = this.database.provisionalBatch().add({ text: CHECKPOINT, parameters }, ...also);
    const [rows] = await batch.commit();
    return (rows as Array<{ id: string }>).map(({ id }) => id);
  }
}
