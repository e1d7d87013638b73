import { Module } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { TurnsModule } from '../turns/turns.module.js';
import { FilesModule } from '../files/files.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { AdminUsersController } from './admin-users.controller.js';
import { AdminUsersRepository } from './admin-users.repository.js';
import { AdminUsersService } from './admin-users.service.js';
import { DepartedUsers } from './departed-users.js';
import { SqlUserWriter } from './sql-user-writer.js';
import { USER_WRITER, type UserWriter } from './user-writer.js';

/** Time limit for one change at Supabase. Deleting a user with years of usage takes a while. */
const TIMEOUT = 20_000;

/** Uses Supabase's API if it is configured. Only then is the client library loaded. */
async function createUserWriter(
  { supabase: { url, secretKey }, upstream }: AppConfig,
  users: AdminUsersRepository,
): Promise<UserWriter> {
  if (!url || !secretKey) return new SqlUserWriter(users);
  const { SupabaseUserWriter } = await import('./supabase-user-writer.js');
  return new SupabaseUserWriter(
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
    { provide: USER_WRITER, inject: [APP_CONFIG, AdminUsersRepository], useFactory: createUserWriter },
  ],
})
export class AdminUsersModule {}
