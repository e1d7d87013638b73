import type pg from 'pg';
import { ADVISORY_LOCKS } from '../../../common/database/advisory-locks.js';
import type { ConfigRow } from '../runtime-config.js';

/** The configuration as an operator's command reads and writes it, in one transaction. */
export class CatalogUpkeepRepository {
  constructor(private readonly client: pg.Client) {}

  /** All rows, which no other change can touch before the transaction ends. */
  async beginAndRead(): Promise<ConfigRow[]> {
    await this.client.query('begin');
    await this.client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.configuration]);
    const { rows } = await this.client.query<ConfigRow>(
      'select config_key as "configKey", config_data as "configData", version from admin_config',
    );
    return rows;
  }

  /** The database checks it, keeps the version before, and writes the audit log. */
  async writeCatalog(catalog: object): Promise<number> {
    const { rows } = await this.client.query<{ version: number }>(
      `update admin_config set config_data = $1::jsonb where config_key = 'model_catalog' returning version`,
      [JSON.stringify(catalog)],
    );
    return rows[0]?.version ?? 0;
  }

  async end(outcome: 'commit' | 'rollback'): Promise<void> {
    await this.client.query(outcome);
  }
}
