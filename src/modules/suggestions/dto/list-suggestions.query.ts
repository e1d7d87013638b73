import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';
import { IsFlag } from '../../documents/dto/flag.decorator.js';
import { IsVersion, VERSION_EXAMPLE } from '../../documents/dto/version.decorator.js';

export class ListSuggestionsQuery extends PageQuery {
  @ApiPropertyOptional({
    type: Boolean,
    example: false,
    description: '`true` returns only resolved suggestions, `false` only unresolved ones.',
  })
  @IsOptional()
  @IsFlag()
  resolved?: boolean;

  @ApiPropertyOptional({
    format: 'date-time',
    example: VERSION_EXAMPLE,
    description:
      'The version of the document that the suggestions were made for. The default is the latest version.',
  })
  @IsOptional()
  @IsVersion()
  version?: string;
}
