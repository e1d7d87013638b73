import { Injectable } from '@nestjs/common';
import { Notifications } from '../../../common/database/notifications.js';
import { InstanceLock } from '../../../common/database/instance-lock.js';
import { retryWhileUnavailable } from '../../../common/database/retry.js';
import { unavailable } from '../../../common/errors/app-error.js';
import { PeriodicTask } from '../../../common/periodic/periodic-task.js';
import type { Turn } from '../turn.js';
import { StreamHub } from '../stream-hub/stream-hub.js';
import { InstanceRepository, STOP_CHANNEL } from './instance.repository.js';

/** Other instances' commands arrive within this time even without notifications. */
const BEAT_INTERVAL = 800;

/**
 * The life of this instance as others see it. It reports every second that it is alive, and learns in the same round trip
 * which of its answers must end: a user has stopped one at another instance, a chat or user was deleted, or this
 * instance was silent for so long that another one has closed its answers.
 */
@Injectable()
export class InstanceLife {
  private onDead: () => Promise<void> = () => Promise.resolve();
  private readonly beats = new PeriodicTask({
    name: 'instance-beats',
    interval: BEAT_INTERVAL,
    failure: 'This instance could not report that it is alive. Trying again.',
    work: () => this.beat(),
  });
  /** The streams that the next flush asks about. */
  private unflushed: string[] = [];
  /** Never rejects. */
  private flushing?: Promise<unknown>;
  private nextFlush?: Promise<Set<string>>;

  constructor(
    private readonly repository: InstanceRepository,
    private readonly hub: StreamHub,
    private readonly notifications: Notifications,
    private readonly instance: InstanceLock,
  ) {}

  /** @param onDead called after a beat that has found a dead instance */
  async start(onDead: () => Promise<void>): Promise<void> {
    this.onDead = onDead;
    await this.beats.run();
    this.beats.start();
    const own = String(this.instance.instanceId);
    this.notifications.on(STOP_CHANNEL, (instance) => {
      // A beat that is under way may have looked too early.
      if (instance === own) void this.beats.run().then(() => this.beats.run());
    });
  }

  async stop(): Promise<void> {
    await this.beats.stop();
    await this.repository.leave().catch(() => undefined);
  }

  /**
   * Resolves when the opening of a turn, which was committed, is on the disk. All openings that are committed at a time
   * wait for the same flush.
   *
   * @throws AppError 503 if PostgreSQL has crashed and lost it
   */
  async untilDurable(streamId: string): Promise<void> {
    const lost = await retryWhileUnavailable(() => this.flush(streamId));
    if (lost.has(streamId))
      throw unavailable('The database was restarted, and the message was lost. Send it again.', 2);
  }

  private flush(streamId: string): Promise<Set<string>> {
    this.unflushed.push(streamId);
    return (this.nextFlush ??= this.flushNext());
  }

  /** A flush that is under way may have begun before the commit, so the next one counts. */
  private async flushNext(): Promise<Set<string>> {
    await this.flushing;
    this.nextFlush = undefined;
    const streams = this.unflushed;
    this.unflushed = [];
    const lost = this.repository.flush(streams);
    this.flushing = lost.catch(() => undefined);
    return new Set(await lost);
  }

  private async beat(): Promise<void> {
    const turns = new Map<string, Turn>(
      this.hub
        .all()
        .filter(({ phase }) => phase === 'answering')
        .map((turn) => [turn.streamId, turn]),
    );
    const { gone, stopping, hasDead } = await this.repository.beat([...turns.keys()]);
    for (const id of stopping) turns.get(id)?.stop('stopped');
    for (const id of gone) {
      const turn = turns.get(id);
      // The mark of a turn that has ended meanwhile was removed by its own end.
      if (turn?.phase === 'answering') turn.stop('taken');
    }
    if (hasDead) void this.onDead();
  }
}
