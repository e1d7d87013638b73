import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ChatModule } from '../chat/chat.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { FilesModule } from '../files/files.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { ModelsModule } from '../models/models.module.js';
import { SuggestionsModule } from '../suggestions/suggestions.module.js';
import { LegacyChatInterceptor } from './legacy-chat.interceptor.js';
import { LegacyChatsController } from './legacy-chats.controller.js';
import { LegacyDocumentsController } from './legacy-documents.controller.js';
import { LegacyErrors } from './legacy-errors.js';
import { LegacyFilesController } from './legacy-files.controller.js';

/** The routes of the old Vercel chatbot, for its frontend. They exist only if `LEGACY_ROUTES` is true. */
@Module({
  imports: [ChatModule, MessagesModule, DocumentsModule, FilesModule, SuggestionsModule, ModelsModule],
  controllers: [LegacyChatsController, LegacyDocumentsController, LegacyFilesController],
  providers: [LegacyErrors, { provide: APP_INTERCEPTOR, useClass: LegacyChatInterceptor }],
})
export class LegacyRoutesModule {}
