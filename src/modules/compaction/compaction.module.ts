import { Module } from '@nestjs/common';
import { AccountingModule } from '../accounting/accounting.module.js';
import { ModelsModule } from '../models/models.module.js';
import { CompactionWriter } from './compaction-writer.js';
import { CompactionRepository } from './compaction.repository.js';
import { CompactionService } from './compaction.service.js';
import { Summarizer } from './summarizer.js';

/** Conversations that are longer than a model's context window. */
@Module({
  imports: [AccountingModule, ModelsModule],
  providers: [CompactionRepository, CompactionService, CompactionWriter, Summarizer],
  exports: [CompactionService],
})
export class CompactionModule {}
