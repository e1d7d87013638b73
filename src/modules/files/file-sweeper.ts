import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../../common/periodic/periodic-task.js';
import { FilesRepository } from './files.repository.js';
import { FilesService } from './files.service.js';
import { StorageClient } from './storage-client.js';

const REMOVAL_INTERVAL = 15_000;
const ORPHAN_INTERVAL = 3_600_000;
const BATCH = 500;
/** The next run continues after this many batches. */
const MAX_BATCHES = 20;

/** Removes files from storage that no message names. */
@Injectable()
export class FileSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly removals = new PeriodicTask({
    name: 'file-removals',
    interval: REMOVAL_INTERVAL,
    failure: 'Unused files could not be removed. Trying again.',
    work: (signal) => this.remove(signal),
  });
  private readonly orphans = new PeriodicTask({
    name: 'file-orphans',
    interval: ORPHAN_INTERVAL,
    failure: 'Orphaned files could not be searched for. Trying again.',
    work: () => this.findOrphans(),
  });

  constructor(
    private readonly files: FilesService,
    private readonly repository: FilesRepository,
    private readonly storage: StorageClient,
  ) {}

  onApplicationBootstrap(): void {
    if (this.storage.url === undefined) return;
    this.removals.start();
    this.orphans.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.removals.stop(), this.orphans.stop()]);
  }

  /** Removes due files. Each file is taken by one instance, and is due again later if that instance does not finish. */
  async remove(signal?: AbortSignal): Promise<void> {
    if (!(await this.files.isAvailable())) return;
    for (let count = 0; count < MAX_BATCHES && !signal?.aborted; count++) {
      const paths = await this.repository.takeRemovals(BATCH);
      if (paths.length === 0) return;
      await this.storage.remove(paths);
      await this.repository.endRemovals(paths);
    }
  }

  /** Schedules the removal of orphaned files. Runs on one instance at a time. */
  async findOrphans(): Promise<void> {
    if (await this.files.isAvailable()) await this.repository.queueOrphans(BATCH * MAX_BATCHES);
  }
}
