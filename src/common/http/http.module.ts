import { Global, Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Redis } from '../redis/redis.js';
import { MemoryThrottlerStorage } from './memory-throttler-storage.js';
import { PageInterceptor } from './page.interceptor.js';
import { RequestThrottle, THROTTLE_WINDOW } from './request-throttle.js';
import { SharedThrottlerStorage } from './shared-throttler-storage.js';

@Global()
@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [APP_CONFIG, Redis],
      useFactory: (config: AppConfig, redis: Redis) => ({
        throttlers: [{ name: 'default', ttl: THROTTLE_WINDOW, limit: config.server.throttleLimit }],
        storage: redis.isConfigured
          ? new SharedThrottlerStorage(redis, new MemoryThrottlerStorage())
          : new MemoryThrottlerStorage(),
        // `RateLimit-*` headers describe agent admissions. These counters send no headers until they refuse a request.
        setHeaders: false,
      }),
    }),
  ],
  providers: [RequestThrottle, { provide: APP_INTERCEPTOR, useClass: PageInterceptor }],
  exports: [RequestThrottle, ThrottlerModule],
})
export class HttpModule {}
