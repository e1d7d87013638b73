import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { UsageCallsQuery } from './usage-calls.query.js';
import { IsUserFilter } from './usage-period.query.js';

export class AdminUsageSummaryQuery extends UsageCallsQuery {
  @IsUserFilter()
  userId?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: 10,
    description: 'The maximum number of users in `byUser`.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  top: number = 10;
}
