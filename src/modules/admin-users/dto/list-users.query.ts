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
    description: 'Only users with this text in their email address, name or id. Case-insensitive.',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @MaxLength(MAX_SEARCH_LENGTH)
  q?: string;

  @ApiPropertyOptional({ enum: ROLES, example: 'admin', description: 'Only users with this role.' })
  @IsOptional()
  @IsIn(ROLES)
  role?: Role;

  @ApiPropertyOptional({
    type: Boolean,
    description: '`true` returns only active users, `false` only inactive ones.',
  })
  @IsOptional()
  @IsFlag()
  isActive?: boolean;
}
