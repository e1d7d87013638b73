import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Notifications } from '../../common/database/notifications.js';
import { PeriodicTask } from '../../common/periodic/periodic-task.js';
import { FileSettingsService } from './file-settings.service.js';
import { FilesService } from './files.service.js';
import { FilesRepository } from './files.repository.js';
import { StorageClient } from './storage-client.js';

/** If a notification is missed or an update fails, the limits are corrected within this time. */
const INTERVAL = 60_000;

/** Sets the limits of the bucket to those of the configuration. Only storage knows the real size and type of an upload. */
@Injectable()
export class BucketLimits implements OnApplicationBootstrap, OnApplicationShutdown {
  /** The limits that were set last. */
  private applied?: string;
  private readonly task = new PeriodicTask({
    name: 'file-bucket',
    interval: INTERVAL,
    failure: 'The limits of the bucket for files could not be set. Trying again.',
    work: () => this.apply(),
  });

  constructor(
    private readonly notifications: Notifications,
    private readonly files: FilesService,
    private readonly settings: FileSettingsService,
    private readonly repository: FilesRepository,
    private readonly storage: StorageClient,
  ) {}

  onApplicationBootstrap(): void {
    if (this.storage.url === undefined) return;
    this.notifications.on('switchboard_config', () => void this.task.run());
    void this.task.run();
    this.task.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  private async apply(): Promise<void> {
    if (!(await this.files.isAvailable())) return;
    const { maxSize, types } = await this.settings.current();
    const wanted = JSON.stringify({ maxSize, types });
    if (wanted === this.applied) return;
    await this.repository.limitBucket(maxSize, types);
    this.applied = wanted;
  }
}
