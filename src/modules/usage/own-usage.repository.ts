import { Injectable } from '@nestjs/common';
import type { SqlRunner } from '../../common/database/database.js';
import { BEFORE_ALL, type Keyset } from '../../common/http/paging.js';
import type { AgentType } from '../admin-config/config-schemas.js';

/** A model call as it is stored; costs as PostgreSQL writes them. */
export interface UsageRow {
  id: string;
  userId: string;
  chatId: string | null;
  agentType: AgentType;
  modelUsed: string;
  provider: string;
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  inputCost: string;
  outputCost: string;
  totalCost: string;
  requestTimestamp: Date;
  responseTimestamp: Date | null;
  durationMs: number | null;
  metadata: Record<string, unknown> | null;
}

/** An administrator may select every row, so whose rows are meant is said here. */
const FIND = `
  select id, user_id as "userId", chat_id as "chatId", agent_type as "agentType", model_used as "modelUsed", provider,
         input_tokens as "inputTokens", output_tokens as "outputTokens", total_tokens as "totalTokens",
         input_cost as "inputCost", output_cost as "outputCost", total_cost as "totalCost",
         request_timestamp as "requestTimestamp", response_timestamp as "responseTimestamp",
         duration_ms as "durationMs", metadata
    from usage_logs
   where user_id = $1 and (request_timestamp, id) > ($2::timestamptz, $3::uuid)
   order by request_timestamp, id
   limit $4`;

@Injectable()
export class OwnUsageRepository {
  /** A user's calls, oldest first, at most `limit`. */
  find(
    statements: SqlRunner,
    { userId, after, limit }: { userId: string; after?: Keyset; limit: number },
  ): Promise<UsageRow[]> {
    const { at, id } = after ?? BEFORE_ALL;
    return statements.query<UsageRow[]>(FIND, [userId, at, id, limit]);
  }
}
