import type { SqlFunction } from '../sql-functions.js';

/**
 * Reserves more for an admitted turn. Extensions queue with the admissions of the same user and agent: each sees what
 * the previous one has reserved. A refusal changes nothing.
 *
 * The turn's own reservation does not count against it: `expected_cost` has all that the turn is still expected to
 * spend. `freed_cost` had been reserved for calls that are in `usage_logs` by now. A reservation that no longer exists
 * cannot grow: the turn is over, and `is_reserved` is false.
 */
export const EXTEND_RESERVATION: SqlFunction = {
  signature:
    'switchboard.extend_reservation(uuid, varchar, uuid, numeric, numeric, numeric, numeric, numeric, interval)',
  definition: `
  create or replace function switchboard.extend_reservation(
    for_user uuid, for_agent varchar, reservation uuid, daily_budget numeric, monthly_budget numeric,
    expected_cost numeric, reserved_cost numeric, freed_cost numeric, lease interval,
    out refused_by text, out is_held boolean, out is_reserved boolean,
    out daily_seconds double precision, out monthly_seconds double precision
  ) language plpgsql set search_path = '' as $fn$
  declare
    moment timestamptz;
    day_start timestamptz;
    month_start timestamp;
    spent_today numeric;
    spent_this_month numeric;
    held_by_others numeric;
  begin
    perform set_config('synchronous_commit', 'off', true);
    perform pg_advisory_xact_lock(hashtextextended(for_user::text || for_agent, 7264118313));
    moment := clock_timestamp();
    day_start := date_trunc('day', moment, 'UTC');
    month_start := date_trunc('month', moment at time zone 'UTC');
    daily_seconds := extract(epoch from day_start + interval '24 hours' - moment);
    monthly_seconds := extract(epoch from (month_start + interval '1 month') at time zone 'UTC' - moment);
    is_held := false;
    is_reserved := false;

    -- Both are read at one moment, as in an admission.
    select spending.today, spending.this_month, reserved.cost into spent_today, spent_this_month, held_by_others
      from (select coalesce(sum(cost) filter (where day >= (day_start at time zone 'UTC')::date), 0) as today,
                   coalesce(sum(cost), 0) as this_month
              from switchboard.daily_spending
             where user_id = for_user and agent_type = for_agent and day >= month_start::date) spending,
           (select coalesce(sum(cost), 0) as cost from switchboard.budget_reservations
             where user_id = for_user and agent_type = for_agent and expires_at > moment and id <> reservation) reserved;
    if spent_this_month + held_by_others + expected_cost > monthly_budget then
      refused_by := 'monthly_budget';
      is_held := spent_this_month + expected_cost <= monthly_budget;
    elsif spent_today + held_by_others + expected_cost > daily_budget then
      refused_by := 'daily_budget';
      is_held := spent_today + expected_cost <= daily_budget;
    else
      update switchboard.budget_reservations held
         set cost = greatest(0, held.cost + reserved_cost - freed_cost), expires_at = moment + lease
       where held.id = reservation and held.user_id = for_user and held.agent_type = for_agent;
      is_reserved := found;
    end if;
  end $fn$`,
};
