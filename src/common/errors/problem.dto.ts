import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ERROR_CODES, type ErrorCode } from './app-error.js';

export class FieldErrorDto {
  @ApiProperty({ example: 'message.parts.0.url', description: 'Dotted path of the wrong field.' })
  path: string;

  @ApiProperty({ example: 'must be a data URL' })
  message: string;
}

/** An RFC 9457 problem document, as `application/problem+json`. */
export class ProblemDto {
  @ApiProperty({ example: 'about:blank' })
  type: string;

  @ApiProperty({ example: 'Not Found' })
  title: string;

  @ApiProperty({ example: 404 })
  status: number;

  @ApiProperty({ example: 'The chat was not found.', description: 'What went wrong, for a person.' })
  detail: string;

  @ApiProperty({
    enum: ERROR_CODES,
    example: 'not_found',
    description: 'What went wrong, for a program; stable.',
  })
  code: ErrorCode;

  @ApiProperty({
    example: '7f9a2a1e-7d8f-4f52-9d0c-1d4bb1d0b8f3',
    description: 'Also in the header x-request-id.',
  })
  requestId: string;

  @ApiPropertyOptional({
    type: [FieldErrorDto],
    description: 'The wrong fields, when fields are what is wrong.',
  })
  errors?: FieldErrorDto[];
}
