import type { SqlFunction } from '../sql-functions.js';

/**
 * An instance says that it is alive, by the clock of the database. In the same round trip it learns what happened to the
 * answers that it is writing: which marks are gone, because another instance has closed them or their chat was deleted, and
 * which answers must stop, because their user asked another instance for it or may not use the server any more.
 *
 * `has_dead` says that the remains of a dead instance are waiting.
 */
export const BEAT: SqlFunction = {
  signature: 'switchboard.beat(integer, boolean, uuid[])',
  definition: `
  create or replace function switchboard.beat(
    instance integer, with_lock boolean, streams uuid[],
    out gone uuid[], out stopping uuid[], out has_dead boolean
  ) language plpgsql set search_path = '' as $fn$
  begin
    perform set_config('synchronous_commit', 'off', true);
    insert into switchboard.instances as own (id, beat_at, steady_since, has_lock)
      values (instance, clock_timestamp(), clock_timestamp(), with_lock)
      on conflict (id) do update
        set steady_since = case when own.beat_at < excluded.beat_at - interval '3 seconds' then excluded.beat_at
                                else own.steady_since end,
            beat_at = excluded.beat_at, has_lock = excluded.has_lock;
    select coalesce(array_agg(wanted.id) filter (where stream.id is null), '{}'),
           coalesce(array_agg(wanted.id) filter (where stream."isStopping" or not person.is_active), '{}')
      into gone, stopping
      from unnest(streams) as wanted (id)
      left join public."Stream" stream on stream.id = wanted.id and stream."instanceId" = instance
      left join public.chat on chat.id = stream."chatId"
      left join lateral (
        select coalesce(users.banned_until <= now(), true) and users.deleted_at is null
               and coalesce(users.raw_user_meta_data ->> 'isActive', 'true') <> 'false' as is_active
          from auth.users where users.id = chat.user_id
      ) person on true;
    has_dead := exists (
      select from switchboard.instances peer
       where peer.beat_at < clock_timestamp() - interval '3 seconds'
         and switchboard.instance_state(peer.id, instance) = 'dead');
  end $fn$`,
};
