import { ApiProperty } from '@nestjs/swagger';
import { type Role } from '../../../common/auth/identity.js';

export const ROLES: readonly Role[] = ['user', 'admin'];

export class AdminUserDto {
  @ApiProperty({ format: 'uuid', example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10' })
  id: string;

  @ApiProperty({ type: String, nullable: true, example: 'ada@example.com' })
  email: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'Ada Lovelace',
    description: 'The `name` or `full_name` of the user metadata, as the user wrote it.',
  })
  name: string | null;

  @ApiProperty({ enum: ROLES, example: 'user' })
  role: Role;

  @ApiProperty({ example: true, description: 'False for a deactivated user.' })
  isActive: boolean;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: null,
    description: 'Supabase bans the user until this time. Banned users are refused like deactivated ones.',
  })
  bannedUntil: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-02T09:00:00.000Z' })
  createdAt: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-23T08:15:30.123Z' })
  lastSignInAt: string | null;

  @ApiProperty({ type: 'integer', example: 12, description: 'The number of chats.' })
  chats: number;
}

export class AdminUserPageDto {
  @ApiProperty({ type: [AdminUserDto] })
  items: AdminUserDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'MjAyNi0xMS0yM1QwODoxNTozMC4xMjNafDVjMWE0Zjdl',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}
