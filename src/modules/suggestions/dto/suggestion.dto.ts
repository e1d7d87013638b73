import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';

export class SuggestionDto {
  @ApiProperty({ format: 'uuid', example: '0197c3b2-5d1e-7a44-8f0b-6c2d9e1a7b35' })
  id: string;

  @ApiProperty({ format: 'uuid', example: '3e8d1c5a-6f0b-4c2e-9d47-1a5b8c7e2f90' })
  documentId: string;

  @ApiProperty({
    format: 'date-time',
    example: '2026-11-23T08:15:30.123Z',
    description: 'The version of the document that the suggestion was made for.',
  })
  documentCreatedAt: string;

  @ApiProperty({
    format: 'uuid',
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description: 'The id of the owner.',
  })
  userId: string;

  @ApiProperty({ example: 'Tomatoes, on the window sill.' })
  originalText: string;

  @ApiProperty({ example: 'Tomatoes, indoors and in the light.' })
  suggestedText: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'Says what matters: the light.',
    description: 'The reason, or null.',
  })
  description: string | null;

  @ApiProperty({ example: false, description: 'Whether the suggestion was applied or dismissed.' })
  isResolved: boolean;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T08:16:02.004Z' })
  createdAt: string;
}

export class SuggestionPageDto {
  @ApiProperty({ type: [SuggestionDto] })
  items: SuggestionDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}

export class UpdateSuggestionDto {
  @ApiProperty({ example: true, description: 'False reopens the suggestion.' })
  @IsBoolean()
  isResolved: boolean;
}
