import { ApiProperty } from '@nestjs/swagger';

export class MeDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ type: String, nullable: true, example: 'ada@example.com' })
  email: string | null;

  @ApiProperty({
    enum: ['user', 'admin'],
    example: 'user',
    description: 'From the account, not from the token.',
  })
  role: 'user' | 'admin';

  @ApiProperty({ example: true, description: 'Always true here: a deactivated account is refused with 403.' })
  isActive: boolean;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { theme: 'dark' },
    description: '`settings` of the user metadata; empty when they are larger than 64 KB.',
  })
  settings: Record<string, unknown>;
}
