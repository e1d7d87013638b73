import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { InstanceMessages } from '../../common/redis/instance-messages.js';
import { conflict, invalidField, notFound, validationFailed } from '../../common/errors/app-error.js';
import { type Page, type PageQuery, toPageBy } from '../../common/http/paging.js';
import { toConfig, toConfigVersion } from './admin-config.mapper.js';
import { AdminConfigRepository, type StoredConfig } from './admin-config.repository.js';
import { AdminConfigService } from './admin-config.service.js';
import type { ConfigChange } from './config-body.js';
import { decodePosition, encodePosition } from './config-cursor.js';
import { type ConfigSet, findConflicts } from './config-rules.js';
import { CONFIG_KEYS, CONFIG_SCHEMAS, type ConfigData, type ConfigKey } from './config-schemas.js';
import { parseConfigData } from './config-validation.js';
import type { ConfigDto } from './dto/config.dto.js';
import type { ConfigVersionDto } from './dto/config-version.dto.js';
import { mergePatch } from './merge-patch.js';
import { withOwnModelIds } from './own-model-ids.js';

/** Makes the new data from the current data. Undefined deletes. */
type Change = (
  current: StoredConfig | undefined,
  manager: EntityManager,
) => Promise<{ configData: unknown } | undefined>;

const LAST_VERSION = 2_147_483_647;

/** Administrators read and change the configuration with this service. */
@Injectable()
export class ConfigEditorService {
  constructor(
    private readonly database: Database,
    private readonly configs: AdminConfigRepository,
    private readonly runtime: AdminConfigService,
    private readonly messages: InstanceMessages,
  ) {}

  /** By key. */
  async list(identity: Identity, { limit, cursor }: PageQuery): Promise<Page<ConfigDto>> {
    const after = decodePosition(cursor) ?? '';
    const rows = await this.database.asUser(identity, (manager) =>
      this.configs.findPage(manager, { keys: CONFIG_KEYS, after, limit }),
    );
    const keyOf = ({ configKey }: StoredConfig) => configKey;
    return toPageBy(rows, limit, (row) => encodePosition(keyOf(row)), toConfig, keyOf);
  }

  /** @throws AppError 404 if it was deleted */
  async read(identity: Identity, key: ConfigKey): Promise<ConfigDto> {
    const row = await this.database.asUser(identity, (manager) => this.configs.findByKey(manager, key));
    if (!row) throw deleted(key);
    return toConfig(row);
  }

  /** @throws AppError 400 if it is invalid, 409 if `expectedVersion` is not the latest */
  async replace(
    identity: Identity,
    key: ConfigKey,
    { configData, expectedVersion }: ConfigChange,
  ): Promise<{ config: ConfigDto; created: boolean }> {
    let created = false;
    const row = await this.change(identity, key, (current) => {
      assertVersion(key, current, expectedVersion);
      created = current === undefined;
      return Promise.resolve({ configData });
    });
    return { config: toConfig(row), created };
  }

  /** @throws AppError 400 if the result is invalid, 404 if there is none, 409 see {@link replace} */
  async patch(
    identity: Identity,
    key: ConfigKey,
    { configData, expectedVersion }: ConfigChange,
  ): Promise<ConfigDto> {
    const row = await this.change(identity, key, (current) => {
      assertVersion(key, current, expectedVersion);
      if (!current) throw deleted(key);
      return Promise.resolve({ configData: mergePatch(current.configData, configData) });
    });
    return toConfig(row);
  }

  /** @throws AppError 400 if it is required, 404 if there is none, 409 see {@link replace} */
  async delete(identity: Identity, key: ConfigKey, expectedVersion: number | undefined): Promise<void> {
    await this.change(identity, key, (current) => {
      if (!current) throw deleted(key);
      assertVersion(key, current, expectedVersion);
      return Promise.resolve(undefined);
    });
  }

  /** All versions, newest first, also those of a deleted configuration. */
  async history(
    identity: Identity,
    key: ConfigKey,
    { limit, cursor }: PageQuery,
  ): Promise<Page<ConfigVersionDto>> {
    const position = decodePosition(cursor);
    const before = position === undefined ? LAST_VERSION : Number(position);
    if (!Number.isInteger(before) || before < 1 || before > LAST_VERSION)
      throw invalidField('cursor', 'is not a cursor of this list');
    const rows = await this.database.asUser(identity, (manager) =>
      this.configs.findVersions(manager, { key, before, limit }),
    );
    return toPageBy(
      rows,
      limit,
      ({ version }) => encodePosition(String(version)),
      toConfigVersion,
      ({ version }) => `${key}@${version}`,
    );
  }

  /**
   * Stores the data of an earlier version as a new version.
   *
   * @throws AppError 400 if there is no such version, or if it no longer fits the rest of the configuration; 409 see
   * {@link replace}
   */
  async rollBack(
    identity: Identity,
    key: ConfigKey,
    { version, expectedVersion }: { version: number; expectedVersion?: number },
  ): Promise<ConfigDto> {
    const row = await this.change(identity, key, async (current, manager) => {
      assertVersion(key, current, expectedVersion);
      const restored = await this.configs.findVersion(manager, key, version);
      if (!restored) throw invalidField('version', `is not a version of ${key}`);
      if (restored.action === 'deleted')
        throw invalidField('version', `is the deletion of ${key}; choose the version before it`);
      await this.configs.recordRestoredVersion(manager, version);
      return { configData: restored.configData };
    });
    return toConfig(row);
  }

  /** Checks and writes in one transaction that excludes other changes. */
  private async change(identity: Identity, key: ConfigKey, change: Change): Promise<StoredConfig> {
    const row = await this.database.asUser(identity, async (manager) => {
      const rows = await this.configs.findAllForChange(manager, CONFIG_KEYS);
      const current = rows.find(({ configKey }) => configKey === key);
      const changed = await change(current, manager);
      const configData = changed && parseOwn(key, changed.configData, rows);
      const conflicts = findConflicts(key, withChange(rows, key, configData));
      if (conflicts.length > 0) throw validationFailed(conflicts);
      return this.write(manager, key, current, configData);
    });
    // The next request of this instance uses the change, even if the notification is delayed.
    this.runtime.forget();
    void this.messages.announce('switchboard_config', '');
    return row;
  }

  private async write(
    manager: EntityManager,
    key: ConfigKey,
    current: StoredConfig | undefined,
    configData: unknown,
  ): Promise<StoredConfig> {
    if (current && configData === undefined) {
      await this.configs.delete(manager, key);
      return current;
    }
    if (current && isDeepStrictEqual(current.configData, configData)) return current;
    const row = current
      ? await this.configs.update(manager, key, configData)
      : await this.configs.insert(manager, key, configData);
    if (!row) throw conflict(`${key} was changed by another request. Read it again.`);
    return row;
  }
}

/** With the vendors' own ids of the models, which must be as right as what was sent. */
function parseOwn<Key extends ConfigKey>(
  key: Key,
  configData: unknown,
  rows: StoredConfig[],
): ConfigData[Key] {
  const catalog = catalogOf(withChange(rows, key, undefined));
  return parseConfigData(key, withOwnModelIds(key, parseConfigData(key, configData), catalog));
}

function catalogOf({ model_catalog: catalog }: ConfigSet): ReadonlySet<string> {
  return new Set(catalog?.models.map(({ provider, id }) => `${provider}/${id}`));
}

/**
 * The resulting configuration. Stored data that violates its schema (because it is older than the check) is ignored.
 */
function withChange(rows: StoredConfig[], key: ConfigKey, configData: unknown): ConfigSet {
  const entries = rows
    .filter(({ configKey }) => configKey !== key)
    .flatMap(({ configKey, configData: stored }) => {
      const result = CONFIG_SCHEMAS[configKey as ConfigKey].safeParse(stored);
      return result.success ? [[configKey, result.data] as const] : [];
    });
  const next: ConfigSet = Object.fromEntries(entries);
  if (configData !== undefined) Object.assign(next, { [key]: configData });
  const catalog = catalogOf(next);
  return Object.fromEntries(
    Object.entries(next).map(([name, data]) => [name, withOwnModelIds(name as ConfigKey, data, catalog)]),
  );
}

function assertVersion(
  key: ConfigKey,
  current: StoredConfig | undefined,
  expected: number | undefined,
): void {
  if (expected === undefined || expected === current?.version) return;
  throw conflict(
    current
      ? `${key} is now at version ${current.version}, not ${expected}. Read it again.`
      : `${key} was deleted after version ${expected}.`,
  );
}

const deleted = (key: ConfigKey) => notFound(`The configuration ${key}`);
