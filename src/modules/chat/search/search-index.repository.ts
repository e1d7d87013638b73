import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../../common/database/database.js';
import { READABLE_PARTS } from './chat-search.repository.js';
import type { Segment, SegmentText } from './signature.js';

/** The largest part of one user's index in a single row. */
export interface Group {
  number: number;
  width: number;
  matrix: Buffer;
  count: number;
}

export interface Note {
  chatId: string;
  messageId: string;
}

export interface Due {
  isWhole: boolean;
  hasDeleted: boolean;
}

const FIND_DUE = `
  select user_id as "userId" from switchboard.search_due
   where $1::uuid is null or user_id > $1 order by user_id limit $2`;

/** Skips locked rows: another instance may be indexing, or the user is being deleted. */
const LOCK = `
  select due.is_whole as "isWhole", due.has_deleted as "hasDeleted"
    from switchboard.search_due due join auth.users on users.id = due.user_id
   where due.user_id = $1
     for update of due skip locked for key share of users skip locked`;

const NOTE_ALL = `
  with noted as (
    insert into switchboard.search_pending (user_id, chat_id, at, message_id)
    select chat.user_id, chat.id, '-infinity'::timestamptz, chat.id from chat where chat.user_id = $1
    union all
    select chat.user_id, chat.id, message."createdAt", message.id
      from chat join "Message_v2" message on message."chatId" = chat.id where chat.user_id = $1
    on conflict (user_id, chat_id, at, message_id) do nothing
  )
  update switchboard.search_due set is_whole = false where user_id = $1`;

const MEASURE = `
  select count(*)::integer as count, coalesce(sum(size), 0)::float8 as bytes
    from (select pg_column_size(message.parts) as size
            from switchboard.search_pending pending left join "Message_v2" message on message.id = pending.message_id
           where pending.user_id = $1 and message.status is distinct from 'streaming'
           limit $2) noted`;

/**
 * Notes are deleted before their messages are read, so a message that changes meanwhile is noted again. The notes of
 * answers that are still being written stay. So do notes that a change has locked.
 */
const TAKE = `
  with near as materialized (
    select pending.chat_id, pending.at, pending.message_id, coalesce(pg_column_size(message.parts), 0) as size
      from switchboard.search_pending pending left join "Message_v2" message on message.id = pending.message_id
     where pending.user_id = $1 and message.status is distinct from 'streaming'
     order by pending.chat_id, pending.at, pending.message_id limit $2
  ), sized as materialized (
    select near.*, sum(size) over (order by chat_id, at, message_id) - size as before from near
  ), free as materialized (
    select pending.chat_id, pending.at, pending.message_id
      from sized join switchboard.search_pending pending
        on pending.user_id = $1 and pending.chat_id = sized.chat_id and pending.at = sized.at
           and pending.message_id = sized.message_id
     where sized.before < $3
       for update of pending skip locked
  ), taken as (
    delete from switchboard.search_pending pending using free
     where pending.user_id = $1 and pending.chat_id = free.chat_id and pending.at = free.at
       and pending.message_id = free.message_id
    returning pending.chat_id, pending.message_id
  )
  select chat_id as "chatId", message_id as "messageId" from taken`;

const READ = `
  with note as materialized (
    select chat_id, message_id from unnest($1::uuid[], $2::uuid[]) note (chat_id, message_id)
  )
  select chat.id as "chatId", null::timestamptz as at, null::timestamptz as follows, chat.title as text
    from note join chat on chat.id = note.message_id
  union all
  select message."chatId", message."createdAt", before.at, coalesce(content.text, '')
    from note join "Message_v2" message on message.id = note.message_id
    cross join lateral (
      select string_agg(part ->> 'text', E'\\n') as text from json_array_elements(${READABLE_PARTS}) part
       where part ->> 'type' = 'text'
    ) content
    left join lateral (
      select other."createdAt" as at from "Message_v2" other
       where other."chatId" = message."chatId" and other."createdAt" <= message."createdAt" and other.id <> message.id
       order by other."createdAt" desc limit 1
    ) before on true
   order by 1, 2 nulls first`;

const LAST_GROUP = `
  select number, width, matrix, cardinality(chat_ids) as count
    from switchboard.search_groups where user_id = $1 order by number desc limit 1`;

const SAVE = `
  insert into switchboard.search_groups as indexed (user_id, number, width, matrix, chat_ids, from_at, to_at)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (user_id, number) do update
     set width = excluded.width, matrix = excluded.matrix, chat_ids = indexed.chat_ids || excluded.chat_ids,
         from_at = indexed.from_at || excluded.from_at, to_at = indexed.to_at || excluded.to_at`;

/** Groups with segments of deleted chats. Null marks segments that are already cleared. */
const FIND_DELETED = `
  select number, width, matrix, living.chats
    from switchboard.search_groups indexed
    cross join lateral (
      select array_agg(chat.id order by segment.position) as chats,
             bool_or(segment.chat_id is not null and chat.id is null) as has_deleted
        from unnest(indexed.chat_ids) with ordinality segment (chat_id, position)
        left join chat on chat.id = segment.chat_id
    ) living
   where indexed.user_id = $1 and living.has_deleted`;

const CLEAR = `
  update switchboard.search_groups set matrix = $3, chat_ids = $4 where user_id = $1 and number = $2`;

/** The statements of the indexer. Each batch is one transaction. */
@Injectable()
export class SearchIndexRepository {
  constructor(private readonly database: Database) {}

  /** The next users to index, after a given one. */
  async findDue(after: string | undefined, limit: number): Promise<string[]> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ userId: string }>>(FIND_DUE, [after ?? null, limit]),
    );
    return rows.map(({ userId }) => userId);
  }

  inTransaction<T>(fn: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.asServiceInTransaction(fn);
  }

  /** @returns undefined if the user is not due, or another instance is indexing the user */
  async lock(manager: EntityManager, userId: string): Promise<Due | undefined> {
    const rows = await manager.query<Due[]>(LOCK, [userId]);
    return rows[0];
  }

  /** Notes everything that a user has. From then on, a search no longer reads all of it. */
  async noteAll(manager: EntityManager, userId: string): Promise<void> {
    await manager.query(NOTE_ALL, [userId]);
  }

  /** The number of notes, counted up to `most`. */
  async measure(
    manager: EntityManager,
    userId: string,
    most: number,
  ): Promise<{ count: number; bytes: number }> {
    const rows = await manager.query<[{ count: number; bytes: number }]>(MEASURE, [userId, most]);
    return rows[0];
  }

  take(
    manager: EntityManager,
    userId: string,
    { most, bytes }: { most: number; bytes: number },
  ): Promise<Note[]> {
    return manager.query<Note[]>(TAKE, [userId, most, bytes]);
  }

  /** The texts of the noted messages and titles, ordered by chat. Deleted ones are left out. */
  readTexts(manager: EntityManager, notes: Note[]): Promise<SegmentText[]> {
    return manager.query<SegmentText[]>(READ, [
      notes.map(({ chatId }) => chatId),
      notes.map(({ messageId }) => messageId),
    ]);
  }

  async findLastGroup(manager: EntityManager, userId: string): Promise<Group | undefined> {
    const rows = await manager.query<Group[]>(LAST_GROUP, [userId]);
    return rows[0];
  }

  /** Stores a group with the segments that were added to it. */
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

  findDeleted(
    manager: EntityManager,
    userId: string,
  ): Promise<Array<{ number: number; width: number; matrix: Buffer; chats: Array<string | null> }>> {
    return manager.query(FIND_DELETED, [userId]);
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
