import { Module } from '@nestjs/common';
import { Tracing } from '../../common/observability/tracing.js';
import { OwnUsageRepository } from './own-usage.repository.js';
import { OwnUsageService } from './own-usage.service.js';
import { UsageRepository } from './usage.repository.js';
import { UsageService } from './usage.service.js';

@Module({
  providers: [OwnUsageRepository, OwnUsageService, Tracing, UsageRepository, UsageService],
  exports: [OwnUsageService, UsageService],
})
export class UsageModule {}
