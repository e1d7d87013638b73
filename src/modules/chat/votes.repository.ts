import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { SqlRunner } from '../../common/database/database.js';
import { type Keyset, positionsAfter } from '../../common/http/paging.js';

export interface VoteRow {
  chatId: string;
  messageId: string;
  isUpvoted: boolean;
  /** When the message was written. Votes are listed in the order of their messages. */
  messageCreatedAt: Date;
}

interface MessagePlace {
  userId: string;
  chatId: string;
  messageId: string;
}

/**
 * A row of nulls means that the chat exists but has no (more) votes. No row means that it is not the user's own chat.
 */
const findPage = (after: Keyset | undefined) => `
  select vote."chatId", vote."messageId", vote."isUpvoted", vote."messageCreatedAt"
    from chat
    left join lateral (
      select vote.*, message."createdAt" as "messageCreatedAt"
        from "Vote_v2" vote
        join "Message_v2" message on message.id = vote."messageId"
       where vote."chatId" = chat.id
         ${after ? 'and (message."createdAt", message.id) > ($4::timestamptz, $5::uuid)' : ''}
       order by message."createdAt", message.id
       limit $3
    ) vote on true
   where chat.id = $1 and chat.user_id = $2
   order by vote."messageCreatedAt", vote."messageId"`;

/** `$2` and `$3` are the positions after which each chat is read. */
const FIND_OF_CHATS = `
  select vote."chatId", vote."messageId", vote."isUpvoted", vote."messageCreatedAt"
    from unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) with ordinality chat (id, at, "messageId", position)
   cross join lateral (
     select vote.*, message."createdAt" as "messageCreatedAt"
       from "Vote_v2" vote
       join "Message_v2" message on message.id = vote."messageId"
      where vote."chatId" = chat.id
        and (message."createdAt", message.id) > (chat.at, chat."messageId")
      order by message."createdAt", message.id
      limit $4
   ) vote
   order by chat.position, vote."messageCreatedAt", vote."messageId"
   limit $4`;

const TARGET = `
  select message."chatId", message.id as "messageId"
    from chat
    join "Message_v2" message on message."chatId" = chat.id
   where chat.id = $1 and chat.user_id = $2 and message.id = $3`;

const PUT = `
  with target as (${TARGET})
  insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") select "chatId", "messageId", $4 from target
  on conflict ("chatId", "messageId") do update set "isUpvoted" = excluded."isUpvoted"
  returning "messageId"`;

const DELETE = `
  with target as (${TARGET}), deleted as (
    delete from "Vote_v2" vote using target
     where vote."chatId" = target."chatId" and vote."messageId" = target."messageId"
  )
  select "messageId" from target`;

@Injectable()
export class VotesRepository {
  /**
   * The votes in the user's own chat in the order of its messages, at most `limit`.
   *
   * @returns undefined if it is not the user's own chat
   */
  async findPage(
    manager: EntityManager,
    { userId, chatId, after, limit }: { userId: string; chatId: string; after?: Keyset; limit: number },
  ): Promise<VoteRow[] | undefined> {
    const parameters = [chatId, userId, limit, ...(after ? [after.at, after.id] : [])];
    const rows = await manager.query<VoteRow[]>(findPage(after), parameters);
    return rows.length === 0 ? undefined : rows.filter((row) => row.messageId !== null);
  }

  /**
   * The votes in the user's own chats, chat by chat, in the order of their messages, at most `limit`.
   *
   * @param after where to continue in the first chat
   */
  findOfChats(
    statements: SqlRunner,
    { chatIds, after, limit }: { chatIds: string[]; after?: Keyset; limit: number },
  ): Promise<VoteRow[]> {
    return statements.query<VoteRow[]>(FIND_OF_CHATS, [chatIds, ...positionsAfter(chatIds, after), limit]);
  }

  /** @returns false if the user's own chat has no such message */
  async put(
    manager: EntityManager,
    { userId, chatId, messageId }: MessagePlace,
    isUpvoted: boolean,
  ): Promise<boolean> {
    const rows = await manager.query<unknown[]>(PUT, [chatId, userId, messageId, isUpvoted]);
    return rows.length > 0;
  }

  /** @returns false if the user's own chat has no such message, whether or not it had a vote */
  async delete(manager: EntityManager, { userId, chatId, messageId }: MessagePlace): Promise<boolean> {
    const rows = await manager.query<unknown[]>(DELETE, [chatId, userId, messageId]);
    return rows.length > 0;
  }
}
