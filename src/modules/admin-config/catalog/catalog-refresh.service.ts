import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { AdminConfigService } from '../admin-config.service.js';
import type { ModelCatalog } from '../catalog-schema.js';
import { ConfigEditorService } from '../config-editor.service.js';
import { type CatalogChange, refreshCatalog, type RefreshedCatalog } from './catalog-refresh.js';

export interface CatalogRefresh {
  /** The version of `model_catalog` that was looked at, or made. */
  version: number;
  changes: CatalogChange[];
}

/** Keeps the catalog true to what vendors offer and ask for, as this version knows it. */
@Injectable()
export class CatalogRefreshService {
  constructor(
    private readonly configs: ConfigEditorService,
    private readonly runtime: AdminConfigService,
  ) {}

  /** What {@link apply} would change. @throws AppError 404 when there is no catalog */
  async preview(identity: Identity): Promise<CatalogRefresh> {
    const { version, changes } = await this.refreshed(identity);
    return { version, changes };
  }

  /** @throws AppError 404 when there is no catalog, 409 when it is changed meanwhile */
  async apply(identity: Identity): Promise<CatalogRefresh> {
    const { version, changes, catalog } = await this.refreshed(identity);
    if (changes.length === 0) return { version, changes };
    const { config } = await this.configs.replace(identity, 'model_catalog', {
      configData: catalog,
      expectedVersion: version,
    });
    return { version: config.version, changes };
  }

  private async refreshed(identity: Identity): Promise<RefreshedCatalog & { version: number }> {
    const { configData, version } = await this.configs.read(identity, 'model_catalog');
    const config = await this.runtime.current();
    return { ...refreshCatalog({ catalog: configData as unknown as ModelCatalog, config }), version };
  }
}
