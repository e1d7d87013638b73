import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString } from 'class-validator';
import { IfSent, IsTitle, MAX_TITLE_LENGTH } from '../../chat/dto/title.decorator.js';
import { DOCUMENT_KINDS, type DocumentKind } from './document.dto.js';
import { IsVersion, VERSION_EXAMPLE } from './version.decorator.js';

const CONTENT = {
  example: '# March\n\nTomatoes, on the window sill.\n',
  description: 'For a sheet, valid CSV (RFC 4180). For an image, base64 or a data URL.',
};

export class CreateDocumentDto {
  @ApiPropertyOptional({
    minLength: 1,
    maxLength: 128,
    example: 'n4fT2bXq0aLk9sQe',
    description: 'A UUID, or an id of your choice. If omitted, the server creates one.',
  })
  @IfSent()
  @IsString()
  id?: string;

  @ApiProperty({ minLength: 1, maxLength: MAX_TITLE_LENGTH, example: 'Sowing calendar' })
  @IsTitle()
  title: string;

  @ApiProperty({ enum: DOCUMENT_KINDS, example: 'text' })
  @IsIn(DOCUMENT_KINDS)
  kind: DocumentKind;

  @ApiProperty(CONTENT)
  @IsString()
  content: string;
}

export class PutDocumentDto {
  @ApiPropertyOptional({
    minLength: 1,
    maxLength: MAX_TITLE_LENGTH,
    example: 'Sowing calendar',
    description: 'If omitted, it does not change.',
  })
  @IfSent()
  @IsTitle()
  title?: string;

  @ApiProperty(CONTENT)
  @IsString()
  content: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: VERSION_EXAMPLE,
    description:
      'The `createdAt` of the version that was edited. The write fails if it is no longer the latest version.',
  })
  @IfSent()
  @IsVersion()
  baseVersion?: string;
}

export class RestoreVersionDto {
  @ApiProperty({
    format: 'date-time',
    example: VERSION_EXAMPLE,
    description: 'The `createdAt` of the version to restore.',
  })
  @IsVersion()
  version: string;
}
