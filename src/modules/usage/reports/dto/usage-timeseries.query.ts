import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { type Interval, INTERVALS } from '../series.js';
import { UsageCallsQuery } from './usage-calls.query.js';
import { IsUserFilter } from './usage-period.query.js';

/** The fields that the calls of a point can be grouped by. */
export const GROUPINGS = ['agentType', 'model', 'provider', 'status'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export class UsageTimeseriesQuery extends UsageCallsQuery {
  @ApiPropertyOptional({
    enum: INTERVALS,
    description:
      'The length of a point, in the clock and calendar of `tz`. The default depends on the length of the period.',
  })
  @IsOptional()
  @IsIn(INTERVALS)
  interval?: Interval;

  @ApiPropertyOptional({ enum: GROUPINGS, description: 'Splits the calls of each point into `groups`.' })
  @IsOptional()
  @IsIn(GROUPINGS)
  groupBy?: Grouping;
}

export class AdminUsageTimeseriesQuery extends UsageTimeseriesQuery {
  @IsUserFilter()
  userId?: string;
}
