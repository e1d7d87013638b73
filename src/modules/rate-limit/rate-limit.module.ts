import { Module } from '@nestjs/common';
import { AdminConfigModule } from '../admin-config/admin-config.module.js';
import { AdmissionRepository } from './admission.repository.js';
import { AdmissionService } from './admission.service.js';
import { RateLimitsController } from './rate-limits.controller.js';
import { RateLimitsRepository } from './rate-limits.repository.js';
import { RateLimitsService } from './rate-limits.service.js';
import { ReservationLeases } from './reservation-leases.js';
import { WindowSweeper } from './window-sweeper.js';

@Module({
  imports: [AdminConfigModule],
  controllers: [RateLimitsController],
  providers: [
    AdmissionRepository,
    AdmissionService,
    RateLimitsRepository,
    RateLimitsService,
    ReservationLeases,
    WindowSweeper,
  ],
  exports: [AdmissionService, RateLimitsService],
})
export class RateLimitModule {}
