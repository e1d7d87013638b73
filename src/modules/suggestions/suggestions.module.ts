import { Module } from '@nestjs/common';
import { DocumentsModule } from '../documents/documents.module.js';
import { DocumentSuggestionsController } from './document-suggestions.controller.js';
import { SuggestionsController } from './suggestions.controller.js';
import { SuggestionsRepository } from './suggestions.repository.js';
import { SuggestionsService } from './suggestions.service.js';

@Module({
  imports: [DocumentsModule],
  controllers: [DocumentSuggestionsController, SuggestionsController],
  providers: [SuggestionsRepository, SuggestionsService],
  exports: [SuggestionsService],
})
export class SuggestionsModule {}
