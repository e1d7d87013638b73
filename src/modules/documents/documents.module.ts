import { Module } from '@nestjs/common';
import { DiffWorkers } from './diff-workers.js';
import { DocumentsController } from './documents.controller.js';
import { DocumentsRepository } from './documents.repository.js';
import { DocumentsService } from './documents.service.js';
import { VersionsController } from './versions.controller.js';
import { VersionsService } from './versions.service.js';

@Module({
  controllers: [DocumentsController, VersionsController],
  providers: [DiffWorkers, DocumentsRepository, DocumentsService, VersionsService],
  exports: [DocumentsService, VersionsService],
})
export class DocumentsModule {}
