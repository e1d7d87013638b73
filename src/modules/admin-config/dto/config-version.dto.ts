import { ApiProperty } from '@nestjs/swagger';
import { CONFIG_ACTIONS, type ConfigAction } from '../admin-config.repository.js';
import { CONFIG_EXAMPLE } from './config.docs.js';

export class ConfigVersionDto {
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    example: 4,
    description: 'The version number to use for a rollback.',
  })
  version: number;

  @ApiProperty({ enum: CONFIG_ACTIONS, example: 'updated' })
  action: ConfigAction;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: CONFIG_EXAMPLE,
    description: 'The data as of this version. Null if it was deleted.',
  })
  configData: Record<string, unknown> | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: null,
    description: 'The version that a rollback restored.',
  })
  restoredVersion: number | null;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description: 'The user who made the change. Null if it was not made by a user.',
  })
  changedBy: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T08:16:02.004Z' })
  changedAt: string;
}

export class ConfigVersionPageDto {
  @ApiProperty({ type: [ConfigVersionDto] })
  items: ConfigVersionDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'QDM',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}
