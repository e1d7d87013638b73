import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { boundedRows } from '../../common/database/bounded-rows.js';
import type { SqlRunner } from '../../common/database/database.js';
import { type Keyset, positionsAfter } from '../../common/http/paging.js';
import type { FinishReason } from '../models/ending.js';
import type { Order } from './dto/list-messages.query.js';
import type { MessageStatus } from './dto/message.dto.js';

export interface MessageRow {
  id: string;
  chatId: string;
  role: string;
  parts: unknown;
  attachments: unknown;
  createdAt: Date;
  modelUsed: string | null;
  inputTokens: number;
  outputTokens: number;
  cost: string;
  status: MessageStatus;
  finishReason: FinishReason | null;
  metadata: Record<string, unknown> | null;
  /** In a page: the owner of the chat. */
  ownerId?: string;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

/** Which messages of a chat a page has. */
interface MessagePlace {
  userId: string;
  chatId: string;
  after?: Keyset;
  limit: number;
  /** The default is oldest first. */
  order?: Order;
}

/** The source of a chat and its messages: the tables for the owner, the narrow functions for everyone else. */
interface Source {
  chat: string;
  messages: string;
  condition: string;
}

const OWN: Source = {
  chat: 'chat',
  messages: '"Message_v2"',
  condition: 'chat.id = $1 and chat.user_id = $2',
};
const PUBLIC: Source = {
  chat: 'switchboard.public_chat($1)',
  messages: 'switchboard.public_chat_messages($1)',
  condition: 'chat.user_id <> $2',
};

/** Columns of a message that can be large. */
const LARGE = ['parts', 'attachments', 'metadata'];

/** A row of nulls means that the chat exists but has no (more) messages. No row means that there is no such chat. */
const findPage = (
  { chat, messages, condition }: Source,
  after: Keyset | undefined,
  { compare, direction }: { compare: '>' | '<'; direction: '' | 'desc' },
) => `
  select message.id, message."chatId", message.role, message.parts, message.attachments, message."createdAt",
         message.model_used as "modelUsed", message.input_tokens as "inputTokens",
         message.output_tokens as "outputTokens", message.cost, message.status, message.finish_reason as "finishReason", message.metadata, message."hasMore",
         chat.user_id as "ownerId"
    from ${chat} chat
    left join lateral ${boundedRows({
      rows: `
        select * from ${messages} message
         where message."chatId" = chat.id
           ${after ? `and (message."createdAt", message.id) ${compare} ($4::timestamptz, $5::uuid)` : ''}
         order by message."createdAt" ${direction}, message.id ${direction}
         limit $3::int + 1`,
      order: `"createdAt" ${direction}, id ${direction}`,
      jsons: LARGE,
      limit: '$3',
    })} message on true
   where ${condition}
   order by message."createdAt" ${direction}, message.id ${direction}`;

const OLDEST_FIRST = { compare: '>', direction: '' } as const;
const NEWEST_FIRST = { compare: '<', direction: 'desc' } as const;

const findStatus = ({ chat, messages, condition }: Source) => `
  select message.status
    from ${chat} chat
    join ${messages} message on message."chatId" = chat.id
   where ${condition} and message.id = $3`;

/** `$2` and `$3` are the positions after which each chat is read. */
const FIND_OF_CHATS = `
  select message.id, message."chatId", message.role, message.parts, message.attachments, message."createdAt",
         message.model_used as "modelUsed", message.input_tokens as "inputTokens",
         message.output_tokens as "outputTokens", message.cost, message.status, message.finish_reason as "finishReason", message.metadata
    from ${boundedRows({
      rows: `
        select message.*, chat.position
          from unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) with ordinality chat (id, at, "messageId", position)
         cross join lateral (
           select * from "Message_v2" message
            where message."chatId" = chat.id
              and (message."createdAt", message.id) > (chat.at, chat."messageId")
            order by message."createdAt", message.id
            limit $4::int
         ) message
         order by chat.position, message."createdAt", message.id
         limit $4`,
      order: 'position, "createdAt", id',
      jsons: LARGE,
      limit: '$4',
      bytes: '$5::int',
    })} message
   order by message.position, message."createdAt", message.id`;

const LOCK_CHAT = 'select id from chat where id = $1 and user_id = $2 for update';

const DELETE_FROM = `
  with target as (
    select message.id, message."chatId", message."createdAt",
           exists (select from "Stream" stream where stream."chatId" = chat.id) as "isStreaming"
      from chat
      join "Message_v2" message on message."chatId" = chat.id
     where chat.id = $1 and chat.user_id = $2 and message.id = $3
  ), deleted as (
    delete from "Message_v2" message using target
     where message."chatId" = target."chatId" and not target."isStreaming"
       and (message."createdAt", message.id) >= (target."createdAt", target.id)
    returning message.id
  ), touched as (
    update chat set updated_at = now() from target where chat.id = target."chatId" and not target."isStreaming"
  )
  select target."isStreaming", (select count(*)::int from deleted) as deleted from target`;

/**
 * The copies have random ids, assigned in order, so that messages of the same millisecond keep their order. Text and
 * results of finished calls are copied. Calls that wait for the user stay in the original, and so do the costs.
 */
const copyUpTo = (messages: string, parts: string) => `
  with original as (
    select message.*, row_number() over (order by message."createdAt", message.id) as place
      from ${messages} message
     where message."chatId" = $1 and message.status <> 'streaming' and message.role in ('user', 'assistant')
       and (message."createdAt", message.id) <=
           (select target."createdAt", target.id from ${messages} target where target."chatId" = $1 and target.id = $2)
  ), fresh as (
    select id, row_number() over (order by id) as place from (select gen_random_uuid() as id from original) random
  )
  insert into "Message_v2"
    (id, "chatId", role, parts, attachments, "createdAt", model_used, input_tokens, output_tokens, cost, status, metadata,
     finish_reason)
  select fresh.id, $3, original.role, ${parts}, original.attachments, original."createdAt",
         original.model_used, 0, 0, 0, original.status, switchboard.public_metadata(original.metadata),
         original.finish_reason
    from original join fresh using (place)`;

@Injectable()
export class MessagesRepository {
  /**
   * A page of the messages of the user's own chat, or of a public one.
   *
   * @returns undefined if this user has no access to such a chat
   */
  async findPage(
    statements: SqlRunner,
    source: 'own' | 'public',
    { userId, chatId, after, limit, order }: MessagePlace,
  ): Promise<MessageRow[] | undefined> {
    const parameters = [chatId, userId, limit, ...(after ? [after.at, after.id] : [])];
    const text = findPage(
      source === 'own' ? OWN : PUBLIC,
      after,
      order === 'desc' ? NEWEST_FIRST : OLDEST_FIRST,
    );
    const rows = await statements.query<MessageRow[]>(text, parameters);
    return rows.length > 0 ? rows.filter((row) => row.id !== null) : undefined;
  }

  /**
   * Messages of the user's own chats, chat by chat, oldest first: at most `limit`, and no more than fit into `bytes`,
   * but at least one.
   *
   * @param after where to continue in the first chat
   */
  findOfChats(
    statements: SqlRunner,
    { chatIds, after, limit, bytes }: { chatIds: string[]; after?: Keyset; limit: number; bytes: number },
  ): Promise<MessageRow[]> {
    const places = positionsAfter(chatIds, after);
    return statements.query<MessageRow[]>(FIND_OF_CHATS, [chatIds, ...places, limit, bytes]);
  }

  /** The status of one message in the user's own chat or a public one. */
  async findStatus(
    manager: EntityManager,
    { userId, chatId, messageId }: { userId: string; chatId: string; messageId: string },
  ): Promise<MessageStatus | undefined> {
    const rows = await manager.query<Array<{ status: MessageStatus }>>(
      `${findStatus(OWN)} union all ${findStatus(PUBLIC)} limit 1`,
      [chatId, userId, messageId],
    );
    return rows[0]?.status;
  }

  /**
   * Deletes a message and all later ones in the user's own chat, unless an answer is being generated in it.
   *
   * @returns undefined if there is no such message
   */
  async deleteFrom(
    manager: EntityManager,
    { userId, chatId, messageId }: { userId: string; chatId: string; messageId: string },
  ): Promise<{ isStreaming: boolean; deleted: number } | undefined> {
    // An answer that starts now waits for the lock, or started before the second statement reads.
    const [, rows] = await Promise.all([
      manager.query(LOCK_CHAT, [chatId, userId]),
      manager.query<Array<{ isStreaming: boolean; deleted: number }>>(DELETE_FROM, [
        chatId,
        userId,
        messageId,
      ]),
    ]);
    return rows[0];
  }

  /** Copies the history of a chat, up to and including a message, into another chat of the user. */
  async copyUpTo(
    manager: EntityManager,
    {
      chatId,
      messageId,
      toChatId,
      isOwner,
    }: { chatId: string; messageId: string; toChatId: string; isOwner: boolean },
  ): Promise<void> {
    const { messages } = isOwner ? OWN : PUBLIC;
    const copied = 'switchboard.copied_parts(original.parts)';
    // A stored file is its owner's: copies of the owner share it.
    const parts = isOwner ? copied : `switchboard.without_files(${copied})`;
    await manager.query(copyUpTo(messages, parts), [chatId, messageId, toChatId]);
  }
}
