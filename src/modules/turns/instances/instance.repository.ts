import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../../common/database/database.js';
import { InstanceLock } from '../../../common/database/instance-lock.js';
import { Notifications } from '../../../common/database/notifications.js';

/** The channel that says which instance has to look at its answers. The payload is its number. */
export const STOP_CHANNEL = 'switchboard_stop';

/** A listening connection that does not answer for this many milliseconds is left alone. */
const PATIENCE = 2_000;

const BEAT = `
  select gone, stopping, has_dead as "hasDead" from switchboard.beat($1, $2, $3::uuid[], $4)`;

/** The answers of an instance that need its attention. */
export interface BeatResult {
  /** Streams whose mark is no longer there, or no longer its own. */
  gone: string[];
  /** Streams that must be stopped. */
  stopping: string[];
  /** Whether a dead instance has left something. */
  hasDead: boolean;
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

  /**
   * Reports that this instance is alive.
   *
   * @param streams that it asks about
   * @param isDurable whether to wait until everything that was committed before is on the disk
   */
  async beat(streams: string[], isDurable: boolean): Promise<BeatResult> {
    const { instanceId, isHeld } = this.instance;
    const beat = { text: BEAT, parameters: [instanceId, isHeld, streams, isDurable] };
    const rows = (await this.listening<BeatResult>(beat)) ?? (await this.pooled(beat));
    const [result] = rows;
    if (!result) throw new Error('The instance could not report that it is alive.');
    return result;
  }

  /** Removes the row of this instance. What it leaves belongs to nobody from now on. */
  async leave(): Promise<void> {
    const text = 'delete from switchboard.instances where id = $1';
    await this.pooled({ text, parameters: [this.instance.instanceId] });
  }

  /** Undefined if the listening connection is away or stuck. Requests may have taken all connections of the pool. */
  private async listening<T>({ text, parameters }: Statement): Promise<T[] | undefined> {
    const [oldest] = this.unanswered;
    if (oldest && performance.now() - oldest.since > PATIENCE) return undefined;
    const rows = this.notifications.query<T>(text, parameters);
    if (!rows) return undefined;
    const sent = { since: performance.now() };
    this.unanswered.add(sent);
    const answered = rows.catch(() => undefined).finally(() => this.unanswered.delete(sent));
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, PATIENCE, undefined)));
    return Promise.race([answered, deadline]).finally(() => clearTimeout(timer));
  }

  private async pooled(statement: Statement): Promise<BeatResult[]> {
    const { text, parameters } = statement;
    return this.database.asService((manager) => manager.query<BeatResult[]>(text, parameters));
  }
}
