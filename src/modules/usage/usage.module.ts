import { Module } from '@nestjs/common';
import { Tracing } from '../../common/observability/tracing.js';
import { UsageRepository } from './usage.repository.js';
import { UsageService } from './usage.service.js';

@Module({ providers: [Tracing, UsageRepository, UsageService], exports: [UsageService] })
export class UsageModule {}
