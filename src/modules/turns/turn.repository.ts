import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database, type Last, type Statement } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import { toJson } from '../../common/database/stored-json.js';
import type { FinishReason } from '../models/ending.js';
import type { AskedApproval } from './tool-approvals.js';
import type { AnswerMetadata, MessageStatus, UserMessage } from './turn.types.js';

/** Longer conversations are answered from their latest part. */
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
  /** Times of the two messages, both later than any other of the chat. */
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

/** What users have written past this server may bear other roles: nobody speaks as the system but the configuration. */
const HISTORY = `
  select id, role, parts, "createdAt" from "Message_v2" message
   where "chatId" = $1 and role in ('user', 'assistant') and isfinite("createdAt")
     and not exists (select 1 from "Message_v2" target where target.id = $2 and target."chatId" = $1
                       and (target."createdAt", target.id) < (message."createdAt", message.id))
   order by "createdAt" desc, id desc limit ${HISTORY_LIMIT}`;

/** The answer to what is kept may be there already. */
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

const insertAnswer = (before: string) => `
  with ${before} answer as (
    insert into "Message_v2" (id, "chatId", role, parts, attachments, "createdAt", status)
    values ($2, $1, 'assistant', '[]', '[]', $3, 'streaming')
  )
  insert into "Stream" (id, "chatId", "createdAt", "messageId", "instanceId") values ($4, $1, $3, $2, $5)`;

const INSERT_ANSWER = insertAnswer('');

const INSERT_QUESTION_AND_ANSWER = insertAnswer(`
  question as (
    insert into "Message_v2" (id, "chatId", role, parts, attachments, "createdAt", status)
    values ($6, $1, 'user', $7, '[]', $8, 'complete')
  ),`);

/** The calls that wait for approval are remembered beside the message that shows them. */
const FINISH = `
  with stream as (delete from "Stream" where id = $3),
       context as (update chat set "lastContext" = $8::jsonb where id = $2),
       answer as (
         update "Message_v2" set parts = coalesce($4::json, parts), status = $5, model_used = left($6, 200),
                metadata = $7::jsonb, finish_reason = $11
          where id = $1
         returning id, "chatId"
       )
  insert into switchboard.tool_approvals
    (message_id, approval_id, chat_id, user_id, tool_call_id, tool_name, call_hash, answer)
  select answer.id, asked."approvalId", answer."chatId", $10::uuid, asked."toolCallId", asked."toolName", asked."callHash",
         asked.answer
    from answer
    join jsonb_to_recordset($9::jsonb) as asked
           ("approvalId" text, "toolCallId" text, "toolName" text, "callHash" text, answer jsonb)
      on answer."chatId" = $2
  on conflict (message_id, approval_id) do nothing`;

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

const HISTORY_SIZE = `
  select coalesce(sum(length(parts::text)), 0)::float8 as size from "Message_v2" where "chatId" = $1`;

/** The statements of a turn. What belongs to the user runs as the user, inside the transaction that is handed in. */
@Injectable()
export class TurnRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  asUser<T>(
    identity: Identity,
    fn: (manager: EntityManager, last: Last, before: Promise<unknown>) => Promise<T>,
    before?: Statement,
  ): Promise<T> {
    return this.database.asUserAtOnce(identity, fn, before);
  }

  /** Characters that the messages of a chat hold; 0 for one that is not there. */
  async historySize(identity: Identity, chatId: string): Promise<number> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      statements.query<Array<{ size: number }>>(HISTORY_SIZE, [chatId]),
    );
    return rows[0]?.size ?? 0;
  }

  /** Finds the chat, or creates it, and locks it for this turn; undefined when it is not there or somebody else's. */
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
   * The mark of the chat's active stream. To be asked after {@link openChat}, in a statement of its own: only that sees
   * what another instance has marked while this one waited for the lock.
   */
  async findActiveStream(manager: EntityManager, chatId: string): Promise<ActiveStream | undefined> {
    const rows = await manager.query<ActiveStream[]>(ACTIVE_STREAM, [chatId, this.instance.instanceId]);
    return rows[0];
  }

  /**
   * The latest messages of a chat, oldest first.
   *
   * @param target a message that ends them, if it is one of the chat
   */
  async findHistory(manager: EntityManager, chatId: string, target?: string): Promise<HistoryRow[]> {
    const rows = await manager.query<HistoryRow[]>(HISTORY, [chatId, target ?? null]);
    return rows.reverse();
  }

  /** Removes what stands after a message, but for the answer of this turn. */
  removalAfter(
    { chatId, answerId }: { chatId: string; answerId: string },
    last: { createdAt: Date; id: string },
  ): Statement {
    return { text: REMOVE_AFTER, parameters: [chatId, last.createdAt, last.id, answerId] };
  }

  replacement({ id, parts }: UserMessage): Statement {
    return { text: `update "Message_v2" set parts = $2 where id = $1`, parameters: [id, toJson(parts)] };
  }

  /** Takes back a turn that was refused: its messages, its mark, and its chat if it was made for it and has nothing else. */
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

  /** An answer that waited for the user's word goes on: it is being written again. */
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
   * Stores what has arrived of answers that are still being written: one statement for all of them. Rows that somebody
   * holds are left out, so nobody's lock keeps others from being stored.
   *
   * @returns the ids of those that were stored
   */
  async checkpoint(answers: Array<{ id: string; parts: string }>): Promise<string[]> {
    const parameters = [answers.map(({ id }) => id), answers.map(({ parts }) => parts)];
    const [rows] = await this.database.executeAsService([{ text: CHECKPOINT, parameters }]);
    return (rows as Array<{ id: string }>).map(({ id }) => id);
  }

  /** The end of an answer: its final parts and status; the chat's last context; no active stream any more. */
  finish(answer: {
    id: string;
    chatId: string;
    streamId: string;
    /** Absent when they can't be stored: then the last checkpoint stays. */
    parts?: string;
    status: MessageStatus;
    finishReason?: FinishReason;
    modelUsed: string;
    metadata: AnswerMetadata;
    lastContext: unknown;
    userId: string;
    /** The calls that it ends with, and that wait for the user's approval. */
    asked: AskedApproval[];
  }): Statement {
    const { id, chatId, streamId, parts, status, modelUsed, metadata, lastContext, userId, asked } = answer;
    const { finishReason = null } = answer;
    const texts = [metadata, lastContext, asked].map((value) => toJson(value));
    return {
      text: FINISH,
      parameters: [id, chatId, streamId, parts ?? null, status, modelUsed, ...texts, userId, finishReason],
    };
  }

  /** Gives a chat its title, unless somebody has given it one meanwhile. */
  setTitle(chatId: string, from: string, title: string): Statement {
    return {
      text: `update chat set title = $3 where id = $1 and title = $2`,
      parameters: [chatId, from, title],
    };
  }
}
