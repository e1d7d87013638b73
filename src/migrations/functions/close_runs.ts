import { CHAT_TOTALS, MESSAGE_FIGURES } from '../usage-statements.js';
import type { SqlFunction } from '../sql-functions.js';

/**
 * Closes runs whose process has died: books each call that was sent as interrupted, with what it had cost at least, and lets
 * go of what the run had reserved. It waits for no run that somebody holds. Returns how many runs are closed.
 */
export const CLOSE_RUNS: SqlFunction = {
  signature: 'switchboard.close_runs(uuid[], boolean)',
  definition: `
  create or replace function switchboard.close_runs(run_ids uuid[], without_metadata boolean) returns integer
    language plpgsql set search_path = '' as $fn$
  declare
    run switchboard.runs;
    ended jsonb;
    closed integer := 0;
    booked_runs integer;
  begin
    for run in
      select * from switchboard.runs where id = any (run_ids) order by id for update skip locked
    loop
      -- The clock of the instance that is gone may have been ahead: no call ends before it began.
      select jsonb_agg(call || jsonb_build_object(
               'userId', run.user_id,
               'respondedAt', coalesce((call ->> 'respondedAt')::timestamptz,
                                       greatest(now(), (call ->> 'requestedAt')::timestamptz)),
               'durationMs', coalesce((call ->> 'durationMs')::numeric,
                                      extract(epoch from now() - (call ->> 'requestedAt')::timestamptz) * 1000),
               -- A call that had ended, and was not booked yet, has its status.
               'metadata', '{"status": "interrupted", "estimated": true}'::jsonb
                           || case when jsonb_typeof(call -> 'metadata') = 'object' and not without_metadata
                                   then call -> 'metadata' else '{}' end))
        into ended from jsonb_each(run.calls) as sent (call_id, call);
      if ended is not null then
        with booked as materialized (
          select * from switchboard.book_calls(ended, run.message_id, null, null, true)
        ), answer as (
          update public."Message_v2" message set ${MESSAGE_FIGURES} from booked where message.id = run.message_id
        ), totals as (
          update public.chat set ${CHAT_TOTALS} from booked
           where chat.id in (select (call ->> 'chatId')::uuid from jsonb_array_elements(ended) as call)
        )
        select count(*) into booked_runs from booked;
      end if;
      delete from switchboard.runs where id = run.id;
      closed := closed + 1;
    end loop;
    return closed;
  end $fn$`,
};
