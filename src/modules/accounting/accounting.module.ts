import { Module } from '@nestjs/common';
import { RateLimitModule } from '../rate-limit/rate-limit.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { Accounting } from './accounting.service.js';
import { RunsRepository } from './runs.repository.js';

/** The life of everything that calls a model. */
@Module({
  imports: [RateLimitModule, UsageModule],
  providers: [Accounting, RunsRepository],
  exports: [Accounting],
})
export class AccountingModule {}
