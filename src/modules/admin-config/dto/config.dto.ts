import { ApiProperty } from '@nestjs/swagger';
import { CONFIG_EXAMPLE } from './config.docs.js';

export class ConfigDto {
  @ApiProperty({ example: 'app_settings' })
  configKey: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: CONFIG_EXAMPLE,
    description: 'The data, which follows the schema of its key: `GET /api/admin/config/{key}/schema`.',
  })
  configData: Record<string, unknown>;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    example: 4,
    description: 'Increases by one with every change.',
  })
  version: number;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description:
      'The user who last changed the configuration. Null if it was not changed by a user, or if that user was deleted.',
  })
  updatedBy: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T08:16:02.004Z' })
  updatedAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-20T12:00:00.000Z' })
  createdAt: string;
}

export class ConfigPageDto {
  @ApiProperty({ type: [ConfigDto] })
  items: ConfigDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'QGNoYXRfYWdlbnRfZ29vZ2xl',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}
