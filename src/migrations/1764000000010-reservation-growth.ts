import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A turn that was let in may come to need more than was reserved for it: it asks for it before it is spent. */
export class ReservationGrowth1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [EXTEND, RIGHTS]) await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop function switchboard.${SIGNATURE}`);
  }
}

const SIGNATURE = 'extend_reservation(uuid, varchar, uuid, numeric, numeric, numeric, numeric, interval)';

/**
 * Comes after the admissions and extensions of the same user and agent that have begun before it, like an admission: each
 * sees what the one before it has reserved. A refusal changes nothing.
 *
 * What is freed had been reserved by the same turn for calls that are in `usage_logs` by now, and would else count twice.
 * A reservation that is not there (any more) can not grow: the turn is over, and `is_reserved` false.
 */
const EXTEND = `
  create function switchboard.extend_reservation(
    for_user uuid, for_agent varchar, reservation uuid,
    daily_budget numeric, monthly_budget numeric, further_cost numeric, freed_cost numeric, lease interval,
    out refused_by text, out is_reserved boolean,
    out daily_seconds double precision, out monthly_seconds double precision
  ) language plpgsql set search_path = '' as $fn$
  declare
    moment timestamptz;
    day_start timestamptz;
    month_start timestamp;
    spent_today numeric;
    spent_this_month numeric;
  begin
    perform set_config('synchronous_commit', 'off', true);
    perform pg_advisory_xact_lock(hashtextextended(for_user::text || for_agent, 7264118308));
    moment := clock_timestamp();
    day_start := date_trunc('day', moment, 'UTC');
    month_start := date_trunc('month', moment at time zone 'UTC');
    daily_seconds := extract(epoch from day_start + interval '24 hours' - moment);
    monthly_seconds := extract(epoch from (month_start + interval '1 month') at time zone 'UTC' - moment);
    is_reserved := false;

    -- One look at both, as in an admission; what this turn holds counts even when nobody has renewed it in time.
    select spending.today + reserved.cost - freed_cost, spending.this_month + reserved.cost - freed_cost
      into spent_today, spent_this_month
      from (select coalesce(sum(cost) filter (where day >= (day_start at time zone 'UTC')::date), 0) as today,
                   coalesce(sum(cost), 0) as this_month
              from switchboard.daily_spending
             where user_id = for_user and agent_type = for_agent and day >= month_start::date) spending,
           (select coalesce(sum(cost), 0) as cost from switchboard.budget_reservations
             where user_id = for_user and agent_type = for_agent
               and (expires_at > moment or id = reservation)) reserved;
    if spent_this_month + further_cost > monthly_budget then refused_by := 'monthly_budget';
    elsif spent_today + further_cost > daily_budget then refused_by := 'daily_budget';
    else
      update switchboard.budget_reservations held
         set cost = greatest(0, held.cost + further_cost - freed_cost), expires_at = moment + lease
       where held.id = reservation and held.user_id = for_user and held.agent_type = for_agent;
      is_reserved := found;
    end if;
  end $fn$`;

const RIGHTS = `revoke all on function switchboard.${SIGNATURE} from public`;
