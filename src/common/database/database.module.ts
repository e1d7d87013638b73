import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from './database.js';
import { DatabaseMetrics } from './database-metrics.js';
import { GuardedClient } from './guarded-client.js';
import { InstanceLock } from './instance-lock.js';
import { Notifications } from './notifications.js';
import { PreparedClient } from './prepared-client.js';

@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [APP_CONFIG],
      useFactory: (config: AppConfig) => ({
        type: 'postgres' as const,
        url: config.database.url,
        autoLoadEntities: true,
        synchronize: false,
        logging: false,
        retryAttempts: 5,
        retryDelay: 1_000,
        extra: {
          max: config.database.poolSize,
          pipeline: true,
          Client: config.database.preparedStatements ? PreparedClient : GuardedClient,
          keepAlive: true,
          connectionTimeoutMillis: 5_000,
          idleTimeoutMillis: 60_000,
          application_name: 'switchboard',
          statement_timeout: 30_000,
          idle_in_transaction_session_timeout: 30_000,
        },
      }),
    }),
  ],
  providers: [Database, Notifications, InstanceLock, DatabaseMetrics],
  exports: [Database, Notifications, InstanceLock],
})
export class DatabaseModule {}
