import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { GithubModule } from '../github/github.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { RateLimitModule } from '../rate-limit/rate-limit.module.js';
import { SuggestionsModule } from '../suggestions/suggestions.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { AccountDataService } from './account-data.service.js';
import { AccountExportController } from './account-export.controller.js';
import { AccountExportRepository } from './account-export.repository.js';
import { AccountExportService } from './account-export.service.js';

/** Lets users download their own data. */
@Module({
  imports: [
    ChatModule,
    DocumentsModule,
    GithubModule,
    MessagesModule,
    RateLimitModule,
    SuggestionsModule,
    UsageModule,
  ],
  controllers: [AccountExportController],
  providers: [AccountDataService, AccountExportRepository, AccountExportService],
})
export class AccountExportModule {}
