import { ApiProperty } from '@nestjs/swagger';
import { UsagePeriodDto } from './usage-figures.dto.js';

/** The complete days that a projection is based on. */
export class ProjectionBasisDto extends UsagePeriodDto {
  @ApiProperty({ type: 'integer', example: 28 })
  days: number;

  @ApiProperty({ example: 41.204518, description: 'USD' })
  totalCost: number;
}

export class UsageProjectionDto extends UsagePeriodDto {
  @ApiProperty({ example: 'Europe/Berlin' })
  tz: string;

  @ApiProperty({ type: 'integer', example: 30 })
  days: number;

  @ApiProperty({
    example:
      'Least squares: a line through the daily costs of the last 28 complete days, continued, with no day below zero. low ' +
      'and high are the 95% prediction interval of the sum, assuming that days vary independently.',
    description: 'How the projection was computed.',
  })
  method: string;

  @ApiProperty({ type: ProjectionBasisDto })
  basis: ProjectionBasisDto;

  @ApiProperty({ example: 1.47159, description: 'USD' })
  averageDailyCost: number;

  @ApiProperty({ example: 0.020417, description: 'USD by which the cost grows from one day to the next.' })
  trendPerDay: number;

  @ApiProperty({ example: 53.94, description: 'USD from `from` to `to`.' })
  projectedCost: number;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 44.02,
    description: 'USD, or null if it cannot be estimated.',
  })
  low: number | null;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 63.86,
    description: 'USD, or null if it cannot be estimated.',
  })
  high: number | null;
}
