import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { AGENT_TYPES, type AgentType } from '../../../admin-config/config-schemas.js';
import { UsagePeriodQuery } from './usage-period.query.js';

/** How calls end; `running` are those that have not. */
export const USAGE_STATUSES = ['success', 'error', 'aborted', 'interrupted', 'running'] as const;
export type UsageStatus = (typeof USAGE_STATUSES)[number];

/** Of which time, and of which kind, the calls are that are meant. */
export class UsageCallsQuery extends UsagePeriodQuery {
  @ApiPropertyOptional({ enum: AGENT_TYPES, description: 'Only calls of this agent.' })
  @IsOptional()
  @IsIn(AGENT_TYPES)
  agentType?: AgentType;

  @ApiPropertyOptional({
    example: 'gemini-3.8-flash',
    description: 'A model by its own name, or with its provider, as in `google/gemini-3.8-flash`.',
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
    description: 'How the calls ended; `running` are those that have not.',
  })
  @IsOptional()
  @IsIn(USAGE_STATUSES)
  status?: UsageStatus;
}
