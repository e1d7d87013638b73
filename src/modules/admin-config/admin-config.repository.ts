import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { boundedRows } from '../../common/database/bounded-rows.js';
import { Database } from '../../common/database/database.js';
import type { ConfigKey } from './config-schemas.js';
import type { ConfigRow } from './runtime-config.js';

/** A configuration with the details of its latest change. */
export interface StoredConfig extends ConfigRow {
  updatedBy: string | null;
  updatedAt: Date;
  createdAt: Date;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

export const CONFIG_ACTIONS = ['created', 'updated', 'rolled_back', 'deleted'] as const;
export type ConfigAction = (typeof CONFIG_ACTIONS)[number];

/** One version of a configuration. `configData` is null if it was deleted. */
export interface ConfigVersionRow {
  version: number;
  action: ConfigAction;
  configData: unknown;
  restoredVersion: number | null;
  changedBy: string | null;
  changedAt: Date;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

const COLUMNS = `
  config_key as "configKey", config_data as "configData", version, updated_by as "updatedBy",
  updated_at as "updatedAt", created_at as "createdAt"`;

const INSERT = `
  with written as (insert into admin_config (config_key, config_data) values ($1, $2::jsonb) returning *)
  select ${COLUMNS} from written`;

const UPDATE = `
  with written as (update admin_config set config_data = $2::jsonb where config_key = $1 returning *)
  select ${COLUMNS} from written`;

const VERSION_COLUMNS = `
  version, action, config_data as "configData", restored_version as "restoredVersion",
  changed_by as "changedBy", changed_at as "changedAt"`;

const FIND_PAGE = `
  select ${COLUMNS}, "hasMore"
    from ${boundedRows({
      rows: `
        select * from admin_config
         where config_key = any($1) and config_key collate "C" > $2
         order by config_key collate "C" limit $3::int + 1`,
      order: 'config_key collate "C"',
      jsons: ['config_data'],
      limit: '$3',
    })} config
   order by config_key collate "C"`;

const FIND_VERSIONS = `
  select ${VERSION_COLUMNS}, "hasMore"
    from ${boundedRows({
      rows: `
        select * from switchboard.config_history
         where config_key = $1 and version < $2 order by version desc limit $3::int + 1`,
      order: 'version desc',
      jsons: ['config_data'],
      limit: '$3',
    })} version
   order by version desc`;

@Injectable()
export class AdminConfigRepository {
  constructor(private readonly database: Database) {}

  findAll(): Promise<ConfigRow[]> {
    return this.database.asService((manager) =>
      manager.query<ConfigRow[]>(
        'select config_key as "configKey", config_data as "configData", version from admin_config',
      ),
    );
  }

  /**
   * All configurations of these keys, locked until the transaction ends: each change is checked against all the others.
   */
  async findAllForChange(manager: EntityManager, keys: readonly ConfigKey[]): Promise<StoredConfig[]> {
    await manager.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.configuration]);
    return manager.query<StoredConfig[]>(`select ${COLUMNS} from admin_config where config_key = any($1)`, [
      keys,
    ]);
  }

  /** A page of configurations, by key. */
  findPage(
    manager: EntityManager,
    { keys, after, limit }: { keys: readonly ConfigKey[]; after: string; limit: number },
  ): Promise<StoredConfig[]> {
    return manager.query<StoredConfig[]>(FIND_PAGE, [keys, after, limit]);
  }

  async findByKey(manager: EntityManager, key: ConfigKey): Promise<StoredConfig | undefined> {
    const rows = await manager.query<StoredConfig[]>(
      `select ${COLUMNS} from admin_config where config_key = $1`,
      [key],
    );
    return rows[0];
  }

  insert(manager: EntityManager, key: ConfigKey, configData: unknown): Promise<StoredConfig | undefined> {
    return this.write(manager, INSERT, key, configData);
  }

  update(manager: EntityManager, key: ConfigKey, configData: unknown): Promise<StoredConfig | undefined> {
    return this.write(manager, UPDATE, key, configData);
  }

  async delete(manager: EntityManager, key: ConfigKey): Promise<void> {
    await manager.query('delete from admin_config where config_key = $1', [key]);
  }

  /** A page of the versions before `before`, newest first. */
  findVersions(
    manager: EntityManager,
    { key, before, limit }: { key: ConfigKey; before: number; limit: number },
  ): Promise<ConfigVersionRow[]> {
    return manager.query<ConfigVersionRow[]>(FIND_VERSIONS, [key, before, limit]);
  }

  async findVersion(
    manager: EntityManager,
    key: ConfigKey,
    version: number,
  ): Promise<ConfigVersionRow | undefined> {
    const rows = await this.findVersions(manager, { key, before: version + 1, limit: 1 });
    return rows.find((row) => row.version === version);
  }

  /** Makes the history record that the next write restores this version. */
  async recordRestoredVersion(manager: EntityManager, version: number): Promise<void> {
    await manager.query(`select set_config('switchboard.restored_version', $1, true)`, [String(version)]);
  }

  private async write(
    manager: EntityManager,
    statement: string,
    key: ConfigKey,
    configData: unknown,
  ): Promise<StoredConfig | undefined> {
    const rows = await manager.query<StoredConfig[]>(statement, [key, JSON.stringify(configData)]);
    return rows[0];
  }
}
