import { ApiProperty } from '@nestjs/swagger';

export class AuditEntryDto {
  @ApiProperty({ format: 'uuid', example: '5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22' })
  id: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description: 'The user who made the change. Null if it was not made by a user.',
  })
  actor: string | null;

  @ApiProperty({
    example: 'config.updated',
    description:
      'For configurations: `config.created`, `config.updated`, `config.rolled_back`, `config.deleted`. For users: `user.updated`, `user.deleted`.',
  })
  action: string;

  @ApiProperty({
    example: 'chat_agent_google',
    description: 'The key of the configuration, or the id of the user.',
  })
  target: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { version: 4, changed: ['systemPrompt'] },
    description:
      'For configurations: the new version and the changed fields (the history has the data). For users: the changes, with `before` and `after`.',
  })
  details: Record<string, unknown>;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T08:16:02.004Z' })
  createdAt: string;
}

export class AuditPageDto {
  @ApiProperty({ type: [AuditEntryDto] })
  items: AuditEntryDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'MjAyNi0xMS0yM1QwODoxNTozMC4xMjNafDVjMWE0Zjdl',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}
