import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Pricing } from '../../pricing-schema.js';

const PRICE = { type: 'object', additionalProperties: true } as const;

export class CatalogChangeDto {
  @ApiProperty({ example: 'google/gemini-2.5-pro' })
  model: string;

  @ApiProperty({
    enum: ['added', 'price', 'retirement'],
    description: 'A new model, a new price, or the day on which the vendor switches the model off.',
  })
  change: 'added' | 'price' | 'retirement';

  @ApiProperty({
    ...PRICE,
    nullable: true,
    example: { input: 1.25, cachedInput: 0.125, cacheWrite: null, output: 10 },
    description: 'The prices so far.',
  })
  before: Pricing | null;

  @ApiProperty({
    ...PRICE,
    example: {
      input: 1.25,
      cachedInput: 0.125,
      cacheWrite: null,
      output: 10,
      tiers: [{ aboveInputTokens: 200_000, input: 2.5, cachedInput: 0.25, output: 15 }],
    },
  })
  after: Pricing;

  @ApiPropertyOptional({ example: '2026-12-01' })
  retiresAt?: string;

  @ApiPropertyOptional({ example: 'gemini-3.8-flash', description: 'What the vendor recommends.' })
  replacement?: string;

  @ApiProperty({
    type: [String],
    example: ['chat_agent_google'],
    description: 'The configurations that use the model.',
  })
  usedBy: string[];
}

export class CatalogRefreshDto {
  @ApiProperty({ type: 'integer', example: 3, description: 'The version of `model_catalog`.' })
  version: number;

  @ApiProperty({ type: [CatalogChangeDto] })
  changes: CatalogChangeDto[];
}
