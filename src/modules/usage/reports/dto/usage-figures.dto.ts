import { ApiProperty } from '@nestjs/swagger';

/** Sums over calls. A running call counts as one, with the figures known so far. */
export class UsageFiguresDto {
  @ApiProperty({ type: 'integer', example: 412 })
  calls: number;

  @ApiProperty({ type: 'integer', example: 3, description: 'The number of failed calls.' })
  errors: number;

  @ApiProperty({ type: 'integer', example: 1_204_330 })
  inputTokens: number;

  @ApiProperty({ type: 'integer', example: 286_410 })
  outputTokens: number;

  @ApiProperty({ type: 'integer', example: 1_490_740 })
  totalTokens: number;

  @ApiProperty({ example: 0.361299, description: 'USD' })
  inputCost: number;

  @ApiProperty({ example: 0.716025, description: 'USD' })
  outputCost: number;

  @ApiProperty({ example: 1.077324, description: 'USD' })
  totalCost: number;

  @ApiProperty({
    type: 'integer',
    example: 12,
    description: 'The part of `calls` that used the keys of users. Budgets do not count these calls.',
  })
  ownKeyCalls: number;

  @ApiProperty({
    example: 0.0421,
    description: 'USD. The part of `totalCost` that users pay to the provider themselves.',
  })
  ownKeyCost: number;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description:
      'Calls of models without a price in `model_catalog`. Their tokens are counted, but their cost is unknown and not in `totalCost`.',
  })
  unpricedCalls: number;
}

/** A period as it was interpreted. */
export class UsagePeriodDto {
  @ApiProperty({ format: 'date-time', example: '2026-02-28T23:00:00.000Z' })
  from: string;

  @ApiProperty({
    format: 'date-time',
    example: '2026-03-31T22:00:00.000Z',
    description: 'The end of the period (exclusive).',
  })
  to: string;
}
