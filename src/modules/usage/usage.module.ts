import { Module } from '@nestjs/common';
import { AdminUsageController } from './reports/admin-usage.controller.js';
import { UsageArchiveRepository } from './reports/usage-archive.repository.js';
import { UsageExportService } from './reports/usage-export.service.js';
import { UsageLogsRepository } from './reports/usage-logs.repository.js';
import { UsageLogsService } from './reports/usage-logs.service.js';
import { UsageReportsService } from './reports/usage-reports.service.js';
import { UsageSumsRepository } from './reports/usage-sums.repository.js';
import { UsageController } from './reports/usage.controller.js';
import { UsageFolder } from './rollup/usage-folder.js';
import { UsageRollupRepository } from './rollup/usage-rollup.repository.js';
import { UsageRepository } from './usage.repository.js';
import { UsageService } from './usage.service.js';

@Module({
  controllers: [UsageController, AdminUsageController],
  providers: [
    UsageArchiveRepository,
    UsageExportService,
    UsageFolder,
    UsageLogsRepository,
    UsageLogsService,
    UsageReportsService,
    UsageRepository,
    UsageRollupRepository,
    UsageService,
    UsageSumsRepository,
  ],
  exports: [UsageExportService, UsageService],
})
export class UsageModule {}
