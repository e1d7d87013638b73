import { Inject, Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import type { Keyset } from '../../common/http/paging.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { AdminConfigService } from '../admin-config/admin-config.service.js';
import { type AgentType, ANSWERING_AGENTS } from '../admin-config/config-schemas.js';
import type { Provider } from '../models/vendors/vendors.js';
import type { CountedWindow, RequestLimits } from './admission.types.js';
import { defaultLimitsOf } from './agent-limits.js';
import type { RateLimitDto } from './dto/rate-limit.dto.js';
import { RateLimitsRepository } from './rate-limits.repository.js';

const PAGE_SIZE = 500;

@Injectable()
export class RateLimitsService {
  constructor(
    private readonly adminConfig: AdminConfigService,
    private readonly repository: RateLimitsRepository,
    @Inject(APP_CONFIG) private readonly appConfig: AppConfig<Provider>,
  ) {}

  /** The hour and the day of each agent that is on, with the limits of its default model as they are configured now. */
  async list(identity: Identity): Promise<RateLimitDto[]> {
    const config = await this.adminConfig.current();
    const limits = new Map<AgentType, RequestLimits>();
    for (const agent of ANSWERING_AGENTS) {
      const inForce = defaultLimitsOf(agent, config, this.appConfig);
      if (inForce) limits.set(agent, inForce.limits);
    }
    const windows = await this.repository.findCurrent(identity, [...limits.keys()]);
    return windows.map(({ agentType, limitType, used, resetsAt }) => {
      const limit = limits.get(agentType)?.[limitType] ?? 0;
      const remaining = Math.max(0, limit - used);
      return { agentType, limitType, limit, used, remaining, resetsAt: resetsAt.toISOString() };
    });
  }

  /** The user's hours and days as they are stored, oldest first, as many after a place as are read at a time. */
  listCounted(identity: Identity, after?: Keyset): Promise<CountedWindow[]> {
    return this.repository.findCounted(identity, { after, limit: PAGE_SIZE });
  }
}
