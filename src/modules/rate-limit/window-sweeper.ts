import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AdmissionRepository } from './admission.repository.js';

const SWEEP_INTERVAL = 10 * 60_000;
/** Small enough that no statement lasts; what is left after this many batches is for the next time. */
const BATCH = 1_000;
const MOST_BATCHES = 50;

/** Clears windows and reservations away that are long over: on one instance at a time, in short statements. */
@Injectable()
export class WindowSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WindowSweeper.name);
  private timer?: NodeJS.Timeout;
  private closed = false;

  constructor(private readonly repository: AdmissionRepository) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), SWEEP_INTERVAL).unref();
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearInterval(this.timer);
  }

  /** Never rejects: there is a next time. */
  async sweep(batch = BATCH): Promise<void> {
    try {
      for (let count = 0; count < MOST_BATCHES && !this.closed; count++) {
        const { windows, reservations } = await this.repository.sweep(batch);
        if (windows < batch && reservations < batch) return;
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'Old rate limit windows could not be cleared away; trying again.');
    }
  }
}
