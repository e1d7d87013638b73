import { ApiProperty } from '@nestjs/swagger';

export class MeDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ type: String, nullable: true, example: 'ada@example.com' })
  email: string | null;

  @ApiProperty({
    enum: ['user', 'admin'],
    example: 'user',
    description: 'Read from the account, not from the token.',
  })
  role: 'user' | 'admin';

  @ApiProperty({ example: true, description: 'Always true here: deactivated users get 403.' })
  isActive: boolean;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { theme: 'dark' },
    description: 'The `settings` of the user metadata. Empty if they are larger than 64 KB.',
  })
  settings: Record<string, unknown>;
}
