import type { GithubRepositoryDto } from './dto/repository.dto.js';
import type { ConnectedRow } from './github.repository.js';

export function toRepository(row: ConnectedRow): GithubRepositoryDto {
  return {
    id: row.id,
    owner: row.owner,
    name: row.name,
    url: row.url,
    defaultBranch: row.defaultBranch,
    isActive: row.isActive,
    lastAccessed: row.lastAccessed?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  };
}
