import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsUUID, Matches, MaxLength } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';

const ACTION = /^[a-z_]+(\.[a-z_]+)*$/;

export class ListAuditQuery extends PageQuery {
  @ApiPropertyOptional({
    format: 'uuid',
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description: 'Only actions of this user.',
  })
  @IsOptional()
  @IsUUID('all', { message: 'must be the id of a user' })
  actor?: string;

  @ApiPropertyOptional({
    maxLength: 64,
    example: 'config.updated',
    description:
      'Only this action, or all actions that start with it: `config` matches all configuration changes.',
  })
  @IsOptional()
  @MaxLength(64)
  @Matches(ACTION, { message: 'must be an action, such as config.updated' })
  action?: string;
}
