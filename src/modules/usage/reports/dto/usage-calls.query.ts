import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { AGENT_TYPES, type AgentType } from '../../../admin-config/config-schemas.js';
import { UsagePeriodQuery } from './usage-period.query.js';

/** How calls end. `running` selects calls that have not ended. */
export const USAGE_STATUSES = ['success', 'error', 'aborted', 'interrupted', 'running'] as const;
export type UsageStatus = (typeof USAGE_STATUSES)[number];

/** Filters calls by time and kind. */
export class UsageCallsQuery extends UsagePeriodQuery {
  @ApiPropertyOptional({ enum: AGENT_TYPES, description: 'Only calls of this agent.' })
  @IsOptional()
  @IsIn(AGENT_TYPES)
  agentType?: AgentType;

  @ApiPropertyOptional({
    example: 'gemini-3.8-flash',
    description: 'A model by its id, or with its provider, as in `google/gemini-3.8-flash`.',
  })
  @IsOptional()
  @IsString()
  @Length(1, 265)
  model?: string;

  @ApiPropertyOptional({ example: 'google', description: 'Only calls of this provider.' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  provider?: string;

  @ApiPropertyOptional({
    enum: USAGE_STATUSES,
    description: 'The outcome of the calls. `running` selects calls that have not ended.',
  })
  @IsOptional()
  @IsIn(USAGE_STATUSES)
  status?: UsageStatus;
}
