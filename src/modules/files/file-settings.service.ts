import { Injectable } from '@nestjs/common';
import { AdminConfigService } from '../admin-config/admin-config.service.js';
import type { FileSettings } from '../admin-config/config-schemas.js';
import { DEFAULT_FILES } from '../admin-config/defaults/default-config.js';

/** What users may upload at the moment. */
@Injectable()
export class FileSettingsService {
  constructor(private readonly adminConfig: AdminConfigService) {}

  async current(): Promise<FileSettings> {
    const { settings } = await this.adminConfig.current();
    return settings.files ?? DEFAULT_FILES;
  }
}
