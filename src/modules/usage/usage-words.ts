/**
 * The terms of usage in SQL and TypeScript: which figures are measured, how a call ended, and how booked figures add
 * up. The functions of the database use the same terms, so they are in the folder of the migrations, which imports
 * nothing.
 */
export {
  CHAT_TOTALS,
  COST_MEASURES,
  COUNT_MEASURES,
  END_STATUS,
  MEASURES,
  MESSAGE_FIGURES,
  ofRow,
} from '../../migrations/usage-statements.js';

/** The figures of several model calls. */
export interface Used {
  tokens: { inputTokens: number; outputTokens: number };
}

/** Whether anything was used. If so, the request counts, however it ended. */
export function isUsed({ tokens }: Used): boolean {
  return tokens.inputTokens + tokens.outputTokens > 0;
}

/** Calls that were sent and have no row yet, with the columns of `usage_logs`. Their usage is unknown until they end. */
export const RUNNING_CALLS = `(
    select (call ->> 'id')::uuid as id, user_id, (call ->> 'chatId')::uuid as chat_id,
         (call ->> 'agentType')::varchar(16) as agent_type, (call ->> 'model')::varchar(200) as model_used,
         (call ->> 'provider')::varchar(64) as provider,
         0::integer as input_tokens, 0::integer as output_tokens, 0::integer as total_tokens,
         0::numeric(10, 6) as input_cost, 0::numeric(10, 6) as output_cost, 0::numeric(10, 6) as total_cost,
         (call ->> 'requestedAt')::timestamptz(3) as request_timestamp, null::timestamptz(3) as response_timestamp,
         null::integer as duration_ms, call -> 'metadata' as metadata
    from switchboard.runs cross join lateral jsonb_each(calls) as sent (call_id, call))`;
