import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../common/database/database.js';
import { toJson } from '../../common/database/stored-json.js';
import { OWN_NOTES } from '../agents/prompt/history-files.js';
import type { FinishReason } from '../models/ending.js';
import type { Booking } from '../usage/usage.types.js';
import { CHAT_TOTALS, MESSAGE_FIGURES } from '../usage/usage-words.js';
import type { AskedApproval } from './tool-approvals.js';
import { type AnswerMetadata, DEFAULT_TITLE, type MessageStatus } from './turn.types.js';

/** What the end of an answer stores. */
export interface FinishedAnswer {
  id: string;
  chatId: string;
  streamId: string;
  userId: string;
  /** Absent when they cannot be stored: then the last checkpoint stays. */
  parts?: string;
  status: MessageStatus;
  finishReason?: FinishReason;
  modelUsed: string;
  metadata: AnswerMetadata;
  lastContext: unknown;
  /** The calls of tools that it ends with, and that wait for the user's approval. */
  asked: AskedApproval[];
  /** The title of the chat, if it was written in time. */
  title?: string;
}

/** The end of an answer: its calls are booked, and everything that its message and its chat still get is written at once. */
const finish = (more: string) => `
  with booked as materialized (
    select * from switchboard.book_calls($9::jsonb, $1, $12::uuid, $13::jsonb, $14)
  ), stream as (
    delete from "Stream" where id = $3
  ), answer as (
    update "Message_v2" message set parts = coalesce($4::json, message.parts), status = $5, model_used = left($6, 200),
           metadata = $7::jsonb, finish_reason = $15, ${MESSAGE_FIGURES}
      from booked where message.id = $1
    returning message.id, message."chatId"
  ), chat as (
    update chat set "lastContext" = $8::jsonb, title = case when chat.title = $11 then coalesce($10, chat.title) else chat.title end,
           ${CHAT_TOTALS}
      from booked where chat.id = $2
  )${more}
  select from booked`;

const FINISH = finish('');

/** The calls that wait for approval are remembered beside the message that shows them. */
const FINISH_AND_ASK = finish(`, approvals as (
    insert into switchboard.tool_approvals
      (message_id, approval_id, chat_id, user_id, tool_call_id, tool_name, call_hash, answer)
    select answer.id, asked."approvalId", answer."chatId", $17::uuid, asked."toolCallId", asked."toolName", asked."callHash",
           asked.answer
      from answer
      join jsonb_to_recordset($16::jsonb) as asked
             ("approvalId" text, "toolCallId" text, "toolName" text, "callHash" text, answer jsonb)
        on answer."chatId" = $2
    on conflict (message_id, approval_id) do nothing
  )`);

/** A title that is late for the end of its answer, unless somebody has given the chat one meanwhile. */
const SET_TITLE = `
  with booked as materialized (
    select * from switchboard.book_calls($1::jsonb, null, $5::uuid, $6::jsonb, $7)
  ), chat as (
    update chat set title = case when chat.title = $4 then $3 else chat.title end, ${CHAT_TOTALS}
      from booked where chat.id = $2
  )
  select from booked`;

/** A file stays where it is; at its part stands which vendors could not process it. */
const REMEMBER_REFUSED = `
  update "Message_v2" message set parts = (
    select json_agg(
             case when place - 1 = any($3::int[]) and json_typeof(part) = 'object' and part->>'type' = 'file'
             then (part::jsonb || jsonb_build_object('providerMetadata',
                    case jsonb_typeof(part::jsonb->'providerMetadata')
                    when 'object' then part::jsonb->'providerMetadata' else '{}' end
                    || jsonb_build_object('${OWN_NOTES}', jsonb_build_object('refusedBy',
                         case jsonb_typeof(part::jsonb#>'{providerMetadata,${OWN_NOTES},refusedBy}')
                         when 'array' then part::jsonb#>'{providerMetadata,${OWN_NOTES},refusedBy}' else '[]' end
                         || to_jsonb($4::text)))))::json
             else part end order by place)
      from json_array_elements(message.parts) with ordinality as element (part, place))
   where id = $1 and "chatId" = $2 and json_typeof(parts) = 'array'`;

/** The statements that end a turn. They run as the service. */
@Injectable()
export class TurnEndRepository {
  constructor(private readonly database: Database) {}

  /** The end of an answer: its final parts and status, its calls, the chat's last context; no active stream any more. */
  finish(answer: FinishedAnswer, booking: Booking): Statement {
    const { id, chatId, streamId, userId, parts = null, status, modelUsed, asked, title = null } = answer;
    const { finishReason = null } = answer;
    const texts = [answer.metadata, answer.lastContext].map((value) => toJson(value));
    const { calls, runId = null, callsLeft = null, isOver } = booking;
    const stored = [id, chatId, streamId, parts, status, modelUsed, ...texts];
    const ofRun = [runId, callsLeft, isOver];
    const parameters = [...stored, calls, title, DEFAULT_TITLE, ...ofRun, finishReason];
    if (asked.length === 0) return { text: FINISH, parameters };
    return { text: FINISH_AND_ASK, parameters: [...parameters, toJson(asked), userId] };
  }

  /** Stores statements that are about one user's rows, all or none of them. */
  async store(statements: Statement[], userId: string): Promise<void> {
    await this.database
      .batch(userId)
      .add(...statements)
      .commit();
  }

  /** Remembers at the parts of a message that a vendor could not process these files. */
  rememberRefused(
    chatId: string,
    provider: string,
    { messageId, indexes }: { messageId: string; indexes: number[] },
  ): Statement {
    return { text: REMEMBER_REFUSED, parameters: [messageId, chatId, indexes, provider] };
  }

  /** Gives a chat its title, with the calls that have written it. */
  setTitle(chatId: string, title: string, { calls, runId, callsLeft, isOver }: Booking): Statement {
    return {
      text: SET_TITLE,
      parameters: [calls, chatId, title, DEFAULT_TITLE, runId ?? null, callsLeft ?? null, isOver],
    };
  }
}
