import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../../common/periodic/periodic-task.js';
import { AdmissionRepository } from './admission.repository.js';

const SWEEP_INTERVAL = 10 * 60_000;
/** Small batches keep each statement short. What is left after this many batches is deleted in the next run. */
const BATCH = 1_000;
const MAX_BATCHES = 50;

/** Deletes windows and reservations that ended long ago, on one instance at a time, in short statements. */
@Injectable()
export class WindowSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly task = new PeriodicTask({
    name: 'rate-limit-windows',
    interval: SWEEP_INTERVAL,
    failure: 'Old rate limit windows could not be deleted. Trying again.',
    work: (signal) => this.sweep(BATCH, signal),
  });

  constructor(private readonly repository: AdmissionRepository) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  async sweep(batch = BATCH, signal?: AbortSignal): Promise<void> {
    for (let count = 0; count < MAX_BATCHES && !signal?.aborted; count++) {
      const { windows, reservations } = await this.repository.sweep(batch);
      if (windows < batch && reservations < batch) return;
    }
  }
}
