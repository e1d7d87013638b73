import type { SqlFunction } from '../sql-functions.js';

/**
 * What one instance may think of another: `alive`, `silent` or `dead`.
 *
 * An instance is dead after ten seconds without a beat. If it holds its advisory lock on a direct connection, the loss of
 * the lock tells sooner, after three seconds. The lock alone tells nothing: a pooler keeps it, and a connection may be lost
 * while its instance lives.
 *
 * The judge must have been beating all that time itself. After the database was away, or the judge was paused, all
 * others get the same time to report again.
 *
 * It is a security definer: a turn asks as its user, and users may not read the instances.
 */
export const INSTANCE_STATE: SqlFunction = {
  signature: 'switchboard.instance_state(integer, integer)',
  executableBy: ['switchboard_user'],
  definition: `
  create or replace function switchboard.instance_state(instance integer, judge integer) returns text
    language plpgsql stable security definer set search_path = '' as $fn$
  declare
    moment timestamptz := clock_timestamp();
    peer switchboard.instances;
    lock_is_gone boolean;
    steady interval;
  begin
    if instance = judge then return 'alive'; end if;
    select * into peer from switchboard.instances where id = instance;
    -- It has ended, or was closed long ago.
    if not found then return 'dead'; end if;
    lock_is_gone := peer.has_lock and not exists (
      select from pg_catalog.pg_locks
       where locktype = 'advisory' and classid = 1398228803 and objid::bigint = instance and objsubid = 2 and granted
         and database = (select oid from pg_catalog.pg_database where datname = current_database()));
    if peer.beat_at > moment - interval '3 seconds' then
      return case when lock_is_gone then 'silent' else 'alive' end;
    end if;
    select moment - own.steady_since into steady
      from switchboard.instances own where own.id = judge and own.beat_at > moment - interval '3 seconds';
    if steady > interval '10 seconds' and peer.beat_at < moment - interval '10 seconds'
       or steady > interval '3 seconds' and lock_is_gone then
      return 'dead';
    end if;
    return 'silent';
  end $fn$`,
};
