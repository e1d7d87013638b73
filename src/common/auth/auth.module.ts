import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { RequestContentGuard } from '../http/request-content.guard.js';
import { RequestThrottleGuard } from '../http/request-throttle.js';
import { RolesGuard } from './roles.guard.js';
import { SupabaseJwtGuard } from './supabase-jwt.guard.js';
import { SupabaseJwtStrategy } from './supabase-jwt.strategy.js';
import { UserDirectory } from './user-directory.js';

/** The global guards in execution order: identity, throttle, role, and then the content of the request. */
@Global()
@Module({
  imports: [PassportModule],
  providers: [
    UserDirectory,
    SupabaseJwtStrategy,
    { provide: APP_GUARD, useClass: SupabaseJwtGuard },
    { provide: APP_GUARD, useClass: RequestThrottleGuard },
    { provide: APP_GUARD, useClass: RolesGuard },
    { provide: APP_GUARD, useClass: RequestContentGuard },
  ],
  exports: [UserDirectory],
})
export class AuthModule {}
