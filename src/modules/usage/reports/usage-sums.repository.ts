import { Injectable } from '@nestjs/common';
import type { SqlRunner } from '../../../common/database/database.js';
import type { AgentType } from '../../admin-config/config-schemas.js';
import type { Grouping } from './dto/usage-timeseries.query.js';
import type { FiguresRow } from './figures.js';
import type { Period } from './period.js';
import { type Piece, piecesOf, quartersOfRows, ROLLUP_GRIDS, USER_GRIDS } from './pieces.js';

/** The calls of one kind, or all calls, of a period. */
export interface SummaryRow extends FiguresRow {
  of: 'previous' | 'total' | 'agent' | 'model' | 'user';
  agentType: AgentType | null;
  model: string | null;
  provider: string | null;
  userId: string | null;
}

/** The calls of a point, or those of a group in it. */
export interface PointRow extends FiguresRow {
  /** Which of the stretches between the bounds, counted from 1. */
  point: number;
  isGroup: boolean;
  agentType: AgentType | null;
  model: string | null;
  provider: string | null;
  status: string | null;
}

const MEASURES = ['input_tokens', 'output_tokens', 'total_tokens', 'input_cost', 'output_cost', 'total_cost'];
const CALLS = ['agent_type, provider, model_used, status, calls', ...MEASURES].join(', ');
const CALLS_OF_USER = [
  'user_id, calls',
  `case when status = 'error' then calls else 0 end as errors`,
  ...MEASURES,
].join(', ');

/** A row of `usage_logs`, as {@link CALLS}. One that has not ended is running, whatever else is known of it. */
const ROW = [
  'agent_type, provider, model_used',
  `case when response_timestamp is null then 'running'
        else left(coalesce(metadata ->> 'status', 'success'), 16) end as status`,
  '1 as calls',
  ...MEASURES,
].join(', ');

const SUMS = ['calls', ...MEASURES].map((name) => `sum(${name}) as ${name}`).join(', ');
const ERRORS = `coalesce(sum(calls) filter (where status = 'error'), 0) as errors`;

const FIGURES = `
  calls, errors, input_tokens as "inputTokens", output_tokens as "outputTokens", total_tokens as "totalTokens",
  input_cost as "inputCost", output_cost as "outputCost", total_cost as "totalCost"`;

const GROUPING_COLUMNS: Record<Grouping, string[]> = {
  agentType: ['agent_type'],
  model: ['provider', 'model_used'],
  provider: ['provider'],
  status: ['status'],
};

/**
 * Sums over calls. Whose they may be, row level security says; `userId` says whose are meant. They are those of the rows,
 * wherever they are read from: see {@link callsBetween}.
 */
@Injectable()
export class UsageSumsRepository {
  /**
   * The sums of a period and of the one before it, and the kinds of the period's calls, what cost most first.
   *
   * @param top how many users are wanted, those who cost most; none when it is left out
   */
  summarize(
    statements: SqlRunner,
    { userId, previous, period, top }: { userId?: string; previous: Period; period: Period; top?: number },
  ): Promise<SummaryRow[]> {
    const source = callsBetween([previous.from, period.from, period.to], userId);
    const users = top === undefined ? '' : topUsers(source, period, top);
    return statements.query<SummaryRow[]>(
      `with kinds as (
         select width_bucket(moment, ${source.bounds}) as point, agent_type, provider, model_used, status, ${SUMS}
           from (${source.sql}) as usage group by point, agent_type, provider, model_used, status
       ), sums as (
         select case when point = 1 then 'previous' when grouping(agent_type) = 0 then 'agent'
                     when grouping(model_used) = 0 then 'model' else 'total' end as of,
                agent_type, provider, model_used, null::uuid as user_id, ${ERRORS}, ${SUMS}
           from kinds group by grouping sets ((point), (point, agent_type), (point, provider, model_used))
         having sum(calls) > 0 and (point = 2 or grouping(agent_type, model_used) = 3)
         ${users}
       )
       select of, agent_type as "agentType", model_used as model, provider, user_id as "userId", ${FIGURES}
         from sums order by total_cost desc, calls desc, agent_type, model_used, provider, user_id`,
      source.parameters,
    );
  }

  /** The sums of each stretch between bounds, and of the groups in it; those without calls are left out. */
  sumPoints(
    statements: SqlRunner,
    { userId, bounds, groupBy }: { userId?: string; bounds: Date[]; groupBy?: Grouping },
  ): Promise<PointRow[]> {
    const source = callsBetween(bounds, userId);
    const columns = groupBy ? GROUPING_COLUMNS[groupBy] : [];
    const column = (name: string) => (columns.includes(name) ? name : 'null::text');
    const sets = ['(point)', ...(groupBy ? [`(point, ${columns.join(', ')})`] : [])];
    return statements.query<PointRow[]>(
      `with calls as (
         select width_bucket(moment, ${source.bounds}) as point, usage.* from (${source.sql}) as usage
       ), sums as (
         select point, ${groupBy ? `grouping(${columns[0]}) = 0` : 'false'} as is_group,
                ${column('agent_type')} as agent_type, ${column('model_used')} as model_used,
                ${column('provider')} as provider, ${column('status')} as status, ${ERRORS}, ${SUMS}
           from calls group by grouping sets (${sets.join(', ')}) having sum(calls) > 0
       )
       select point, is_group as "isGroup", agent_type as "agentType", model_used as model, provider, status, ${FIGURES}
         from sums`,
      source.parameters,
    );
  }

  /** When there was usage for the first time, as far as anything is known of it. */
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

/** Calls as a relation, with the parameters of its statement. */
interface Source {
  sql: string;
  parameters: unknown[];
  /** Adds a parameter, and says how it is written. */
  add: (value: unknown) => string;
  /** The bounds that it lies between, as SQL. */
  bounds: string;
}

/** The calls between the first and the last of some moments, of one user or of all. */
function callsBetween(bounds: Date[], userId: string | undefined): Source {
  const parameters: unknown[] = [];
  const add = (value: unknown) => `$${parameters.push(value)}`;
  const array = `${add(bounds)}::timestamptz[]`;
  const sql =
    userId === undefined
      ? callsOfAll(bounds, add)
      : callsOfOne(bounds[0]!, bounds.at(-1)!, `user_id = ${add(userId)}::uuid`, add);
  return { sql, parameters, add, bounds: array };
}

/** Rows, which an index finds, and what a purge has left of others, in which a call is as old as its quarter of an hour. */
function callsOfOne(from: Date, to: Date, isTheirs: string, add: Source['add']): string {
  const [start, end] = [`${add(from)}::timestamptz`, `${add(to)}::timestamptz`];
  return `
    select request_timestamp as moment, ${ROW} from usage_logs
     where ${isTheirs} and request_timestamp >= ${start} and request_timestamp < ${end}
    union all
    select bucket, ${CALLS} from switchboard.usage_archive
     where ${isTheirs} and bucket >= ${start} and bucket < ${end}`;
}

/**
 * Rollups wherever no bound cuts them, with what is not folded into them yet; rows where it does. Rollups know nothing of
 * calls that are running: these are few, and come from the rows everywhere.
 */
function callsOfAll(bounds: Date[], add: Source['add']): string {
  const pieces = piecesOf(bounds.map(Number), ROLLUP_GRIDS);
  const rolledUp = pieces.filter(({ granularity }) => granularity !== 'rows');
  const rows = pieces.filter(({ granularity }) => granularity === 'rows');
  const [start, end] = [`${add(bounds[0])}::timestamptz`, `${add(bounds.at(-1))}::timestamptz`];
  const parts = [
    `select request_timestamp as moment, ${ROW} from usage_logs
      where response_timestamp is null and request_timestamp >= ${start} and request_timestamp < ${end}`,
  ];
  if (rows.length > 0) {
    parts.push(`
      select request_timestamp, ${ROW} from usage_logs join ${stretches(rows, 'timestamptz', add)}
          on request_timestamp >= piece.start and request_timestamp < piece.finish
       where response_timestamp is not null`);
    parts.push(`
      select bucket, ${CALLS} from switchboard.usage_archive join ${stretches(rows, 'timestamptz', add)}
          on bucket >= piece.start and bucket < piece.finish`);
  }
  if (rolledUp.length > 0) {
    parts.push(`
      select bucket, ${CALLS} from switchboard.usage_rollups as rollup join ${stretches(rolledUp, 'timestamptz', add)}
          on rollup.granularity = piece.granularity and bucket >= piece.start and bucket < piece.finish`);
    parts.push(`
      select bucket, ${CALLS} from switchboard.usage_pending
       where bucket >= ${start} and bucket < ${end}
         and bucket <> all (${add(quartersOfRows(pieces).map(toTime))}::timestamptz[])`);
  }
  return parts.join(' union all ');
}

/** The users of a period who cost most, each with their sums; another part of {@link UsageSumsRepository.summarize}. */
function topUsers({ add }: Source, { from, to }: Period, top: number): string {
  const pieces = piecesOf([from.getTime(), to.getTime()], USER_GRIDS);
  const rolledUp = pieces.filter(({ granularity }) => granularity !== 'rows');
  const rows = pieces.filter(({ granularity }) => granularity === 'rows');
  const running = `response_timestamp is null and request_timestamp >= ${add(from)} and request_timestamp < ${add(to)}`;
  const parts = [
    `select ${CALLS_OF_USER} from (select user_id, ${ROW} from usage_logs where ${running}) as running`,
  ];
  if (rows.length > 0) {
    parts.push(`
      select ${CALLS_OF_USER} from (
        select user_id, ${ROW} from usage_logs join ${stretches(rows, 'timestamptz', add)}
            on request_timestamp >= piece.start and request_timestamp < piece.finish
         where response_timestamp is not null) as ended`);
    parts.push(`
      select ${CALLS_OF_USER} from switchboard.usage_archive join ${stretches(rows, 'timestamptz', add)}
          on bucket >= piece.start and bucket < piece.finish`);
  }
  if (rolledUp.length > 0) {
    parts.push(`
      select user_id, calls, errors, ${MEASURES.join(', ')}
        from switchboard.usage_user_rollups as rollup join ${stretches(rolledUp, 'date', add)}
          on rollup.granularity = piece.granularity and bucket >= piece.start and bucket < piece.finish`);
    parts.push(`
      select ${CALLS_OF_USER} from switchboard.usage_pending
       where bucket >= ${add(toTime(rolledUp[0]!.from))} and bucket < ${add(toTime(rolledUp.at(-1)!.to))}`);
  }
  return `
    union all
    (select 'user', null, null, null, user_id, sum(errors) as errors, ${SUMS}
       from (${parts.join(' union all ')}) as calls
      group by user_id having sum(calls) > 0
      order by total_cost desc, calls desc, user_id limit ${add(top)})`;
}

/** Pieces of time as a relation. */
function stretches(
  pieces: Array<Piece<number | string>>,
  type: 'timestamptz' | 'date',
  add: Source['add'],
): string {
  const granularities = pieces.map(({ granularity }) => granularity);
  const [starts, ends] = [pieces.map(({ from }) => toTime(from)), pieces.map(({ to }) => toTime(to))];
  const of = type === 'date' ? 'varchar' : 'smallint';
  return granularities[0] === 'rows'
    ? `unnest(${add(starts)}::timestamptz[], ${add(ends)}::timestamptz[]) as piece (start, finish)`
    : `unnest(${add(granularities)}::${of}[], ${add(starts)}::${type}[], ${add(ends)}::${type}[]) as piece (granularity, start, finish)`;
}

function toTime(at: number): string {
  return new Date(at).toISOString();
}
