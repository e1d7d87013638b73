import { Injectable } from '@nestjs/common';
import { AdminConfigService } from '../admin-config/admin-config.service.js';
import { ANSWERING_AGENTS } from '../admin-config/config-schemas.js';
import type { ModelOption } from './model-option.js';
import { ModelSelector } from './model-selector.js';
import type { UserKeys } from './user-keys.js';

@Injectable()
export class ModelsService {
  constructor(
    private readonly adminConfig: AdminConfigService,
    private readonly selector: ModelSelector,
  ) {}

  /** The models that a user with these keys can choose from. */
  async list(keys: UserKeys): Promise<ModelOption[]> {
    return this.selector.list(ANSWERING_AGENTS, keys, await this.adminConfig.current());
  }
}
