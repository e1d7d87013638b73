import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export const DOCUMENT_KINDS = ['text', 'code', 'image', 'sheet'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** A version of a document. Lists may omit its content. */
export class DocumentVersionDto {
  @ApiProperty({
    format: 'uuid',
    example: '3e8d1c5a-6f0b-4c2e-9d47-1a5b8c7e2f90',
    description: 'The id of the document. All its versions have the same id.',
  })
  id: string;

  @ApiProperty({
    format: 'uuid',
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description: 'The id of the owner.',
  })
  userId: string;

  @ApiProperty({ example: 'Sowing calendar' })
  title: string;

  @ApiProperty({ enum: DOCUMENT_KINDS, example: 'text' })
  kind: DocumentKind;

  @ApiPropertyOptional({
    example: '# March\n\nTomatoes, on the window sill.\n',
    description: 'A sheet is CSV. An image is base64 or a data URL. Only present if it was requested.',
  })
  content?: string;

  @ApiProperty({
    format: 'date-time',
    example: '2026-11-23T08:15:30.123Z',
    description: 'Identifies the version: it is unique within the document.',
  })
  createdAt: string;
}

export class DocumentDto extends DocumentVersionDto {
  @ApiProperty({
    required: true,
    example: '# March\n\nTomatoes, on the window sill.\n',
    description: 'A sheet is CSV. An image is base64 or a data URL.',
  })
  declare content: string;
}

export class DocumentPageDto {
  @ApiProperty({ type: [DocumentVersionDto] })
  items: DocumentVersionDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}

export class DeletedVersionsDto {
  @ApiProperty({ type: 'integer', example: 2, description: 'The number of deleted versions.' })
  deleted: number;
}
