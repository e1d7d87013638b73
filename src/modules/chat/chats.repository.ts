import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { boundedRows } from '../../common/database/bounded-rows.js';
import type { SqlRunner } from '../../common/database/database.js';
import type { Keyset } from '../../common/http/paging.js';
import type { Visibility } from './dto/chat.dto.js';

export interface ChatRow {
  id: string;
  userId: string;
  title: string;
  visibility: Visibility;
  createdAt: Date;
  updatedAt: Date;
  lastContext: Record<string, unknown> | null;
  totalInputTokens: number;
  totalOutputTokens: number;
  totalCost: string;
  isStreaming: boolean;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

/** A single chat. The summary is only shown to its owner. */
export interface ReadableChatRow extends ChatRow {
  /** The last message of its summary. */
  summarizedThrough: string | null;
  /** An estimate of the next prompt, made with the summary. */
  contextTokens: number | null;
}

/** The metadata of a chat, without its messages. */
export type ChatMetadataRow = Omit<ChatRow, 'lastContext' | 'isStreaming'>;

const METADATA = `
  chat.id, chat.user_id as "userId", chat.title, chat.visibility, chat."createdAt", chat.updated_at as "updatedAt",
  chat.total_input_tokens as "totalInputTokens", chat.total_output_tokens as "totalOutputTokens",
  chat.total_cost as "totalCost"`;

/** Of a chat in a page, or by itself. */
const COLUMNS = `${METADATA}, chat."lastContext"`;

const IS_STREAMING = `exists (select from "Stream" stream where stream."chatId" = chat.id) as "isStreaming"`;

const NEWEST_FIRST = '"createdAt" desc, id desc';

type Add = (value: unknown) => string;

/** The condition of a page that continues after a chat. */
const isAfter = ({ at, id }: Keyset, add: Add): string =>
  `(chat."createdAt", chat.id) < (${add(at)}::timestamptz, ${add(id)}::uuid)`;

/** The conditions of a page of one user's own chats. The id of the user is the first parameter. */
export function ownChats(
  { visibility, after }: { visibility?: Visibility; after?: Keyset },
  add: Add,
): string {
  const conditions = ['chat.user_id = $1'];
  if (visibility) conditions.push(`chat.visibility = ${add(visibility)}`);
  if (after) conditions.push(isAfter(after, add));
  return conditions.join(' and ');
}

/** A page of these rows, newest first. Its limit is the second parameter. */
export const pageOf = (rows: string): string => `
  select ${COLUMNS}, ${IS_STREAMING}, chat."hasMore"
    from ${boundedRows({ rows, order: NEWEST_FIRST, texts: ['title'], jsons: ['"lastContext"'], limit: '$2' })} chat
   order by chat."createdAt" desc, chat.id desc`;

const FIND_READABLE = `
  select ${COLUMNS}, ${IS_STREAMING}, summary.through_id as "summarizedThrough", summary.context_tokens as "contextTokens"
    from chat left join switchboard.chat_summaries summary on summary.chat_id = chat.id
   where chat.id = $1 and chat.user_id = $2
  union all
  select ${COLUMNS}, ${IS_STREAMING}, null, null from switchboard.public_chat($1) chat where chat.user_id <> $2
  limit 1`;

const CREATE = `
  insert into chat (id, user_id, title, visibility) values ($1, $2, $3, $4)
  on conflict (id) do nothing
  returning ${COLUMNS}, false as "isStreaming"`;

const UPDATE = `
  with updated as (
    update chat set title = coalesce($3, title), visibility = coalesce($4, visibility)
     where id = $1 and user_id = $2
    returning *
  )
  select ${COLUMNS}, ${IS_STREAMING} from updated chat`;

const DELETE = `
  with deleted as (delete from chat where id = $1 and user_id = $2 returning id)
  select count(*)::int as deleted from deleted`;

const DELETE_ALL = `
  with deleted as (delete from chat where user_id = $1 returning id)
  select count(*)::int as deleted from deleted`;

/** An administrator may select every chat, so each statement filters by owner. */
@Injectable()
export class ChatsRepository {
  /** A page of the user's own chats, newest first. */
  findPage(
    statements: SqlRunner,
    {
      userId,
      visibility,
      after,
      limit,
    }: { userId: string; visibility?: Visibility; after?: Keyset; limit: number },
  ): Promise<ChatRow[]> {
    const parameters: unknown[] = [userId, limit];
    const add = (value: unknown) => `$${parameters.push(value)}`;
    const rows = `
      select chat.* from chat where ${ownChats({ visibility, after }, add)}
       order by chat."createdAt" desc, chat.id desc limit $2::int + 1`;
    return statements.query<ChatRow[]>(pageOf(rows), parameters);
  }

  /** A page of the chats of one user or of all, newest first. Row level security decides who can see them. */
  findAllPage(
    statements: SqlRunner,
    { userId, after, limit }: { userId?: string; after?: Keyset; limit: number },
  ): Promise<ChatMetadataRow[]> {
    const parameters: unknown[] = [limit];
    const add = (value: unknown) => `$${parameters.push(value)}`;
    const conditions: string[] = [];
    if (userId) conditions.push(`chat.user_id = ${add(userId)}`);
    if (after) conditions.push(isAfter(after, add));
    const rows = `
      select chat.* from chat ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
       order by chat."createdAt" desc, chat.id desc limit $1::int + 1`;
    return statements.query<ChatMetadataRow[]>(
      `select ${METADATA}, chat."hasMore"
         from ${boundedRows({ rows, order: NEWEST_FIRST, texts: ['title'], limit: '$1' })} chat
        order by chat."createdAt" desc, chat.id desc`,
      parameters,
    );
  }

  /** The user's own chat, or a public one. */
  async findReadable(
    statements: SqlRunner,
    userId: string,
    chatId: string,
  ): Promise<ReadableChatRow | undefined> {
    const rows = await statements.query<ReadableChatRow[]>(FIND_READABLE, [chatId, userId]);
    return rows[0];
  }

  async isOwn(manager: EntityManager, userId: string, chatId: string): Promise<boolean> {
    const rows = await manager.query<unknown[]>('select from chat where id = $1 and user_id = $2', [
      chatId,
      userId,
    ]);
    return rows.length > 0;
  }

  /** @returns undefined if the id is taken, by any user */
  async create(
    manager: EntityManager,
    { id, userId, title, visibility }: { id: string; userId: string; title: string; visibility: Visibility },
  ): Promise<ChatRow | undefined> {
    const rows = await manager.query<ChatRow[]>(CREATE, [id, userId, title, visibility]);
    return rows[0];
  }

  /** Gives a copy of a chat the summary of the original, unless that is about messages that the copy does not have. */
  async copySummary(
    manager: EntityManager,
    { chatId, toChatId }: { chatId: string; toChatId: string },
  ): Promise<void> {
    await manager.query('select switchboard.copy_summary($1, $2)', [chatId, toChatId]);
  }

  async update(
    manager: EntityManager,
    {
      id,
      userId,
      title,
      visibility,
    }: { id: string; userId: string; title?: string; visibility?: Visibility },
  ): Promise<ChatRow | undefined> {
    const rows = await manager.query<ChatRow[]>(UPDATE, [id, userId, title ?? null, visibility ?? null]);
    return rows[0];
  }

  /** @returns the number of deleted rows: 1 or 0 */
  async delete(manager: EntityManager, userId: string, chatId: string): Promise<number> {
    const rows = await manager.query<Array<{ deleted: number }>>(DELETE, [chatId, userId]);
    return rows[0]?.deleted ?? 0;
  }

  async deleteAll(manager: EntityManager, userId: string): Promise<number> {
    const rows = await manager.query<Array<{ deleted: number }>>(DELETE_ALL, [userId]);
    return rows[0]?.deleted ?? 0;
  }
}
