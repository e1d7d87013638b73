import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { usageRollupPending } from '../../../common/observability/metrics.js';
import { PeriodicTask } from '../../../common/periodic/periodic-task.js';
import { UsageRollupRepository } from './usage-rollup.repository.js';

/** Each fold updates the same few rows per user, so folding less often costs less. A report reads what is pending in a few milliseconds. */
export const FOLDING = { interval: 10_000 };
/** A batch takes some hundredths of a second, or some tenths if the rows are spread over a year. Writers of many rows wait that long. */
const BATCH = 5_000;

/**
 * Updates the usage rollups every ten seconds, on whichever instance is first. Readers add pending changes, so the time
 * of the update only affects how long a report takes.
 */
@Injectable()
export class UsageFolder implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly task = new PeriodicTask({
    name: 'usage-rollups',
    interval: FOLDING.interval,
    failure: 'Usage could not be added to the rollups. Trying again.',
    work: (signal) => this.fold(BATCH, signal),
  });

  constructor(private readonly repository: UsageRollupRepository) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** Folds until little is left. */
  async fold(batch = BATCH, signal?: AbortSignal): Promise<void> {
    const pending = await this.repository.countPending();
    usageRollupPending.set(pending);
    let folded = pending === 0 ? 0 : batch;
    while (folded === batch && !signal?.aborted) folded = await this.repository.fold(batch);
  }
}
