import type { Client } from 'pg';
import { ADVISORY_LOCKS } from '../../../common/database/advisory-locks.js';
import { END_STATUS } from '../usage-words.js';

const OLD = `request_timestamp < $1 and response_timestamp is not null`;

/**
 * Moves the oldest calls from their rows to the archive, and says where it stopped. Triggers see by the setting that
 * nothing has changed of what was used.
 *
 * It waits for nobody: rows and users that another statement holds, because they are being changed or deleted, are left
 * to the next pass. A user is held before their archive is written, so that they can not go in between.
 */
const PURGE = `
  with old as (
    select log.id, log.user_id, log.request_timestamp
      from usage_logs log
     cross join (select set_config('switchboard.purging_usage', 'on', true)) as purging
     where ${OLD} and request_timestamp >= $2
     order by request_timestamp limit $3 for update of log skip locked
  ), holders as materialized (
    select id from auth.users where id in (select user_id from old) for key share skip locked
  ), purged as (
    delete from usage_logs where id in (select id from old where user_id in (select id from holders))
    returning *
  ), archived as (
    insert into switchboard.usage_archive as archive
      (user_id, bucket, agent_type, provider, model_used, status, calls, input_tokens, output_tokens, total_tokens,
       input_cost, output_cost, total_cost)
    select user_id, date_bin('15 minutes', request_timestamp, timestamptz '2000-01-01 00:00:00+00') as bucket,
           agent_type, provider, model_used, ${END_STATUS} as status, count(*),
           sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(input_cost), sum(output_cost), sum(total_cost)
      from purged group by user_id, bucket, agent_type, provider, model_used, status
     order by user_id, bucket, agent_type, provider, model_used, status
    on conflict (user_id, bucket, agent_type, provider, model_used, status) do update set
      calls = archive.calls + excluded.calls, input_tokens = archive.input_tokens + excluded.input_tokens,
      output_tokens = archive.output_tokens + excluded.output_tokens,
      total_tokens = archive.total_tokens + excluded.total_tokens, input_cost = archive.input_cost + excluded.input_cost,
      output_cost = archive.output_cost + excluded.output_cost, total_cost = archive.total_cost + excluded.total_cost
  )
  select (select count(*) from purged)::integer as purged, (select max(request_timestamp) from old) as reached`;

/** What operators do with usage from the command line, on a connection of their own that has no time limit. */
export class UsageUpkeepRepository {
  constructor(private readonly client: Client) {}

  /** Makes the rollups what the rows and the archive say. @returns how many of their rows were not right, or missing */
  async rebuildRollups(): Promise<number> {
    const { rows } = await this.client.query<{ corrected: string }>(
      'select switchboard.rebuild_usage() as corrected',
    );
    return Number(rows[0]?.corrected);
  }

  /** How many calls a purge would find. */
  async countBefore(moment: Date): Promise<number> {
    const { rows } = await this.client.query<{ count: string }>(
      `select count(*) from usage_logs where ${OLD}`,
      [moment],
    );
    return Number(rows[0]?.count);
  }

  /** Keeps others from purging as long as the connection lives. @returns false when somebody does */
  async lockPurge(): Promise<boolean> {
    const { rows } = await this.client.query<{ ours: boolean }>('select pg_try_advisory_lock($1) as ours', [
      ADVISORY_LOCKS.usagePurge,
    ]);
    return rows[0]?.ours ?? false;
  }

  /**
   * Moves at most `batch` of the oldest calls before `moment` to the archive, in one transaction.
   *
   * @param after as old as the last batch reached, or older
   * @returns how many it moved, and how far it looked; null when there was nothing to look at
   */
  async purgeBefore(
    moment: Date,
    after: Date | '-infinity',
    batch: number,
  ): Promise<{ purged: number; reached: Date | null }> {
    const { rows } = await this.client.query<{ purged: number; reached: Date | null }>(PURGE, [
      moment,
      after,
      batch,
    ]);
    return rows[0] ?? { purged: 0, reached: null };
  }
}
