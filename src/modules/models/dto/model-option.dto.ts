import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class ModelPricingDto {
  @ApiProperty({ example: 0.3, description: 'USD per million input tokens.' })
  input: number;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 0.03,
    description: 'USD per million tokens read from the cache.',
  })
  cachedInput: number | null;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: null,
    description: 'USD per million tokens written to the cache.',
  })
  cacheWrite: number | null;

  @ApiProperty({ example: 2.5, description: 'USD per million output tokens, including reasoning.' })
  output: number;
}

export class ModelOptionDto {
  @ApiProperty({ example: 'google/gemini-2.5-flash', description: 'Used as `model` of POST /api/chat.' })
  id: string;

  @ApiProperty({ example: 'Gemini 2.5 Flash' })
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
      'What the model can do. `reasoning` tells whether POST /api/chat accepts `thinking: true` for it.',
  })
  capabilities: Record<string, boolean>;

  @ApiProperty({ type: ModelPricingDto })
  pricing: ModelPricingDto;

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
