import { Injectable } from '@nestjs/common';
import type { SqlRunner } from '../../../common/database/database.js';
import type { AgentType } from '../../admin-config/config-schemas.js';
import { RUNNING_CALLS } from '../usage-words.js';
import { type CallKind, conditionsOfKind } from './call-kind.js';
import type { Grouping } from './dto/usage-timeseries.query.js';
import type { FiguresRow } from './figures.js';
import type { Period } from './period.js';
import { bucketsOf, coverOf, USER_GRIDS } from './pieces.js';
import type { Interval } from './series.js';
import { type Add, callsBetween, callsOf, type Kind, rowOf, SUMS, within } from './usage-calls.repository.js';

/** The calls of a period, optionally of one kind. */
export interface SummaryRow extends FiguresRow {
  of: 'previous' | 'total' | 'agent' | 'model' | 'user';
  agentType: AgentType | null;
  model: string | null;
  provider: string | null;
  userId: string | null;
}

/** The calls of a point, or of a group in it. */
export interface PointRow extends FiguresRow {
  /** The range between the bounds, counted from 1. */
  point: number;
  isGroup: boolean;
  agentType: AgentType | null;
  model: string | null;
  provider: string | null;
  status: string | null;
}

const FIGURES = `
  calls, errors, input_tokens as "inputTokens", output_tokens as "outputTokens", total_tokens as "totalTokens",
  input_cost as "inputCost", output_cost as "outputCost", total_cost as "totalCost",
  own_key_calls as "ownKeyCalls", own_key_cost as "ownKeyCost", unpriced_calls as "unpricedCalls"`;

const GROUPING_COLUMNS: Record<Grouping, Kind[]> = {
  agentType: ['agent_type'],
  model: ['provider', 'model_used'],
  provider: ['provider'],
  status: ['status'],
};

/**
 * Sums over calls. Row level security decides which calls are visible. `userId` filters by user. The sums equal those
 * of the rows, whatever source they are read from: see {@link callsBetween}.
 *
 * Ranges outside of the bounds are removed after the first grouping, which is materialized for this. Otherwise the
 * planner assumes that they are nearly everything, and sorts the rest as if it were small.
 */
@Injectable()
export class UsageSumsRepository {
  /**
   * The sums of a period and of the previous one, and the kinds of the period's calls, highest cost first.
   *
   * @param only filters calls by kind
   * @param top the number of users to return; none if omitted
   */
  summarize(
    statements: SqlRunner,
    {
      userId,
      previous,
      period,
      only = {},
      top,
    }: { userId?: string; previous: Period; period: Period; only?: CallKind; top?: number },
  ): Promise<SummaryRow[]> {
    const calls = callsBetween([previous.from, period.from, period.to], {
      userId,
      kinds: ['agent_type', 'provider', 'model_used'],
      only,
    });
    const users = top === undefined ? '' : topUsers(period, only, top, calls.add);
    return statements.query<SummaryRow[]>(
      `with kinds as materialized (
         select point, agent_type, provider, model_used, ${SUMS} from (${calls.sql}) as calls
          group by point, agent_type, provider, model_used
       ), sums as (
         select case when point = 1 then 'previous' when grouping(agent_type) = 0 then 'agent'
                     when grouping(model_used) = 0 then 'model' else 'total' end as of,
                agent_type, provider, model_used, null::uuid as user_id, ${SUMS}
           from kinds where point in (1, 2)
          group by grouping sets ((point), (point, agent_type), (point, provider, model_used))
         having sum(calls) > 0 and (point = 2 or grouping(agent_type, model_used) = 3)
         ${users}
       )
       select of, agent_type as "agentType", model_used as model, provider, user_id as "userId", ${FIGURES}
         from sums order by total_cost desc, calls desc, agent_type, model_used, provider, user_id`,
      calls.parameters,
    );
  }

  /**
   * The sums of each range between bounds, and of the groups in it. Ranges without calls are omitted.
   *
   * @param interval the approximate length of a range
   */
  sumPoints(
    statements: SqlRunner,
    {
      userId,
      bounds,
      interval,
      groupBy,
      only,
    }: { userId?: string; bounds: Date[]; interval: Interval; groupBy?: Grouping; only?: CallKind },
  ): Promise<PointRow[]> {
    const columns = groupBy ? GROUPING_COLUMNS[groupBy] : [];
    const calls = callsBetween(bounds, { userId, interval, kinds: columns, only });
    const column = (kind: Kind) => (columns.includes(kind) ? kind : 'null::text');
    const key = ['point', ...columns].join(', ');
    const sets = groupBy ? `(point), (${key})` : '(point)';
    return statements.query<PointRow[]>(
      `with kinds as materialized (
         select ${key}, ${SUMS} from (${calls.sql}) as calls group by ${key}
       ), sums as (
         select point, ${groupBy ? `grouping(${columns[0]}) = 0` : 'false'} as is_group,
                ${column('agent_type')} as agent_type, ${column('model_used')} as model_used,
                ${column('provider')} as provider, ${column('status')} as status, ${SUMS}
           from kinds where point between 1 and ${calls.add(bounds.length - 1)}
          group by grouping sets (${sets}) having sum(calls) > 0
       )
       select point, is_group as "isGroup", agent_type as "agentType", model_used as model, provider, status, ${FIGURES}
         from sums`,
      calls.parameters,
    );
  }

  /** The time of the first known usage. */
  async findFirst(statements: SqlRunner, userId?: string): Promise<Date | undefined> {
    const rows = await statements.query<Array<{ first: Date | null }>>(
      userId === undefined
        ? `select least((select min(request_timestamp) from usage_logs),
                        (select min(bucket) from switchboard.usage_rollups where granularity = 1440)) as first`
        : `select least((select min(request_timestamp) from usage_logs where user_id = $1),
                        (select min(bucket) from switchboard.usage_archive where user_id = $1)) as first`,
      userId === undefined ? [] : [userId],
    );
    return rows[0]?.first ?? undefined;
  }
}

/**
 * The users with the highest cost in a period, each with their sums. A part of {@link UsageSumsRepository.summarize}.
 */
function topUsers(period: Period, only: CallKind, top: number, add: Add): string {
  const [whole, now] = [{ from: period.from.getTime(), to: period.to.getTime() }, Date.now()];
  // Rollups of users have no kinds, so kinds are read from the rows.
  const isOfKind = Object.values(only).some((value) => value !== undefined);
  const and = (of: 'logs' | 'rollups') =>
    conditionsOfKind(only, add, of)
      .map((condition) => ` and ${condition}`)
      .join('');
  const rows = (condition: string, from = 'usage_logs') =>
    `(select ${rowOf(['user_id'])} from ${from} where ${condition}${and('logs')}) as calls`;
  const parts = [
    `select ${callsOf(['user_id'], 1, 'errors')}
       from ${rows(`response_timestamp is null and ${within('request_timestamp', [whole], add)}`)}`,
    `select ${callsOf(['user_id'], 1, 'errors')}
       from ${rows(within('request_timestamp', [whole], add), `${RUNNING_CALLS} as running`)}`,
  ];
  for (const piece of coverOf(whole, isOfKind ? [] : USER_GRIDS, now)) {
    if (piece.granularity === 'rows') {
      parts.push(
        `select ${callsOf(['user_id'], piece.sign, 'errors')}
           from ${rows(`response_timestamp is not null and ${within('request_timestamp', [piece], add)}`)}`,
        `select ${callsOf(['user_id'], piece.sign)} from switchboard.usage_archive
          where ${within('bucket', [piece], add)}${and('rollups')}`,
      );
    } else {
      parts.push(
        `select ${callsOf(['user_id'], piece.sign, 'errors')} from switchboard.usage_user_rollups
          where granularity = '${piece.granularity}' and ${within('bucket', [piece], add)}`,
      );
    }
  }
  for (const piece of isOfKind ? [] : bucketsOf(whole, USER_GRIDS, now)) {
    parts.push(
      `select ${callsOf(['user_id'])} from switchboard.usage_pending where ${within('bucket', [piece], add)}`,
    );
  }
  return `
    union all
    (select 'user', null, null, null, user_id, ${SUMS}
       from (${parts.join(' union all ')}) as calls
      group by user_id having sum(calls) > 0
      order by total_cost desc, calls desc, user_id limit ${add(top)})`;
}
