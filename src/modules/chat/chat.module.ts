import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { AdminChatsController } from './admin-chats.controller.js';
import { ChatController } from './chat.controller.js';
import { ChatExportService } from './chat-export.service.js';
import { ChatsController } from './chats.controller.js';
import { ChatsRepository } from './chats.repository.js';
import { ChatsService } from './chats.service.js';
import { ChatSearchRepository } from './search/chat-search.repository.js';
import { SearchIndexRepository } from './search/search-index.repository.js';
import { SearchIndexer } from './search/search-indexer.js';
import { VotesController } from './votes.controller.js';
import { VotesRepository } from './votes.repository.js';
import { VotesService } from './votes.service.js';

@Module({
  imports: [TurnsModule, MessagesModule, FilesModule],
  controllers: [ChatController, ChatsController, AdminChatsController, VotesController],
  providers: [
    ChatsRepository,
    ChatsService,
    ChatSearchRepository,
    SearchIndexRepository,
    SearchIndexer,
    ChatExportService,
    VotesRepository,
    VotesService,
  ],
  exports: [ChatsService, VotesService],
})
export class ChatModule {}
