import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsTimeZone, IsUserFilter } from './usage-period.query.js';

export class UsageProjectionQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 365,
    default: 30,
    description: 'The number of days to project, including today.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(365)
  days: number = 30;

  @IsTimeZone()
  tz: string = 'UTC';
}

export class AdminUsageProjectionQuery extends UsageProjectionQuery {
  @IsUserFilter()
  userId?: string;
}
