import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';
import { IsFlag } from '../../documents/dto/flag.decorator.js';

export class ListRepositoriesQuery extends PageQuery {
  @ApiPropertyOptional({
    type: Boolean,
    example: true,
    description: '`true` returns only active repositories, `false` only inactive ones.',
  })
  @IsOptional()
  @IsFlag()
  active?: boolean;
}

export class AvailableRepositoriesQuery extends PageQuery {
  @ApiPropertyOptional({
    maxLength: 200,
    example: 'hello',
    description: 'Only repositories with this text in `owner/name`. Case-insensitive.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  q?: string;
}
