import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { type Role } from '../../../common/auth/identity.js';
import { IfSent } from '../../chat/dto/title.decorator.js';
import { ROLES } from './admin-user.dto.js';

/** At least one of the fields is required. */
export class UpdateUserDto {
  @ApiPropertyOptional({ enum: ROLES, example: 'admin' })
  @IfSent()
  @IsIn(ROLES)
  role?: Role;

  @ApiPropertyOptional({
    example: false,
    description: 'Inactive users are refused everywhere.',
  })
  @IfSent()
  @IsBoolean()
  isActive?: boolean;
}
