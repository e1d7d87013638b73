import { Injectable } from '@nestjs/common';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database, type Statement } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import type { AccountedRun } from './accounted-run.js';

/** Without a reservation nothing depends on how long the row lasts. */
const NOTE = `
  insert into switchboard.runs (id, user_id, agent_type, instance_id, message_id, expires_at, calls)
  select note.id, note."userId", note."agentType", $2::integer, note."messageId", now(), note.calls
    from jsonb_to_recordset($1::jsonb)
      as note (id uuid, "userId" uuid, "agentType" varchar, "messageId" uuid, calls jsonb)
   where exists (select from auth.users where users.id = note."userId")
  on conflict (id) do update set calls = excluded.calls`;

const REFRESH = `
  update switchboard.runs run set calls = note.calls
    from jsonb_to_recordset($1::jsonb) as note (id uuid, calls jsonb)
   where run.id = note.id`;

/** Locks in the order in which admissions count. What is given back twice finds no row. */
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

/** Runs of instances that are gone, and those that write these answers. This instance knows its own ones, and lives. */
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

/** The statements of `switchboard.runs`, but for those of admission. No user may write any of it. */
@Injectable()
export class RunsRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** Writes what these runs have sent, and their rows where there are none. */
  noting(runs: AccountedRun[]): Statement {
    const notes = runs.map((run) => {
      const { id, asker, agentType, name } = run;
      return `{"id":"${id}","userId":"${asker.userId}","agentType":"${agentType}",${
        name.messageId === undefined ? '' : `"messageId":"${name.messageId}",`
      }"calls":${run.unbookedCalls()}}`;
    });
    return { text: NOTE, parameters: [`[${notes.join(',')}]`, this.instance.instanceId] };
  }

  /** Brings up to date what the calls of these runs have cost so far. A run that is over stays away. */
  refreshing(runs: AccountedRun[]): Statement {
    const notes = runs.map((run) => `{"id":"${run.id}","calls":${run.unbookedCalls()}}`);
    return { text: REFRESH, parameters: [`[${notes.join(',')}]`] };
  }

  /** Takes a run out of the windows that it was counted in, and its row away. */
  givingBack({ id }: AccountedRun): Statement {
    return { text: GIVE_BACK, parameters: [id] };
  }

  /** Runs that nobody conducts any more. */
  async findLeft(
    messageIds: string[],
    { except, limit, ofAnswersOnly }: { except: string[]; limit: number; ofAnswersOnly: boolean },
  ): Promise<string[]> {
    const parameters = [this.instance.instanceId, messageIds, limit, except, !ofAnswersOnly];
    const [rows] = await this.database.executeAsService([{ text: FIND_LEFT, parameters }]);
    return (rows as Array<{ id: string }>).map(({ id }) => id);
  }

  /** Books the calls of such runs as interrupted. @returns how many runs it has closed */
  async close(ids: string[], { withoutMetadata = false } = {}): Promise<number> {
    const text = 'select switchboard.close_runs($1::uuid[], $2) as closed';
    const [rows] = await this.database.executeAsService([{ text, parameters: [ids, withoutMetadata] }]);
    return (rows as Array<{ closed: number }>)[0]?.closed ?? 0;
  }
}
