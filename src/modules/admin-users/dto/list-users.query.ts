import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { type Role } from '../../../common/auth/identity.js';
import { PageQuery } from '../../../common/http/paging.js';
import { IsFlag } from '../../documents/dto/flag.decorator.js';
import { ROLES } from './admin-user.dto.js';

const MAX_SEARCH_LENGTH = 255;

export class ListUsersQuery extends PageQuery {
  @ApiPropertyOptional({
    maxLength: MAX_SEARCH_LENGTH,
    example: 'ada@',
    description: 'Only users with this text in their address, name or id, in upper or lower case.',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @MaxLength(MAX_SEARCH_LENGTH)
  q?: string;

  @ApiPropertyOptional({ enum: ROLES, example: 'admin', description: 'Only users of this role.' })
  @IsOptional()
  @IsIn(ROLES)
  role?: Role;

  @ApiPropertyOptional({
    type: Boolean,
    description: 'Only users that are active, or only those that are not.',
  })
  @IsOptional()
  @IsFlag()
  isActive?: boolean;
}
