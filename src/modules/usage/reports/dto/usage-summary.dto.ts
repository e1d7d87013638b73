import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { AGENT_TYPES, type AgentType } from '../../../admin-config/config-schemas.js';
import { UsageFiguresDto, UsagePeriodDto } from './usage-figures.dto.js';

export class AgentUsageDto extends UsageFiguresDto {
  @ApiProperty({ enum: AGENT_TYPES, example: 'chat' })
  agentType: AgentType;
}

export class ModelUsageDto extends UsageFiguresDto {
  @ApiProperty({ example: 'gemini-3.8-flash' })
  model: string;

  @ApiProperty({ example: 'google' })
  provider: string;
}

export class UserUsageDto extends UsageFiguresDto {
  @ApiProperty({ format: 'uuid', example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10' })
  userId: string;

  @ApiProperty({ type: String, nullable: true, example: 'ada@example.com' })
  email: string | null;
}

/** The period of the same length before it. */
export class PreviousUsageDto extends IntersectionType(UsagePeriodDto, UsageFiguresDto) {}

export class UsageSummaryDto extends IntersectionType(UsagePeriodDto, UsageFiguresDto) {
  @ApiProperty({ example: 'Europe/Berlin', description: 'The time zone of days.' })
  tz: string;

  @ApiProperty({ type: [AgentUsageDto], description: 'Sorted by cost, highest first.' })
  byAgent: AgentUsageDto[];

  @ApiProperty({ type: [ModelUsageDto], description: 'Sorted by cost, highest first.' })
  byModel: ModelUsageDto[];

  @ApiProperty({ type: PreviousUsageDto })
  previous: PreviousUsageDto;
}

export class AdminUsageSummaryDto extends UsageSummaryDto {
  @ApiProperty({ type: [UserUsageDto], description: 'The users with the highest cost, at most `top`.' })
  byUser: UserUsageDto[];
}
