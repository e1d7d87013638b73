import { Module } from '@nestjs/common';
import { AdminConfigController } from './admin-config.controller.js';
import { AdminConfigRepository } from './admin-config.repository.js';
import { AdminConfigService } from './admin-config.service.js';
import { CatalogController } from './catalog/catalog.controller.js';
import { CatalogRefreshService } from './catalog/catalog-refresh.service.js';
import { ConfigEditorService } from './config-editor.service.js';
import { ConfigHistoryController } from './config-history.controller.js';

@Module({
  controllers: [AdminConfigController, CatalogController, ConfigHistoryController],
  providers: [AdminConfigRepository, AdminConfigService, CatalogRefreshService, ConfigEditorService],
  exports: [AdminConfigService],
})
export class AdminConfigModule {}
