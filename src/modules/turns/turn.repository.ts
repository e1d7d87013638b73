import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database, type Last, type Statement } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import { toJson } from '../../common/database/stored-json.js';
import type { UserMessage } from './turn.types.js';

export interface ChatState {
  title: string;
  created: boolean;
  /** What the last answer has left: see `KnownContext`. Users may have written any JSON. */
  lastContext: unknown;
}

/** The stream that is marked as active in a chat, and whether another instance is writing it. */
export interface ActiveStream {
  id: string;
  writtenElsewhere: boolean;
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
    returning id, title, "lastContext"
  ), existing as (
    select id, title, "lastContext" from chat where id = $1 and user_id = $2 for update
  )
  select title, "lastContext", true as created from created
   union all select title, "lastContext", false from existing limit 1`;

const ACTIVE_STREAM = `
  select id, "instanceId" <> $2
         and exists (select 1 from pg_locks where locktype = 'advisory' and classid = ${ADVISORY_LOCKS.instance}
                       and objid::text = "Stream"."instanceId"::text and granted) as "writtenElsewhere"
    from "Stream" where "chatId" = $1 order by "createdAt" desc limit 1`;

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
