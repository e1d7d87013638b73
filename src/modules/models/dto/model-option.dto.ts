import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** Kinds of tokens for which only some vendors have a separate price. */
class SpecialRatesDto {
  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: 4,
    description: 'For tokens that are cached for an hour.',
  })
  cacheWriteHour?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: 8,
    description: 'For input pictures.',
  })
  imageInput?: number | null;

  @ApiPropertyOptional({ type: Number, nullable: true, example: 1, description: 'For input sound.' })
  audioInput?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: 0.1,
    description: 'For sound that is read from the cache.',
  })
  cachedAudioInput?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: 30,
    description: 'For pictures that the model draws.',
  })
  imageOutput?: number | null;
}

export class PriceTierDto extends SpecialRatesDto {
  @ApiProperty({
    type: 'integer',
    example: 272_000,
    description: 'These prices apply to a whole call if it has more input tokens than this.',
  })
  aboveInputTokens: number;

  @ApiPropertyOptional({ example: 4 })
  input?: number;

  @ApiPropertyOptional({ type: Number, nullable: true, example: 0.2 })
  cachedInput?: number | null;

  @ApiPropertyOptional({ type: Number, nullable: true, example: 5 })
  cacheWrite?: number | null;

  @ApiPropertyOptional({ example: 15 })
  output?: number;
}

export class FeesDto {
  @ApiPropertyOptional({ example: 0.01, description: 'USD for one search.' })
  webSearch?: number;
}

class RatesDto extends SpecialRatesDto {
  @ApiProperty({ example: 0.75, description: 'USD per million input tokens.' })
  input: number;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: 0.075,
    description: 'USD per million tokens read from the cache.',
  })
  cachedInput?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: null,
    description: 'USD per million tokens written to the cache.',
  })
  cacheWrite?: number | null;

  @ApiProperty({ example: 3.75, description: 'USD per million output tokens, including reasoning.' })
  output: number;

  @ApiPropertyOptional({ type: [PriceTierDto], description: 'Prices of long prompts.' })
  tiers?: PriceTierDto[];

  @ApiPropertyOptional({ type: FeesDto, description: 'Fees in addition to the price of tokens.' })
  fees?: FeesDto;
}

export class ScheduledPricingDto extends RatesDto {
  @ApiProperty({ example: '2027-01-01', description: 'The day (UTC) from which these prices apply.' })
  from: string;
}

export class ModelPricingDto extends RatesDto {
  @ApiPropertyOptional({
    type: [ScheduledPricingDto],
    description: 'Price changes that the vendor has announced.',
  })
  scheduled?: ScheduledPricingDto[];
}

export class ModelOptionDto {
  @ApiProperty({ example: 'google/gemini-3.8-flash', description: 'Used as `model` of POST /api/chat.' })
  id: string;

  @ApiProperty({ example: 'Gemini 3.8 Flash' })
  name: string;

  @ApiProperty({ example: 'google' })
  provider: string;

  @ApiProperty({ description: 'Whether this model answers if you do not name one.' })
  isDefault: boolean;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'boolean' },
    example: { reasoning: true, fileInput: true },
    description:
      'What the model can do. `reasoning` says whether POST /api/chat accepts `thinking: true` for it.',
  })
  capabilities: Record<string, boolean>;

  @ApiProperty({
    type: ModelPricingDto,
    nullable: true,
    example: {
      input: 0.75,
      cachedInput: 0.075,
      cacheWrite: null,
      output: 3.75,
      fees: { webSearch: 0.014 },
      scheduled: [
        { from: '2027-01-01', input: 1.5, cachedInput: 0.15, output: 7.5, fees: { webSearch: 0.014 } },
      ],
    },
    description: 'Null if the price is unknown. The cost of calls is then not counted.',
  })
  pricing: ModelPricingDto | null;

  @ApiPropertyOptional({
    example: '2026-12-01',
    description: 'The day on which the vendor switches or has switched the model off.',
  })
  retiresAt?: string;

  @ApiPropertyOptional({
    example: 'gemini-3.8-flash',
    description: 'The replacement that the vendor recommends.',
  })
  replacement?: string;

  @ApiProperty({ description: "Whether there is a key for the model: yours or the server's." })
  available: boolean;

  @ApiPropertyOptional({
    example: 'No Google key is configured. Send your own key in the header x-google-api-key.',
  })
  reason?: string;
}

export class ModelListDto {
  @ApiProperty({ type: [ModelOptionDto] })
  items: ModelOptionDto[];
}
