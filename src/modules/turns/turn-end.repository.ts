import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import { toJson } from '../../common/database/stored-json.js';
import { OWN_NOTES } from '../agents/prompt/history-files.js';
import type { FinishReason } from '../models/ending.js';
import type { Booking } from '../usage/usage.types.js';
import { CHAT_TOTALS, MESSAGE_FIGURES } from '../usage/usage-words.js';
import type { AskedApproval } from './tool-approvals.js';
import { type AnswerMetadata, DEFAULT_TITLE, type MessageStatus } from './turn.types.js';

/** What is stored at the end of an answer. */
export interface FinishedAnswer {
  id: string;
  chatId: string;
  streamId: string;
  userId: string;
  createdAt: Date;
  /** Absent if they cannot be stored. The last checkpoint then stays. */
  parts?: string;
  status: MessageStatus;
  finishReason?: FinishReason;
  modelUsed: string;
  metadata: AnswerMetadata;
  lastContext: unknown;
  /** The tool calls at its end that wait for the user's approval. */
  asked: AskedApproval[];
  /** The title of the chat, if it was finished in time. */
  title?: string;
}

/** What is stored of an answer after its end. All are null if its message was deleted. */
export interface StoredEnd {
  /** Whether it is what this turn has written, now or in a try whose result was lost. */
  isOwn: boolean | null;
  status: MessageStatus | null;
  finishReason: FinishReason | null;
  metadata: object | null;
  /** Null if they are those of this turn. */
  parts: unknown;
}

/**
 * The end of an answer. Its calls are booked, and the remaining data of its message and its chat is written in the same statement.
 *
 * The mark of the stream decides. If another instance has closed the answer meanwhile, or the mark was deleted, the
 * content stays what it is, and only the figures of the calls are added. Booking locks the user before the rest is locked.
 */
const finish = (more: string) => `
  with booked as materialized (
    select * from switchboard.book_calls($9::jsonb, $1, $12::uuid, $13::jsonb, $14)
  ), mark as (
    delete from "Stream" stream using booked where stream.id = $3 and stream."instanceId" = $16 returning stream.id
  ), own as materialized (
    select count(*) > 0 as is_marked from mark
  ), answer as (
    update "Message_v2" message
       set parts = case when is_marked then coalesce($4::json, message.parts) else message.parts end,
           status = case when is_marked then $5 else message.status end,
           model_used = case when is_marked then left($6, 200) else message.model_used end,
           metadata = case when is_marked then $7::jsonb else message.metadata end,
           finish_reason = case when is_marked then $15 else message.finish_reason end, ${MESSAGE_FIGURES}
      from booked, own where message.id = $1
    returning message.id, message."chatId", message.status, message.finish_reason, message.metadata, message.parts, is_marked
  ), chat as (
    update chat set "lastContext" = case when is_marked then $8::jsonb else chat."lastContext" end,
           title = case when is_marked and chat.title = $11 then coalesce($10, chat.title) else chat.title end, ${CHAT_TOTALS}
      from booked, own where chat.id = $2
  )${more}
  select is_marked or status = $5 and metadata = $7::jsonb as "isOwn", status, finish_reason as "finishReason", metadata,
         case when is_marked then null else parts end as parts
    from booked left join answer on true`;

const FINISH = finish('');

/** The calls that wait for approval are stored separately from the message that shows them. */
const FINISH_AND_ASK = finish(`, approvals as (
    insert into switchboard.tool_approvals
      (message_id, approval_id, chat_id, user_id, tool_call_id, tool_name, call_hash, answer)
    select answer.id, asked."approvalId", answer."chatId", $18::uuid, asked."toolCallId", asked."toolName", asked."callHash",
           asked.answer
      from answer
      join jsonb_to_recordset($17::jsonb) as asked
             ("approvalId" text, "toolCallId" text, "toolName" text, "callHash" text, answer jsonb)
        on answer."chatId" = $2 and answer.is_marked
    on conflict (message_id, approval_id) do nothing
  )`);

/**
 * Removes the calls that another instance has booked without knowing their end, and the figures that they added. The calls can be
 * booked again after it. A call that was booked with its end stays.
 */
const WITHDRAW_ESTIMATES = `
  with withdrawn as (
    delete from usage_logs call using jsonb_array_elements($1::jsonb) as known
     where call.id = (known ->> 'id')::uuid and call.metadata ->> 'status' = 'interrupted'
    returning call.input_tokens as input, call.output_tokens as output, call.total_cost as spent,
              call.metadata ->> 'messageId' = $2::text as is_of_answer
  ), booked as materialized (
    select -coalesce(sum(input), 0) as input_tokens, -coalesce(sum(output), 0) as output_tokens,
           -coalesce(sum(spent), 0) as cost,
           -coalesce(sum(input) filter (where is_of_answer), 0) as answer_input_tokens,
           -coalesce(sum(output) filter (where is_of_answer), 0) as answer_output_tokens,
           -coalesce(sum(spent) filter (where is_of_answer), 0) as answer_cost
      from withdrawn
  ), answer as (
    update "Message_v2" message set ${MESSAGE_FIGURES} from booked where message.id = $2::uuid
  )
  update chat set ${CHAT_TOTALS} from booked where chat.id = $3`;

/** A title that is finished after the end of its answer. It is not stored if the chat has got a title meanwhile. */
const SET_TITLE = `
  with booked as materialized (
    select * from switchboard.book_calls($1::jsonb, null, $5::uuid, $6::jsonb, $7)
  ), chat as (
    update chat set title = case when chat.title = $4 then $3 else chat.title end, ${CHAT_TOTALS}
      from booked where chat.id = $2
  )
  select from booked`;

/** The file stays in its place. Its part records which vendors could not process it. */
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
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /**
   * The end of an answer: its final parts and status, its calls, and the chat's last context. The mark of the active stream is
   * removed. The statement returns one {@link StoredEnd}.
   */
  finish(answer: FinishedAnswer, booking: Booking): Statement {
    const { id, chatId, streamId, userId, parts = null, status, modelUsed, asked, title = null } = answer;
    const { finishReason = null } = answer;
    const texts = [answer.metadata, answer.lastContext].map((value) => toJson(value));
    const { calls, runId = null, callsLeft = null, isOver } = booking;
    const stored = [id, chatId, streamId, parts, status, modelUsed, ...texts];
    const ofRun = [runId, callsLeft, isOver];
    const { instanceId } = this.instance;
    const parameters = [...stored, calls, title, DEFAULT_TITLE, ...ofRun, finishReason, instanceId];
    if (asked.length === 0) return { text: FINISH, parameters };
    return { text: FINISH_AND_ASK, parameters: [...parameters, toJson(asked), userId] };
  }

  /** Stores statements about one user's rows, all or none of them. */
  async store(statements: Statement[], userId: string): Promise<void> {
    await this.database
      .batch(userId)
      .add(...statements)
      .commit();
  }

  /** Prepares calls to be booked again, now that their end is known. */
  withdrawEstimates({ calls, answerId, chatId }: Booking): Statement {
    return { text: WITHDRAW_ESTIMATES, parameters: [calls, answerId ?? null, chatId ?? null] };
  }

  /** Records at the parts of a message that a vendor could not process these files. */
  rememberRefused(
    chatId: string,
    provider: string,
    { messageId, indexes }: { messageId: string; indexes: number[] },
  ): Statement {
    return { text: REMEMBER_REFUSED, parameters: [messageId, chatId, indexes, provider] };
  }

  /** Gives a chat its title, and books the calls that have written it. */
  setTitle(chatId: string, title: string, { calls, runId, callsLeft, isOver }: Booking): Statement {
    return {
      text: SET_TITLE,
      parameters: [calls, chatId, title, DEFAULT_TITLE, runId ?? null, callsLeft ?? null, isOver],
    };
  }
}
