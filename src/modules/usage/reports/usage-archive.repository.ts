import { Injectable } from '@nestjs/common';
import type { SqlRunner } from '../../../common/database/database.js';
import type { AgentType } from '../../admin-config/config-schemas.js';

/** The sums of purged calls of one kind in a quarter hour. Costs are as PostgreSQL returns them. */
export interface ArchivedUsageRow {
  quarterStart: Date;
  agentType: AgentType;
  provider: string;
  modelUsed: string;
  status: string;
  calls: string;
  inputTokens: string;
  outputTokens: string;
  totalTokens: string;
  inputCost: string;
  outputCost: string;
  totalCost: string;
  ownKeyCalls: string;
  ownKeyCost: string;
  unpricedCalls: string;
}

/** The position of such a row within its user's rows. */
export type ArchivedUsagePlace = Pick<
  ArchivedUsageRow,
  'quarterStart' | 'agentType' | 'provider' | 'modelUsed' | 'status'
>;

/** An administrator may select every row, so each statement filters by user. */
const FIND = `
  select bucket as "quarterStart", agent_type as "agentType", provider, model_used as "modelUsed", status, calls,
         input_tokens as "inputTokens", output_tokens as "outputTokens", total_tokens as "totalTokens",
         input_cost as "inputCost", output_cost as "outputCost", total_cost as "totalCost",
         own_key_calls as "ownKeyCalls", own_key_cost as "ownKeyCost", unpriced_calls as "unpricedCalls"
    from switchboard.usage_archive
   where user_id = $1
     and (bucket, agent_type, provider, model_used, status) > ($2::timestamptz, $3::text, $4::text, $5::text, $6::text)
   order by bucket, agent_type, provider, model_used, status
   limit $7`;

@Injectable()
export class UsageArchiveRepository {
  /** The sums of a user's purged calls, oldest first, at most `limit`. */
  find(
    statements: SqlRunner,
    { userId, after, limit }: { userId: string; after?: ArchivedUsagePlace; limit: number },
  ): Promise<ArchivedUsageRow[]> {
    const place = after
      ? [after.quarterStart, after.agentType, after.provider, after.modelUsed, after.status]
      : ['-infinity', '', '', '', ''];
    return statements.query<ArchivedUsageRow[]>(FIND, [userId, ...place, limit]);
  }
}
