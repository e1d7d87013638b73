import { Module } from '@nestjs/common';
import { AdminConfigModule } from '../admin-config/admin-config.module.js';
import { BucketLimits } from './bucket-limits.js';
import { FileSettingsService } from './file-settings.service.js';
import { FileSweeper } from './file-sweeper.js';
import { FilesController } from './files.controller.js';
import { FilesRepository } from './files.repository.js';
import { FilesService } from './files.service.js';
import { MessageFiles } from './message-files.js';
import { RecentFiles } from './recent-files.js';
import { StorageClient } from './storage-client.js';
import { StoredFileUrls } from './stored-file-urls.js';
import { StoredFiles } from './stored-files.js';

/** Users' files in Supabase Storage: uploads, files in messages, and clean-up. */
@Module({
  imports: [AdminConfigModule],
  controllers: [FilesController],
  providers: [
    BucketLimits,
    FileSettingsService,
    FileSweeper,
    FilesRepository,
    FilesService,
    MessageFiles,
    RecentFiles,
    StorageClient,
    StoredFileUrls,
    StoredFiles,
  ],
  exports: [FilesService, MessageFiles, StoredFileUrls, StoredFiles],
})
export class FilesModule {}
