import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../../common/database/database.js';
import { InstanceLock } from '../../../common/database/instance-lock.js';
import { Notifications } from '../../../common/database/notifications.js';
import { unavailable } from '../../../common/errors/app-error.js';
import { within } from '../../../common/periodic/within.js';

/** The channel that says which instance has to look at its answers. The payload is its number. */
export const STOP_CHANNEL = 'switchboard_stop';

/** A listening connection that does not answer for this many milliseconds is left alone. */
const PATIENCE = 2_000;

const BEAT = `
  select gone, stopping, has_dead as "hasDead" from switchboard.beat($1, $2, $3::uuid[])`;

/**
 * The commit of this waits until everything before it is on the disk. It changes the row of the instance, because only a
 * transaction that writes waits.
 */
const FLUSH = `
  with flushed as (
    update switchboard.instances set flushed_at = clock_timestamp() where id = $1 returning id
  )
  select (select count(*) from flushed) > 0 as "isFlushed",
         array(select wanted.id from unnest($2::uuid[]) as wanted (id)
                where not exists (select from "Stream" stream where stream.id = wanted.id)) as gone`;

/** The answers of an instance that need its attention. */
export interface BeatResult {
  /** Streams whose mark is no longer there, or no longer its own. */
  gone: string[];
  /** Streams that must be stopped. */
  stopping: string[];
  /** Whether a dead instance has left something. */
  hasDead: boolean;
}

interface FlushResult {
  isFlushed: boolean;
  gone: string[];
}

/** The statements that keep the row of this instance. They run as the service. */
@Injectable()
export class InstanceRepository {
  /** When the statements on the listening connection were sent that it has not answered, the oldest first. */
  private readonly unanswered = new Set<{ since: number }>();

  constructor(
    private readonly database: Database,
    private readonly notifications: Notifications,
    private readonly instance: InstanceLock,
  ) {}

  /** Reports that this instance is alive. @param streams that it asks about */
  async beat(streams: string[]): Promise<BeatResult> {
    const { instanceId, isHeld } = this.instance;
    return this.run<BeatResult>('beat', { text: BEAT, parameters: [instanceId, isHeld, streams] });
  }

  /**
   * Waits until everything that was committed before is on the disk.
   *
   * @returns those of the streams that are not stored
   */
  async flush(streams: string[]): Promise<string[]> {
    const flush = { text: FLUSH, parameters: [this.instance.instanceId, streams] };
    const first = await this.run<FlushResult>('flush', flush);
    if (first.isFlushed) return first.gone;
    await this.beat([]);
    const { isFlushed, gone } = await this.run<FlushResult>('flush', flush);
    if (!isFlushed) throw unavailable('The database cannot store anything at the moment.', 2);
    return gone;
  }

  /** Removes the row of this instance. What it leaves belongs to nobody from now on. */
  async leave(): Promise<void> {
    const text = 'delete from switchboard.instances where id = $1';
    await this.pooled({ text, parameters: [this.instance.instanceId] });
  }

  private async run<T>(name: string, statement: Statement): Promise<T> {
    const rows = (await this.listening<T>(name, statement)) ?? (await this.pooled<T>(statement));
    const [result] = rows;
    if (!result) throw new Error('The statement has returned nothing.');
    return result;
  }

  /** Undefined if the listening connection is away or stuck. Requests may have taken all connections of the pool. */
  private async listening<T>(name: string, { text, parameters }: Statement): Promise<T[] | undefined> {
    const [oldest] = this.unanswered;
    if (oldest && performance.now() - oldest.since > PATIENCE) return undefined;
    const rows = this.notifications.query<T>(name, text, parameters);
    if (!rows) return undefined;
    const sent = { since: performance.now() };
    this.unanswered.add(sent);
    const answered = rows.catch(() => undefined).finally(() => this.unanswered.delete(sent));
    return within(PATIENCE, answered, () => undefined);
  }

  private async pooled<T>({ text, parameters }: Statement): Promise<T[]> {
    return this.database.asService((manager) => manager.query<T[]>(text, parameters));
  }
}
