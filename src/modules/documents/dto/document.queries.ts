import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';
import { DOCUMENT_KINDS, type DocumentKind } from './document.dto.js';
import { IsFlag } from './flag.decorator.js';
import { IsVersion, VERSION_EXAMPLE } from './version.decorator.js';

export class ListDocumentsQuery extends PageQuery {
  @ApiPropertyOptional({
    enum: DOCUMENT_KINDS,
    example: 'code',
    description: 'Only documents of this kind.',
  })
  @IsOptional()
  @IsIn(DOCUMENT_KINDS)
  kind?: DocumentKind;

  @ApiPropertyOptional({
    type: Boolean,
    default: true,
    description: '`false` omits the content. Lists of many or large documents are then faster.',
  })
  @IsFlag()
  content: boolean = true;
}

export class ReadDocumentQuery {
  @ApiPropertyOptional({
    format: 'date-time',
    example: VERSION_EXAMPLE,
    description: 'The `createdAt` of the version to read. The default is the latest version.',
  })
  @IsOptional()
  @IsVersion()
  version?: string;
}

export class ListVersionsQuery extends PageQuery {
  @ApiPropertyOptional({ type: Boolean, default: false, description: '`true` includes the content.' })
  @IsFlag()
  content: boolean = false;
}

export class DiffQuery {
  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-11-23T08:15:30.123Z',
    description: 'The `createdAt` of the older version. The default is the version before `to`.',
  })
  @IsOptional()
  @IsVersion()
  from?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-11-23T08:20:00.456Z',
    description: 'The `createdAt` of the newer version. The default is the latest version.',
  })
  @IsOptional()
  @IsVersion()
  to?: string;
}

export class DeleteVersionsQuery {
  @ApiProperty({
    format: 'date-time',
    example: VERSION_EXAMPLE,
    description: 'All versions later than this time are deleted.',
  })
  @IsVersion()
  after: string;
}
