import type { ConfigVersionRow, StoredConfig } from './admin-config.repository.js';
import type { ConfigDto } from './dto/config.dto.js';
import type { ConfigVersionDto } from './dto/config-version.dto.js';

export function toConfig(row: StoredConfig): ConfigDto {
  return {
    configKey: row.configKey,
    configData: row.configData as ConfigDto['configData'],
    version: row.version,
    updatedBy: row.updatedBy,
    updatedAt: row.updatedAt.toISOString(),
    createdAt: row.createdAt.toISOString(),
  };
}

export function toConfigVersion(row: ConfigVersionRow): ConfigVersionDto {
  return {
    version: row.version,
    action: row.action,
    configData: row.configData as ConfigVersionDto['configData'],
    restoredVersion: row.restoredVersion,
    changedBy: row.changedBy,
    changedAt: row.changedAt.toISOString(),
  };
}
