import { Injectable } from '@nestjs/common';
import { boundedRows } from '../../../common/database/bounded-rows.js';
import type { SqlRunner } from '../../../common/database/database.js';
import type { AgentType } from '../../admin-config/config-schemas.js';
import { END_STATUS, RUNNING_CALLS } from '../usage-words.js';
import { type CallKind, conditionsOfKind } from './call-kind.js';
import type { LogField, LogOrder, LogPlace } from './log-order.js';

export interface LogRow {
  id: string;
  userId: string;
  chatId: string | null;
  agentType: AgentType;
  modelUsed: string;
  provider: string;
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  /** Costs as PostgreSQL returns them: `0.014550`. */
  inputCost: string;
  outputCost: string;
  totalCost: string;
  requestTimestamp: Date;
  responseTimestamp: Date | null;
  durationMs: number | null;
  status: string;
  metadata: Record<string, unknown> | null;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

/** A minimum or maximum of a figure. */
export interface LogLimits {
  minimum?: number;
  maximum?: number;
}

export interface LogFilter extends CallKind {
  userId?: string;
  from?: Date;
  to?: Date;
  chatId?: string;
  limits?: Partial<Record<LimitedField, LogLimits>>;
}

export const LIMITED_FIELDS = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'inputCost',
  'outputCost',
  'totalCost',
  'durationMs',
] as const;
export type LimitedField = (typeof LIMITED_FIELDS)[number];

const STATUS = `case when response_timestamp is null then 'running' else ${END_STATUS} end`;

const COLUMNS = `
  id, user_id as "userId", chat_id as "chatId", agent_type as "agentType", model_used as "modelUsed", provider,
  input_tokens as "inputTokens", output_tokens as "outputTokens", total_tokens as "totalTokens",
  input_cost as "inputCost", output_cost as "outputCost", total_cost as "totalCost",
  request_timestamp as "requestTimestamp", response_timestamp as "responseTimestamp", duration_ms as "durationMs",
  ${STATUS} as status, metadata`;

/** Rows, and the calls that have none yet. */
const CALLS = (() => {
  const columns = `
    id, user_id, chat_id, agent_type, model_used, provider, input_tokens, output_tokens, total_tokens,
    input_cost, output_cost, total_cost, request_timestamp, response_timestamp, duration_ms, metadata`;
  return `(select ${columns} from usage_logs union all select ${columns} from ${RUNNING_CALLS} as running)`;
})();

/** What rows are ordered by. None of it is null: what has not ended has a place, too. */
const ORDERED_BY: Record<LogField, { sql: string; type: string }> = {
  requestTimestamp: { sql: 'request_timestamp', type: 'timestamptz' },
  agentType: { sql: 'agent_type', type: 'text' },
  modelUsed: { sql: 'model_used', type: 'text' },
  provider: { sql: 'provider', type: 'text' },
  inputTokens: { sql: 'input_tokens', type: 'bigint' },
  outputTokens: { sql: 'output_tokens', type: 'bigint' },
  totalTokens: { sql: 'total_tokens', type: 'bigint' },
  inputCost: { sql: 'input_cost', type: 'numeric' },
  outputCost: { sql: 'output_cost', type: 'numeric' },
  totalCost: { sql: 'total_cost', type: 'numeric' },
  durationMs: { sql: 'coalesce(duration_ms, -1)', type: 'bigint' },
  status: { sql: STATUS, type: 'text' },
};

/** Rows of `usage_logs` for their owner or an administrator. */
@Injectable()
export class UsageLogsRepository {
  /** A page of the rows after `after`. Row level security decides which rows are visible. `userId` filters by user. */
  findPage(
    statements: SqlRunner,
    filter: LogFilter,
    { field, isDescending }: LogOrder,
    { after, limit }: { after?: LogPlace; limit: number },
  ): Promise<LogRow[]> {
    const parameters: unknown[] = [limit];
    const add = (value: unknown) => `$${parameters.push(value)}`;
    const { sql, type } = ORDERED_BY[field];
    const conditions = conditionsOf(filter, add);
    if (after) {
      const place = `(${add(after.value)}::${type}, ${add(after.id)}::uuid)`;
      conditions.push(`(${sql}, id) ${isDescending ? '<' : '>'} ${place}`);
    }
    const direction = isDescending ? 'desc' : 'asc';
    const order = `${sql} ${direction}, id ${direction}`;
    const rows = `
      select call.* from ${CALLS} as call ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
       order by ${order} limit $1::int + 1`;
    return statements.query<LogRow[]>(
      `select ${COLUMNS}, "hasMore" from ${boundedRows({ rows, order, jsons: ['metadata'], limit: '$1' })} log
        order by ${order}`,
      parameters,
    );
  }
}

function conditionsOf(filter: LogFilter, add: (value: unknown) => string): string[] {
  const { userId, from, to, chatId, limits = {}, ...kind } = filter;
  const conditions: string[] = [];
  if (userId !== undefined) conditions.push(`user_id = ${add(userId)}`);
  if (from) conditions.push(`request_timestamp >= ${add(from)}`);
  if (to) conditions.push(`request_timestamp < ${add(to)}`);
  if (chatId !== undefined) conditions.push(`chat_id = ${add(chatId)}`);
  conditions.push(...conditionsOfKind(kind, add, 'logs'));
  for (const field of LIMITED_FIELDS) {
    const { minimum, maximum } = limits[field] ?? {};
    const column = field === 'durationMs' ? 'duration_ms' : ORDERED_BY[field].sql;
    if (minimum !== undefined) conditions.push(`${column} >= ${add(minimum)}::numeric`);
    if (maximum !== undefined) conditions.push(`${column} <= ${add(maximum)}::numeric`);
  }
  return conditions;
}
