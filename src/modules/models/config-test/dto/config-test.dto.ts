import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length, Matches } from 'class-validator';

const MAX_PROMPT = 20_000;

export class TestConfigDto {
  @ApiProperty({ minLength: 1, maxLength: MAX_PROMPT, example: 'What can you do for me?' })
  @Matches(/\S/, { message: 'must not be empty' })
  @Length(1, MAX_PROMPT)
  @IsString()
  prompt: string;
}

export class TestUsageDto {
  @ApiProperty({ type: 'integer', example: 42 })
  inputTokens: number;

  @ApiProperty({ type: 'integer', example: 120 })
  outputTokens: number;

  @ApiProperty({ type: 'integer', example: 162 })
  totalTokens: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'Part of the input.' })
  cachedInputTokens: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'Part of the output.' })
  reasoningTokens: number;
}

export class ConfigTestDto {
  @ApiProperty({
    example: 'I can answer questions and read your files.',
    description: 'The text of the answer.',
  })
  output: string;

  @ApiProperty({ type: 'integer', example: 1240, description: 'Milliseconds until the answer was complete.' })
  latencyMs: number;

  @ApiProperty({
    example: 0.000313,
    description: 'USD, with six decimals. Includes attempts that were retried.',
  })
  cost: number;

  @ApiProperty({ type: TestUsageDto })
  usage: TestUsageDto;

  @ApiProperty({ example: 'google/gemini-3.8-flash', description: 'The model that answered.' })
  model: string;
}
