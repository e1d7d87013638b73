import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { RateLimitListDto } from './dto/rate-limit.dto.js';
import { RateLimitsService } from './rate-limits.service.js';

@ApiTags('Limits')
@ApiBearerAuth()
@ApiProblems()
@Controller('api/rate-limits')
export class RateLimitsController {
  constructor(private readonly rateLimits: RateLimitsService) {}

  @Get()
  @ApiOperation({
    summary: 'List your remaining requests per agent, for this hour and this day',
    description:
      'Returns one entry for each enabled agent and window, also for unused agents. Hours and days are in UTC. The whole list is one page.',
  })
  @ApiOkResponse({ type: RateLimitListDto })
  async list(@CurrentUser() user: Identity): Promise<RateLimitListDto> {
    return { items: await this.rateLimits.list(user), nextCursor: null };
  }
}
