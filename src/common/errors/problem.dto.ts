import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ERROR_CODES, type ErrorCode } from './app-error.js';

export class FieldErrorDto {
  @ApiProperty({ example: 'message.parts.0.url', description: 'The dotted path of the invalid field.' })
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

  @ApiProperty({
    example: 'The chat was not found.',
    description: 'A human-readable description of the error.',
  })
  detail: string;

  @ApiProperty({
    enum: ERROR_CODES,
    example: 'not_found',
    description: 'A stable, machine-readable error code.',
  })
  code: ErrorCode;

  @ApiProperty({
    example: '7f9a2a1e-7d8f-4f52-9d0c-1d4bb1d0b8f3',
    description: 'Also sent in the header x-request-id.',
  })
  requestId: string;

  @ApiPropertyOptional({
    type: [FieldErrorDto],
    description: 'The invalid fields, if there are any.',
  })
  errors?: FieldErrorDto[];
}
