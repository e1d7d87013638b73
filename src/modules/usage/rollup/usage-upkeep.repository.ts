import type { Client } from 'pg';
import { ADVISORY_LOCKS } from '../../../common/database/advisory-locks.js';
import { END_STATUS, MEASURES, ofRow } from '../usage-words.js';

const OLD = `request_timestamp < $1 and response_timestamp is not null`;

/**
 * Moves the oldest calls from their rows to the archive, and returns where it stopped. A setting tells triggers that
 * usage has not changed.
 *
 * It waits for no lock: rows and users that are being changed or deleted are left to the next pass. A user is locked
 * before their archive is written, so that the user cannot be deleted in between.
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
      (user_id, bucket, agent_type, provider, model_used, status, ${MEASURES.join(', ')})
    select user_id, date_bin('15 minutes', request_timestamp, timestamptz '2000-01-01 00:00:00+00') as bucket,
           agent_type, provider, model_used, ${END_STATUS} as status, count(*),
           ${MEASURES.slice(1)
             .map((measure) => `sum(${ofRow(measure)})`)
             .join(', ')}
      from purged group by user_id, bucket, agent_type, provider, model_used, status
     order by user_id, bucket, agent_type, provider, model_used, status
    on conflict (user_id, bucket, agent_type, provider, model_used, status) do update set
      ${MEASURES.map((measure) => `${measure} = archive.${measure} + excluded.${measure}`).join(', ')}
  )
  select (select count(*) from purged)::integer as purged, (select max(request_timestamp) from old) as reached`;

/** Operations on usage from the command line, on a separate connection without a time limit. */
export class UsageUpkeepRepository {
  constructor(private readonly client: Client) {}

  /** Corrects the rollups from the rows and the archive. @returns the number of rollup rows that were wrong or missing */
  async rebuildRollups(): Promise<number> {
    const { rows } = await this.client.query<{ corrected: string }>(
      'select switchboard.rebuild_usage() as corrected',
    );
    return Number(rows[0]?.corrected);
  }

  /** The number of calls that a purge would find. */
  async countBefore(moment: Date): Promise<number> {
    const { rows } = await this.client.query<{ count: string }>(
      `select count(*) from usage_logs where ${OLD}`,
      [moment],
    );
    return Number(rows[0]?.count);
  }

  /** Prevents other purges as long as the connection lives. @returns false if another purge is running */
  async lockPurge(): Promise<boolean> {
    const { rows } = await this.client.query<{ ours: boolean }>('select pg_try_advisory_lock($1) as ours', [
      ADVISORY_LOCKS.usagePurge,
    ]);
    return rows[0]?.ours ?? false;
  }

  /**
   * Moves at most `batch` of the oldest calls before `moment` to the archive, in one transaction.
   *
   * @param after the position of the last batch, or an older one
   * @returns the number of moved calls, and how far it looked; null if there was nothing to look at
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
