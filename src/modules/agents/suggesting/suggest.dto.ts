import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength, MinLength } from 'class-validator';

const MAX_INSTRUCTION = 2_000;

export class SuggestDto {
  @ApiPropertyOptional({
    minLength: 1,
    maxLength: MAX_INSTRUCTION,
    example: 'Make it shorter.',
    description: 'The goal of the suggestions.',
  })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_INSTRUCTION)
  instruction?: string;
}
