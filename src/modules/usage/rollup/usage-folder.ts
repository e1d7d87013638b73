import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { usageRollupPending } from '../../../common/observability/metrics.js';
import { UsageRollupRepository } from './usage-rollup.repository.js';

const FOLD_INTERVAL = 2_000;
/** Takes some hundredths of a second, or some tenths when the rows are spread over a year: writers of many rows wait for it. */
const BATCH = 5_000;

/**
 * Brings the usage rollups up to date every two seconds, on whichever instance is first. Who reads them adds what is
 * pending, so nothing depends on when this happens but the time that takes.
 */
@Injectable()
export class UsageFolder implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(UsageFolder.name);
  private timer?: NodeJS.Timeout;
  private folding: Promise<void> = Promise.resolve();
  private failing = false;
  private closed = false;

  constructor(private readonly repository: UsageRollupRepository) {}

  onApplicationBootstrap(): void {
    this.timer = setTimeout(() => {
      this.folding = this.fold().finally(() => void (this.closed || this.onApplicationBootstrap()));
    }, FOLD_INTERVAL).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.folding;
  }

  /** Folds until little is left. Never rejects: there is a next time. */
  async fold(batch = BATCH): Promise<void> {
    try {
      const pending = await this.repository.countPending();
      usageRollupPending.set(pending);
      let folded = pending === 0 ? 0 : batch;
      while (folded === batch && !this.closed) folded = await this.repository.fold(batch);
      this.failing = false;
    } catch (error) {
      // The database may be away for a while, and everybody says so.
      if (!this.failing && !this.closed) {
        this.logger.warn({ err: error }, 'Usage could not be added to the rollups; trying again.');
      }
      this.failing = true;
    }
  }
}
