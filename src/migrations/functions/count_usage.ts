import type { SqlFunction } from '../sql-functions.js';
import {
  callsOf,
  CHANGES,
  count,
  countFewEnds,
  DAY,
  FEW_ROWS,
  groupedDifferences,
  MANY_ROWS,
  rowsOf,
  SPENT,
} from '../usage-statements.js';

/**
 * Counts spending and usage once per statement, not once per row. It is a security definer: the auth server deletes a
 * user, and with the user the usage rows.
 */
export const COUNT_USAGE: SqlFunction = {
  signature: 'switchboard.count_usage()',
  definition: `
  create or replace function switchboard.count_usage() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    affected integer;
    have_ended boolean;
    at_once boolean;
    emptied tid[];
    emptied_of_users tid[];
    emptied_kinds tid[];
  begin
    if tg_op = 'INSERT' then
      select count(*), bool_and(response_timestamp is not null) into affected, have_ended
        from (select response_timestamp from added limit ${MANY_ROWS + 1}) as counted;
      if affected = 0 then return null; end if;
      if affected <= ${FEW_ROWS} and have_ended then
        ${countFewEnds};
      end if;
      at_once := affected > ${MANY_ROWS} and switchboard.try_usage_lock();
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
        select user_id, agent_type, ${DAY} as day, sum(${SPENT})
          from added where total_cost <> 0 group by user_id, agent_type, day order by user_id, agent_type, day
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
      ${count(callsOf('added'))};
    elsif tg_op = 'UPDATE' then
      affected := ${rowsOf('added')};
      if affected = 0 then return null; end if;
      at_once := affected > ${MANY_ROWS} and switchboard.try_usage_lock();
      insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
        select user_id, agent_type, ${DAY} as day, sum(cost)
          from (select user_id, agent_type, request_timestamp, ${SPENT} as cost from added
                union all select user_id, agent_type, request_timestamp, -(${SPENT}) from removed) changed
         group by user_id, agent_type, day having sum(cost) <> 0 order by user_id, agent_type, day
        on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
      ${count(CHANGES, groupedDifferences(CHANGES))};
    elsif tg_op = 'DELETE' then
      -- Purged calls still count as used.
      if current_setting('switchboard.purging_usage', true) = 'on' then return null; end if;
      affected := ${rowsOf('removed')};
      if affected = 0 then return null; end if;
      at_once := affected > ${MANY_ROWS} and switchboard.try_usage_lock();
      -- Not an insert: the user may have been deleted as well.
      with deleted as (
        select user_id, agent_type, ${DAY} as day, sum(${SPENT}) as cost
          from removed where total_cost <> 0 group by user_id, agent_type, day
      ), places as (
        select user_id, agent_type, day, deleted.cost
          from switchboard.daily_spending spending join deleted using (user_id, agent_type, day)
         order by user_id, agent_type, day for no key update of spending
      )
      update switchboard.daily_spending spending set cost = spending.cost - places.cost from places
       where (spending.user_id, spending.agent_type, spending.day) = (places.user_id, places.agent_type, places.day);
      ${count(callsOf('removed', '-'))};
    else
      delete from switchboard.daily_spending;
      insert into switchboard.daily_spending (user_id, agent_type, day, cost)
        select user_id, agent_type, (bucket at time zone 'UTC')::date as day, sum(total_cost - own_key_cost)
          from switchboard.usage_archive group by user_id, agent_type, day having sum(total_cost - own_key_cost) <> 0;
      perform switchboard.rebuild_usage();
    end if;
    return null;
  end $fn$`,
};
