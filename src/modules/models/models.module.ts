import { Module } from '@nestjs/common';
import { AccountingModule } from '../accounting/accounting.module.js';
import { AdminConfigModule } from '../admin-config/admin-config.module.js';
import { ConfigTestController } from './config-test/config-test.controller.js';
import { ConfigTestService } from './config-test/config-test.service.js';
import { CoolDowns } from './fallback/cool-downs.js';
import { LanguageModels } from './language-models.js';
import { ModelCalls } from './model-caller.js';
import { ModelSelector } from './model-selector.js';
import { ModelsController } from './models.controller.js';
import { ModelsService } from './models.service.js';

/** The models of all vendors, and calls of them. */
@Module({
  imports: [AccountingModule, AdminConfigModule],
  controllers: [ConfigTestController, ModelsController],
  providers: [ConfigTestService, CoolDowns, LanguageModels, ModelCalls, ModelSelector, ModelsService],
  exports: [ModelSelector, ModelsService],
})
export class ModelsModule {}
