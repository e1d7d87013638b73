import { Module } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { TurnsModule } from '../turns/turns.module.js';
import { FilesModule } from '../files/files.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { AdminUsersController } from './admin-users.controller.js';
import { AdminUsersRepository } from './admin-users.repository.js';
import { AdminUsersService } from './admin-users.service.js';
import { DepartedUsers } from './departed-users.js';
import { SqlUserDoor } from './sql-user-door.js';
import { USER_DOOR, type UserDoor } from './user-door.js';

/** Of one change at Supabase; a user with years of usage takes a while to delete. */
const TIMEOUT = 20_000;

/** Supabase's own door wherever it can be opened; the client library is loaded there only. */
async function createUserDoor(
  { supabase: { url, secretKey }, upstream }: AppConfig,
  users: AdminUsersRepository,
): Promise<UserDoor> {
  if (!url || !secretKey) return new SqlUserDoor(users);
  const { SupabaseUserDoor } = await import('./supabase-user-door.js');
  return new SupabaseUserDoor(
    { url, secretKey, timeout: Math.min(TIMEOUT, upstream.firstByteTimeout) },
    users,
  );
}

@Module({
  imports: [TurnsModule, AuditModule, FilesModule],
  controllers: [AdminUsersController],
  providers: [
    AdminUsersRepository,
    AdminUsersService,
    DepartedUsers,
    { provide: USER_DOOR, inject: [APP_CONFIG, AdminUsersRepository], useFactory: createUserDoor },
  ],
})
export class AdminUsersModule {}
