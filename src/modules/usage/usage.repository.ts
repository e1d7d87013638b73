import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../common/database/database.js';
import type { FinishedCall, StartedCall } from './usage.types.js';

/**
 * The row is complete, and the figures of its answer and its chat have grown by it, or nothing has happened. A row that
 * is finished already adds nothing: the statement may be repeated.
 */
const FINISH = `
  with finished as (
    insert into usage_logs as log
      (id, user_id, chat_id, agent_type, model_used, provider, input_tokens, output_tokens, total_tokens,
       input_cost, output_cost, total_cost, request_timestamp, response_timestamp, duration_ms, metadata)
    values ($1, $2, (select id from chat where id = $3), $4, $5, $6, $7::int, $8::int, $7::int + $8::int,
            $9, $10, $11, $12, $13, $14, $15)
    on conflict (id) do update set
      input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
      total_tokens = excluded.total_tokens, input_cost = excluded.input_cost,
      output_cost = excluded.output_cost, total_cost = excluded.total_cost,
      response_timestamp = excluded.response_timestamp, duration_ms = excluded.duration_ms,
      metadata = excluded.metadata,
      -- The call may have begun before the rows of its chat were there.
      chat_id = coalesce(log.chat_id, excluded.chat_id)
      where log.response_timestamp is null
    returning chat_id, input_tokens, output_tokens, total_cost
  ), answer as (
    update "Message_v2" message set
      input_tokens = coalesce(message.input_tokens, 0) + finished.input_tokens,
      output_tokens = coalesce(message.output_tokens, 0) + finished.output_tokens,
      cost = coalesce(message.cost, 0) + finished.total_cost
    from finished where message.id = $16
  )
  update chat set
    total_input_tokens = chat.total_input_tokens + finished.input_tokens,
    total_output_tokens = chat.total_output_tokens + finished.output_tokens,
    total_cost = chat.total_cost + finished.total_cost
  from finished where chat.id = finished.chat_id`;

/** Nobody waits for this to reach the disk: what a crash of the database takes of it has not been answered either. */
const START = `
  insert into usage_logs (id, user_id, chat_id, agent_type, model_used, provider, request_timestamp, metadata)
  select $1::uuid, $2::uuid, (select id from chat where id = $3), $4, $5, $6, $7::timestamptz, $8::jsonb
    from (select set_config('synchronous_commit', 'off', true)) as unhurried
  on conflict (id) do nothing`;

@Injectable()
export class UsageRepository {
  constructor(private readonly database: Database) {}

  async start(call: StartedCall): Promise<void> {
    const { id, userId, chatId, agentType, model, provider, requestedAt, metadata } = call;
    const parameters = [id, userId, chatId ?? null, agentType, model, provider, requestedAt, metadata];
    await this.database.asService((manager) => manager.query(START, parameters));
  }

  /** Completes calls, all or none of them, and does with them what else belongs to their end. */
  async finish(calls: FinishedCall[], also: Statement[]): Promise<void> {
    // In one order everywhere: what a user has spent is counted by agent, and two turns must not wait for each other.
    const inOrder = calls.toSorted((a, b) => (a.agentType < b.agentType ? -1 : 1));
    await this.database.executeAsService([...inOrder.map(finishStatement), ...also]);
  }
}

function finishStatement(call: FinishedCall): Statement {
  const { tokens, cost } = call;
  return {
    text: FINISH,
    parameters: [
      call.id,
      call.userId,
      call.chatId ?? null,
      call.agentType,
      call.model,
      call.provider,
      tokens.inputTokens,
      tokens.outputTokens,
      cost.inputCost,
      cost.outputCost,
      cost.totalCost,
      call.requestedAt,
      call.respondedAt,
      call.durationMs,
      call.metadata,
      call.messageId ?? null,
    ],
  };
}
