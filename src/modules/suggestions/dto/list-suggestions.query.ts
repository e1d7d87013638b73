import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';
import { IsFlag } from '../../documents/dto/flag.decorator.js';
import { IsVersion, VERSION_EXAMPLE } from '../../documents/dto/version.decorator.js';

export class ListSuggestionsQuery extends PageQuery {
  @ApiPropertyOptional({
    type: Boolean,
    example: false,
    description: 'Only those that are resolved, or only those that are not.',
  })
  @IsOptional()
  @IsFlag()
  resolved?: boolean;

  @ApiPropertyOptional({
    format: 'date-time',
    example: VERSION_EXAMPLE,
    description: 'Those made for this version of the document; for the latest one when it is left out.',
  })
  @IsOptional()
  @IsVersion()
  version?: string;
}
