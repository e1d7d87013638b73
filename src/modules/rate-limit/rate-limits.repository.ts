import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { BEFORE_ALL, type Keyset } from '../../common/http/paging.js';
import type { AgentType } from '../admin-config/config-schemas.js';
import type { CountedWindow, UsedWindow } from './admission.types.js';

/** An agent without requests in the current period has no row. Past periods are not included. */
const CURRENT = `
  select agent.type as "agentType", period.limit_type as "limitType", period.ending as "resetsAt",
         coalesce(tracking.request_count, 0) as used
    from unnest($1::varchar[]) with ordinality agent (type, position)
   cross join (
     select 'hourly' as limit_type, date_trunc('hour', now(), 'UTC') as beginning,
            date_trunc('hour', now(), 'UTC') + interval '1 hour' as ending
     union all
     select 'daily', date_trunc('day', now(), 'UTC'), date_trunc('day', now(), 'UTC') + interval '24 hours'
   ) period
    left join rate_limit_tracking tracking
      on tracking.agent_type = agent.type and tracking.limit_type = period.limit_type
     and tracking.period_start = period.beginning
   order by agent.position, period.limit_type desc`;

const COUNTED = `
  select id, agent_type as "agentType", limit_type as "limitType", period_start as "periodStart",
         period_end as "periodEnd", request_count as "requestCount", limit_value as "limitValue", created_at as "createdAt"
    from rate_limit_tracking
   where (period_start, id) > ($1::timestamptz, $2::uuid)
   order by period_start, id
   limit $3`;

@Injectable()
export class RateLimitsRepository {
  constructor(private readonly database: Database) {}

  /** The current hour and day of each of the agents, by the clock of the database. Users only see their own windows. */
  findCurrent(identity: Identity, agents: AgentType[]): Promise<UsedWindow[]> {
    return this.database.readAsUser(identity, (statements) =>
      statements.query<UsedWindow[]>(CURRENT, [agents]),
    );
  }

  /** The user's stored hours and days, oldest first. They include past ones that are not deleted yet. */
  findCounted(
    identity: Identity,
    { after, limit }: { after?: Keyset; limit: number },
  ): Promise<CountedWindow[]> {
    const { at, id } = after ?? BEFORE_ALL;
    return this.database.readAsUser(identity, (statements) =>
      statements.query<CountedWindow[]>(COUNTED, [at, id, limit]),
    );
  }
}
