import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../../common/database/database.js';
import { READABLE_PARTS } from './chat-search.repository.js';
import type { Segment, SegmentText } from './signature.js';

/** What of an index one user has at most in a row. */
export interface Group {
  number: number;
  width: number;
  matrix: Buffer;
  count: number;
}

/** A version of a note: a change makes another one. */
export interface Note {
  chatId: string;
  at: string;
  messageId: string;
  version: string;
}

/** Part of the text of a message or title, in UTF-8. A character can begin in one and end in the next. */
export interface TextPiece extends Omit<SegmentText, 'text'> {
  bytes: Buffer;
  messageId: string;
  piece: number;
}

export interface Due {
  isWhole: boolean;
  hasDeleted: boolean;
}

const FIND_DUE = `
  select user_id as "userId" from switchboard.search_due
   where $1::uuid is null or user_id > $1 order by user_id limit $2`;

/** Waits for nobody: somebody else may be indexing, or the user is being deleted. */
const LOCK = `
  select due.is_whole as "isWhole", due.has_deleted as "hasDeleted"
    from switchboard.search_due due join auth.users on users.id = due.user_id
   where due.user_id = $1
     for update of due skip locked for key share of users skip locked`;

const FIND_DUE_OF = `
  select is_whole as "isWhole", has_deleted as "hasDeleted" from switchboard.search_due where user_id = $1`;

const NOTE_CHATS = `
  with page as materialized (
    select id from chat where user_id = $1 and ($2::uuid is null or id > $2) order by id limit $3
  ), noted as (
    insert into switchboard.search_pending (user_id, chat_id, at, message_id)
    select $1, id, '-infinity'::timestamptz, id from page
    union all
    select $1, page.id, message."createdAt", message.id
      from page join "Message_v2" message on message."chatId" = page.id
    on conflict (user_id, chat_id, at, message_id) do nothing
  )
  select id from page order by id desc limit 1`;

const MEASURE = `
  select count(*)::integer as count, coalesce(sum(size), 0)::float8 as bytes
    from (select pg_column_size(message.parts) as size
            from switchboard.search_pending pending left join "Message_v2" message on message.id = pending.message_id
           where pending.user_id = $1 and message.status is distinct from 'streaming'
           limit $2) noted`;

/**
 * Answers that are being written are left out. What is compressed well counts by its size, too, so that the texts of one
 * batch fit in memory.
 */
const FIND_NOTES = `
  with near as materialized (
    select pending.chat_id, pending.at, pending.message_id, pending.xmin::text as version,
           coalesce(pg_column_size(message.parts), 0) as size
      from switchboard.search_pending pending left join "Message_v2" message on message.id = pending.message_id
     where pending.user_id = $1 and message.status is distinct from 'streaming'
     order by pending.chat_id, pending.at, pending.message_id limit $2
  ), small as materialized (
    select * from (
      select near.*, sum(size) over (order by chat_id, at, message_id) - size as before from near) near
     where before < $3
  ), full_size as (
    select small.chat_id, small.at, small.message_id, small.version,
           sum(coalesce(octet_length(message.parts::text), 0))
             over (order by small.chat_id, small.at, small.message_id)
             - coalesce(octet_length(message.parts::text), 0) as before
      from small left join "Message_v2" message on message.id = small.message_id
  )
  select chat_id as "chatId", at::text as at, message_id as "messageId", version from full_size where before < $3`;

/**
 * Removes notes whose texts have been read, except for those that have changed since then or that a change holds. It
 * waits for no change.
 */
const REMOVE_NOTES = `
  with free as materialized (
    select pending.chat_id, pending.at, pending.message_id
      from unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[]) note (chat_id, at, message_id, version)
      join switchboard.search_pending pending
        on pending.user_id = $1 and pending.chat_id = note.chat_id and pending.at = note.at
           and pending.message_id = note.message_id
     where pending.xmin::text = note.version
       for update of pending skip locked
  ), removed as (
    delete from switchboard.search_pending pending using free
     where pending.user_id = $1 and pending.chat_id = free.chat_id and pending.at = free.at
       and pending.message_id = free.message_id
    returning pending.chat_id
  )
  select distinct chat_id as "chatId" from removed`;

/**
 * A long text comes in pieces, a row for each, so that none holds up the event loop. Pieces of bytes are found at once;
 * for those of text, PostgreSQL would count characters from the beginning each time.
 */
const READ = `
  with note as materialized (
    select chat_id, message_id from unnest($1::uuid[], $2::uuid[]) note (chat_id, message_id)
  )
  select chat.id as "chatId", chat.id as "messageId", null::timestamptz as at, null::timestamptz as follows,
         convert_to(chat.title, 'UTF8') as bytes, 0 as piece
    from note join chat on chat.id = note.message_id
  union all
  select message."chatId", message.id, message."createdAt", before.at, coalesce(piece.bytes, ''), coalesce(piece.number, 0)
    from note join "Message_v2" message on message.id = note.message_id
    cross join lateral (
      select convert_to(string_agg(part ->> 'text', E'\\n'), 'UTF8') as bytes from json_array_elements(${READABLE_PARTS}) part
       where part ->> 'type' = 'text' offset 0
    ) content
    left join lateral (
      select other."createdAt" as at from "Message_v2" other
       where other."chatId" = message."chatId" and other."createdAt" <= message."createdAt" and other.id <> message.id
       order by other."createdAt" desc limit 1
    ) before on true
    left join lateral (
      select number, substr(content.bytes, number * $3 + 1, $3) as bytes
        from generate_series(0, (octet_length(content.bytes) - 1) / $3) number
    ) piece on true
   order by 1, 3 nulls first, 2, 6`;

const LAST_GROUP = `
  select number, width, matrix, cardinality(chat_ids) as count
    from switchboard.search_groups where user_id = $1 order by number desc limit 1`;

const SAVE = `
  insert into switchboard.search_groups as indexed (user_id, number, width, matrix, chat_ids, from_at, to_at)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (user_id, number) do update
     set width = excluded.width, matrix = excluded.matrix, chat_ids = indexed.chat_ids || excluded.chat_ids,
         from_at = indexed.from_at || excluded.from_at, to_at = indexed.to_at || excluded.to_at`;

/** The first group behind a number with segments of chats that are gone; null stands for those that have been cleared. */
const FIND_DELETED = `
  select number, width, matrix, living.chats
    from switchboard.search_groups indexed
    cross join lateral (
      select array_agg(chat.id order by segment.position) as chats,
             bool_or(segment.chat_id is not null and chat.id is null) as has_deleted
        from unnest(indexed.chat_ids) with ordinality segment (chat_id, position)
        left join chat on chat.id = segment.chat_id
    ) living
   where indexed.user_id = $1 and indexed.number > $2 and living.has_deleted
   order by indexed.number limit 1`;

const CLEAR = `
  update switchboard.search_groups set matrix = $3, chat_ids = $4 where user_id = $1 and number = $2`;

/** The statements of the indexer. */
@Injectable()
export class SearchIndexRepository {
  constructor(private readonly database: Database) {}

  /** Users that are due, behind one of them. */
  async findDue(after: string | undefined, limit: number): Promise<string[]> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ userId: string }>>(FIND_DUE, [after ?? null, limit]),
    );
    return rows.map(({ userId }) => userId);
  }

  inTransaction<T>(fn: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.asServiceInTransaction(fn);
  }

  /** @returns undefined when the user is not due, or somebody else is at it */
  async lock(manager: EntityManager, userId: string): Promise<Due | undefined> {
    const rows = await manager.query<Due[]>(LOCK, [userId]);
    return rows[0];
  }

  /** What there is to do for a user. */
  async findDueOf(userId: string): Promise<Due | undefined> {
    const rows = await this.database.asService((manager) => manager.query<Due[]>(FIND_DUE_OF, [userId]));
    return rows[0];
  }

  /**
   * Notes the messages of some chats, in the order of their ids.
   *
   * @returns the last of them
   */
  async noteChats(
    manager: EntityManager,
    userId: string,
    { after, limit }: { after: string | undefined; limit: number },
  ): Promise<string | undefined> {
    const rows = await manager.query<Array<{ id: string }>>(NOTE_CHATS, [userId, after ?? null, limit]);
    return rows[0]?.id;
  }

  /** All that a user has is noted: from now on a search does not read all of it. */
  async endWhole(manager: EntityManager, userId: string): Promise<void> {
    await manager.query('update switchboard.search_due set is_whole = false where user_id = $1', [userId]);
  }

  /** How much is noted, as far as `most` notes. */
  async measure(userId: string, most: number): Promise<{ count: number; bytes: number }> {
    const rows = await this.database.asService((manager) =>
      manager.query<[{ count: number; bytes: number }]>(MEASURE, [userId, most]),
    );
    return rows[0];
  }

  findNotes(userId: string, { most, bytes }: { most: number; bytes: number }): Promise<Note[]> {
    return this.database.asService((manager) => manager.query<Note[]>(FIND_NOTES, [userId, most, bytes]));
  }

  /**
   * The texts of what is noted, chat by chat in order and in pieces of `size` bytes; nothing of what is gone.
   * They are read after their notes: a message that changes in between has another version of its note.
   */
  readTexts(notes: Note[], size: number): Promise<TextPiece[]> {
    return this.database.asService((manager) =>
      manager.query<TextPiece[]>(READ, [
        notes.map(({ chatId }) => chatId),
        notes.map(({ messageId }) => messageId),
        size,
      ]),
    );
  }

  /** @returns the chats that a removed note is of */
  async removeNotes(manager: EntityManager, userId: string, notes: Note[]): Promise<Set<string>> {
    const rows = await manager.query<Array<{ chatId: string }>>(REMOVE_NOTES, [
      userId,
      notes.map(({ chatId }) => chatId),
      notes.map(({ at }) => at),
      notes.map(({ messageId }) => messageId),
      notes.map(({ version }) => version),
    ]);
    return new Set(rows.map(({ chatId }) => chatId));
  }

  async findLastGroup(manager: EntityManager, userId: string): Promise<Group | undefined> {
    const rows = await manager.query<Group[]>(LAST_GROUP, [userId]);
    return rows[0];
  }

  /** Stores a group, with the segments that have been added to it. */
  async save(
    manager: EntityManager,
    userId: string,
    { number, width, matrix }: Omit<Group, 'count'>,
    added: Segment[],
  ): Promise<void> {
    await manager.query(SAVE, [
      userId,
      number,
      width,
      matrix,
      added.map(({ chatId }) => chatId),
      added.map(({ from }) => from),
      added.map(({ to }) => to),
    ]);
  }

  async findDeleted(
    manager: EntityManager,
    userId: string,
    after: number,
  ): Promise<{ number: number; width: number; matrix: Buffer; chats: Array<string | null> } | undefined> {
    const rows = await manager.query<
      Array<{ number: number; width: number; matrix: Buffer; chats: Array<string | null> }>
    >(FIND_DELETED, [userId, after]);
    return rows[0];
  }

  async clear(
    manager: EntityManager,
    userId: string,
    { number, matrix, chats }: { number: number; matrix: Buffer; chats: Array<string | null> },
  ): Promise<void> {
    if (chats.some((chat) => chat !== null)) {
      await manager.query(CLEAR, [userId, number, matrix, chats]);
    } else {
      await manager.query('delete from switchboard.search_groups where user_id = $1 and number = $2', [
        userId,
        number,
      ]);
    }
  }

  async endDue(manager: EntityManager, userId: string): Promise<void> {
    await manager.query('delete from switchboard.search_due where user_id = $1', [userId]);
  }
}
