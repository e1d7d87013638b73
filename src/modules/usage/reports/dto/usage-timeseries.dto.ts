import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { AGENT_TYPES, type AgentType } from '../../../admin-config/config-schemas.js';
import { type Interval, INTERVALS } from '../series.js';
import { UsageFiguresDto, UsagePeriodDto } from './usage-figures.dto.js';

/** The calls of one kind in a point. */
export class UsageGroupDto extends UsageFiguresDto {
  @ApiPropertyOptional({
    enum: AGENT_TYPES,
    example: 'chat',
    description: 'Present with `groupBy=agentType`.',
  })
  agentType?: AgentType;

  @ApiPropertyOptional({ example: 'gemini-3.8-flash', description: 'Present with `groupBy=model`.' })
  model?: string;

  @ApiPropertyOptional({
    example: 'google',
    description: 'Present with `groupBy=provider` and `groupBy=model`.',
  })
  provider?: string;

  @ApiPropertyOptional({ example: 'success', description: 'Present with `groupBy=status`.' })
  status?: string;
}

export class UsagePointDto extends UsageFiguresDto {
  @ApiProperty({ format: 'date-time', example: '2026-03-27T23:00:00.000Z' })
  start: string;

  @ApiProperty({ format: 'date-time', example: '2026-03-28T23:00:00.000Z' })
  end: string;

  @ApiPropertyOptional({
    type: [UsageGroupDto],
    description: 'Present with `groupBy`. Every point has every group of the period, in the same order.',
  })
  groups?: UsageGroupDto[];
}

export class UsageTimeseriesDto extends UsagePeriodDto {
  @ApiProperty({ example: 'Europe/Berlin' })
  tz: string;

  @ApiProperty({ enum: INTERVALS, example: 'day' })
  interval: Interval;

  @ApiProperty({
    type: [UsagePointDto],
    description: 'Points without gaps. The period cuts the first and the last one.',
  })
  points: UsagePointDto[];
}
