import { Module } from '@nestjs/common';
import { AdminConfigController } from './admin-config.controller.js';
import { AdminConfigRepository } from './admin-config.repository.js';
import { AdminConfigService } from './admin-config.service.js';
import { ConfigEditorService } from './config-editor.service.js';
import { ConfigHistoryController } from './config-history.controller.js';

@Module({
  controllers: [AdminConfigController, ConfigHistoryController],
  providers: [AdminConfigRepository, AdminConfigService, ConfigEditorService],
  exports: [AdminConfigService],
})
export class AdminConfigModule {}
