import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule } from './common/auth/auth.module.js';
import { DatabaseModule } from './common/database/database.module.js';
import { HttpModule } from './common/http/http.module.js';
import { Tracing } from './common/observability/tracing.js';
import { RedisModule } from './common/redis/redis.module.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigModule } from './config/config.module.js';
import { AccountExportModule } from './modules/account-export/account-export.module.js';
import { AdminConfigModule } from './modules/admin-config/admin-config.module.js';
import { AdminUsersModule } from './modules/admin-users/admin-users.module.js';
import { AgentsModule } from './modules/agents/agents.module.js';
import { AuditModule } from './modules/audit/audit.module.js';
import { ChatModule } from './modules/chat/chat.module.js';
import { DocumentsModule } from './modules/documents/documents.module.js';
import { FilesModule } from './modules/files/files.module.js';
import { GithubModule } from './modules/github/github.module.js';
import { HealthModule } from './modules/health/health.module.js';
import { LegacyRoutesModule } from './modules/legacy-routes/legacy-routes.module.js';
import { MessagesModule } from './modules/messages/messages.module.js';
import { SuggestionsModule } from './modules/suggestions/suggestions.module.js';
import { RateLimitModule } from './modules/rate-limit/rate-limit.module.js';
import { UsersModule } from './modules/users/users.module.js';

@Module({})
export class AppModule {
  static with(config: AppConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        DatabaseModule,
        RedisModule,
        HttpModule,
        AuthModule,
        HealthModule,
        UsersModule,
        AccountExportModule,
        AdminUsersModule,
        ChatModule,
        MessagesModule,
        DocumentsModule,
        SuggestionsModule,
        FilesModule,
        GithubModule,
        AgentsModule,
        AdminConfigModule,
        AuditModule,
        RateLimitModule,
        ...(config.legacyRoutes ? [LegacyRoutesModule] : []),
      ],
      providers: [Tracing],
    };
  }
}
