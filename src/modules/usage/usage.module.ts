import { Module } from '@nestjs/common';
import { Tracing } from '../../common/observability/tracing.js';
import { UsageFolder } from './rollup/usage-folder.js';
import { UsageRollupRepository } from './rollup/usage-rollup.repository.js';
import { UsageRepository } from './usage.repository.js';
import { UsageService } from './usage.service.js';

@Module({
  providers: [Tracing, UsageFolder, UsageRepository, UsageRollupRepository, UsageService],
  exports: [UsageService],
})
export class UsageModule {}
