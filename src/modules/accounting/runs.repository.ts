import { Injectable } from '@nestjs/common';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database, type Statement } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import { LEASE } from '../rate-limit/admission.types.js';
import type { AccountedRun } from './accounted-run.js';

/** Without a reservation, nothing depends on the lifetime of the row. */
const NOTE = `
  insert into switchboard.runs (id, user_id, agent_type, instance_id, message_id, expires_at, calls)
  select note.id, note."userId", note."agentType", $2::integer, note."messageId", now(), note.calls
    from jsonb_to_recordset($1::jsonb)
      as note (id uuid, "userId" uuid, "agentType" varchar, "messageId" uuid, calls jsonb)
   where exists (select from auth.users where users.id = note."userId")
  on conflict (id) do update set calls = excluded.calls`;

/** The agent is not known yet. What is reserved counts against the budgets of all agents. */
const ROUTE = `
  insert into switchboard.runs (id, user_id, agent_type, instance_id, message_id, reserved_cost, expires_at, calls)
  values ($1::uuid, $2::uuid, 'routing', $3::integer, $4::uuid, $5::numeric, now() + '${LEASE}'::interval, $6::jsonb)
  on conflict (id) do update set calls = excluded.calls`;

const REFRESH = `
  update switchboard.runs run set calls = note.calls
    from jsonb_to_recordset($1::jsonb) as note (id uuid, calls jsonb)
   where run.id = note.id`;

/** Locks rows in the same order as admissions. If a run was already given back, no row is found. */
const GIVE_BACK = `
  with run as (
    delete from switchboard.runs where id = $1 returning user_id, agent_type, counted_hour, counted_day
  ), place as (
    select tracking.id
      from rate_limit_tracking tracking join run using (user_id, agent_type)
     where (tracking.limit_type, tracking.period_start)
           in (('hourly', run.counted_hour), ('daily', run.counted_day))
     order by tracking.limit_type for no key update of tracking
  )
  update rate_limit_tracking tracking set request_count = tracking.request_count - 1
    from place where tracking.id = place.id and tracking.request_count > 0`;

/** Runs of dead instances, and runs that write these answers. This instance excludes its own runs, because it is alive. */
const FIND_LEFT = `
  with alive as materialized (
    select objid::text as instance from pg_locks
     where locktype = 'advisory' and classid = ${ADVISORY_LOCKS.instance} and granted
  )
  select run.id from switchboard.runs run
   where run.id <> all($4::uuid[])
     and (run.message_id = any($2::uuid[])
          or ($5::boolean and run.instance_id <> $1
              and not exists (select from alive where alive.instance = run.instance_id::text)))
   limit $3 for no key update skip locked`;

/** The statements for `switchboard.runs`, except those of admission. Users may not write this table. */
@Injectable()
export class RunsRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** Writes the calls that these runs have sent, and creates missing rows. */
  noting(runs: AccountedRun[]): Statement {
    const notes = runs.map((run) => {
      const { id, asker, agentType, name } = run;
      return `{"id":"${id}","userId":"${asker.userId}","agentType":"${agentType}",${
        name.messageId === undefined ? '' : `"messageId":"${name.messageId}",`
      }"calls":${run.unbookedCalls()}}`;
    });
    return { text: NOTE, parameters: [`[${notes.join(',')}]`, this.instance.instanceId] };
  }

  /** Creates the row of a run whose agent is chosen by a model. @param cost the USD to reserve for that */
  routing(run: AccountedRun, cost: number): Statement {
    const { id, asker, name } = run;
    const parameters = [
      id,
      asker.userId,
      this.instance.instanceId,
      name.messageId ?? null,
      cost,
      run.unbookedCalls(),
    ];
    return { text: ROUTE, parameters };
  }

  /** Updates the cost so far of the calls of these runs. It does not restore the row of a run that has ended. */
  refreshing(runs: AccountedRun[]): Statement {
    const notes = runs.map((run) => `{"id":"${run.id}","calls":${run.unbookedCalls()}}`);
    return { text: REFRESH, parameters: [`[${notes.join(',')}]`] };
  }

  /** Removes a run from the windows that counted it, and deletes its row. */
  givingBack({ id }: AccountedRun): Statement {
    return { text: GIVE_BACK, parameters: [id] };
  }

  /** Runs without a live process. */
  async findLeft(
    messageIds: string[],
    { except, limit, ofAnswersOnly }: { except: string[]; limit: number; ofAnswersOnly: boolean },
  ): Promise<string[]> {
    const parameters = [this.instance.instanceId, messageIds, limit, except, !ofAnswersOnly];
    const [rows] = await this.database.executeAsService([{ text: FIND_LEFT, parameters }]);
    return (rows as Array<{ id: string }>).map(({ id }) => id);
  }

  /** Books the calls of such runs as interrupted. @returns the number of closed runs */
  async close(ids: string[], { withoutMetadata = false } = {}): Promise<number> {
    const text = 'select switchboard.close_runs($1::uuid[], $2) as closed';
    const [rows] = await this.database.executeAsService([{ text, parameters: [ids, withoutMetadata] }]);
    return (rows as Array<{ closed: number }>)[0]?.closed ?? 0;
  }
}
