import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from './database.js';
import { DatabaseMetrics } from './database-metrics.js';
import { DatabaseRoute } from './database-route.js';
import { InstanceLock } from './instance-lock.js';
import { Notifications } from './notifications.js';
import { PreparedClient } from './prepared-client.js';
import { TracedClient } from './traced-client.js';
import { START_ATTEMPTS, START_DELAY } from './start-retries.js';
import { SILENCE_LIMIT } from './time-limits.js';

/** Limits of a connection, in milliseconds. */
const SESSION_LIMITS = { statement_timeout: 30_000, idle_in_transaction_session_timeout: 30_000 };

@Module({ providers: [DatabaseRoute], exports: [DatabaseRoute] })
class DatabaseRouteModule {}

@Global()
@Module({
  imports: [
    DatabaseRouteModule,
    TypeOrmModule.forRootAsync({
      imports: [DatabaseRouteModule],
      inject: [APP_CONFIG, DatabaseRoute],
      useFactory: async (config: AppConfig, route: DatabaseRoute) => ({
        type: 'postgres' as const,
        url: config.database.url,
        autoLoadEntities: true,
        synchronize: false,
        logging: false,
        retryAttempts: START_ATTEMPTS,
        retryDelay: START_DELAY,
        extra: {
          max: config.database.poolSize,
          pipeline: true,
          Client: (await route.preparesStatements()) ? PreparedClient : TracedClient,
          keepAlive: true,
          keepAliveInitialDelayMillis: 10_000,
          query_timeout: SILENCE_LIMIT.pool,
          connectionTimeoutMillis: 5_000,
          idleTimeoutMillis: 60_000,
          application_name: 'switchboard',
          // A pooler refuses connections with such parameters. Transactions have limits of their own.
          ...((await route.isPooled()) ? {} : SESSION_LIMITS),
        },
      }),
    }),
  ],
  providers: [Database, Notifications, InstanceLock, DatabaseMetrics],
  exports: [Database, Notifications, InstanceLock],
})
export class DatabaseModule {}
