import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../common/database/database.js';
import { toJson } from '../../common/database/stored-json.js';
import { USER_LIMITS } from '../../common/database/time-limits.js';
import type { FinishedCall, StartedCall } from './usage.types.js';

/** The largest figures that the columns hold. What is more than that stays there: no sum may fail the end of a call. */
const LARGEST_COUNT = '2147483647';
const LARGEST_COST = '9999.999999';

/** As numeric first: what a provider reports may be any number. */
const count = (value: string) =>
  `least(${LARGEST_COUNT}, greatest(0, coalesce(${value}, 0)::numeric))::integer`;
const cost = (value: string) => `least(${LARGEST_COST}, greatest(0, coalesce(${value}, 0)::numeric))`;

/**
 * The row is complete, and the figures of its answer and its chat have grown by it, or nothing has happened. A row that
 * is finished already adds nothing: the statement may be repeated.
 */
const FINISH = `
  with finished as (
    insert into usage_logs as log
      (id, user_id, chat_id, agent_type, model_used, provider, input_tokens, output_tokens, total_tokens,
       input_cost, output_cost, total_cost, request_timestamp, response_timestamp, duration_ms, metadata)
    values ($1, $2, (select id from chat where id = $3), $4, left($5, 200), left($6, 64),
            ${count('$7::numeric')}, ${count('$8::numeric')}, ${count('$7::numeric + $8::numeric')},
            ${cost('$9::numeric')}, ${cost('$10::numeric')}, ${cost('$11::numeric')},
            $12, $13, ${count('$14::numeric')}, $15)
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
      input_tokens = ${count('message.input_tokens::bigint + finished.input_tokens')},
      output_tokens = ${count('message.output_tokens::bigint + finished.output_tokens')},
      cost = ${cost('message.cost + finished.total_cost')}
    from finished where message.id = $16
  )
  update chat set
    total_input_tokens = ${count('chat.total_input_tokens::bigint + finished.input_tokens')},
    total_output_tokens = ${count('chat.total_output_tokens::bigint + finished.output_tokens')},
    total_cost = ${cost('chat.total_cost + finished.total_cost')}
  from finished where chat.id = finished.chat_id`;

/**
 * Nobody waits for this to reach the disk: what a crash of the database takes of it has not been answered either. It waits
 * for a locked chat, but not for long: the end of the call writes the row as well.
 */
const START = `
  insert into usage_logs (id, user_id, chat_id, agent_type, model_used, provider, request_timestamp, metadata)
  select $1::uuid, $2::uuid, (select id from chat where id = $3), $4, left($5, 200), left($6, 64), $7::timestamptz, $8::jsonb
    from (select set_config('synchronous_commit', 'off', true),
                 set_config('lock_timeout', '${USER_LIMITS.lock}', true)) as unhurried
  on conflict (id) do nothing`;

@Injectable()
export class UsageRepository {
  constructor(private readonly database: Database) {}

  async start(call: StartedCall): Promise<void> {
    const { id, userId, chatId, agentType, model, provider, requestedAt, metadata } = call;
    const parameters = [
      id,
      userId,
      chatId ?? null,
      agentType,
      model,
      provider,
      requestedAt,
      toJson(metadata),
    ];
    await this.database.asService((manager) => manager.query(START, parameters), userId);
  }

  /** Completes calls of a user, all or none of them, and does with them what else belongs to their end. */
  async finish(calls: FinishedCall[], also: Statement[], userId?: string): Promise<void> {
    // In one order everywhere: what a user has spent is counted by agent, and two turns must not wait for each other.
    const inOrder = calls.toSorted((a, b) => (a.agentType < b.agentType ? -1 : 1));
    await this.database.executeAsService([...inOrder.map(finishStatement), ...also], userId);
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
      toJson(call.metadata),
      call.messageId ?? null,
    ],
  };
}
