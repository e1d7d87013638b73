import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { boundedRows } from '../../common/database/bounded-rows.js';
import type { Keyset } from '../../common/http/paging.js';

/** A connected repository. */
export interface ConnectedRow {
  id: string;
  owner: string;
  name: string;
  url: string;
  defaultBranch: string;
  isActive: boolean;
  lastAccessed: Date | null;
  createdAt: Date;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

const COLUMNS = `
  id, repo_owner as owner, repo_name as name, repo_url as url, default_branch as "defaultBranch",
  is_active as "isActive", last_accessed as "lastAccessed", created_at as "createdAt"`;

const FIND_PAGE = `
  select ${COLUMNS}, "hasMore"
    from ${boundedRows({
      rows: `
        select * from github_repositories
         where ($1::boolean is null or is_active = $1) and (created_at, id) < ($2::timestamptz, $3::uuid)
         order by created_at desc, id desc limit $4::int + 1`,
      order: 'created_at desc, id desc',
      texts: ['repo_url'],
      limit: '$4',
    })} repository
   order by created_at desc, id desc`;

/** GitHub's current values replace the stored ones. A deactivated repository is activated again. */
const CONNECT = `
  insert into github_repositories (user_id, repo_owner, repo_name, repo_url, default_branch)
  values ($1, $2, $3, $4, $5)
  on conflict (user_id, lower(repo_owner), lower(repo_name)) do update
     set repo_owner = excluded.repo_owner, repo_name = excluded.repo_name, repo_url = excluded.repo_url,
         default_branch = excluded.default_branch, is_active = true
  returning ${COLUMNS}`;

const SET_ACTIVE = `
  with updated as (update github_repositories set is_active = $2 where id = $1 returning *)
  select ${COLUMNS} from updated`;

const TOUCH_ACTIVE = `
  with updated as (update github_repositories set last_accessed = now() where id = $1 and is_active returning *)
  select ${COLUMNS} from updated`;

const DELETE = `
  with deleted as (delete from github_repositories where id = $1 returning id)
  select count(*)::int as deleted from deleted`;

/** The user's own repositories: row level security hides all others. */
@Injectable()
export class GithubRepository {
  /** A page of repositories, newest first. */
  findPage(
    manager: EntityManager,
    { active, after, limit }: { active?: boolean; after?: Keyset; limit: number },
  ): Promise<ConnectedRow[]> {
    return manager.query<ConnectedRow[]>(FIND_PAGE, [
      active ?? null,
      after?.at ?? 'infinity',
      after?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      limit,
    ]);
  }

  async findById(manager: EntityManager, id: string): Promise<ConnectedRow | undefined> {
    const rows = await manager.query<ConnectedRow[]>(
      `select ${COLUMNS} from github_repositories where id = $1`,
      [id],
    );
    return rows[0];
  }

  /** Adds a repository, or updates and activates an existing one. */
  async connect(
    manager: EntityManager,
    userId: string,
    { owner, name, url, defaultBranch }: Pick<ConnectedRow, 'owner' | 'name' | 'url' | 'defaultBranch'>,
  ): Promise<ConnectedRow> {
    const [row] = await manager.query<ConnectedRow[]>(CONNECT, [userId, owner, name, url, defaultBranch]);
    if (!row) throw new Error('The connected repository was not returned.');
    return row;
  }

  async setActive(manager: EntityManager, id: string, isActive: boolean): Promise<ConnectedRow | undefined> {
    const rows = await manager.query<ConnectedRow[]>(SET_ACTIVE, [id, isActive]);
    return rows[0];
  }

  /** Records that the agent is working on the repository. Undefined if it does not exist or is deactivated. */
  async touchActive(manager: EntityManager, id: string): Promise<ConnectedRow | undefined> {
    const rows = await manager.query<ConnectedRow[]>(TOUCH_ACTIVE, [id]);
    return rows[0];
  }

  /** @returns the number of deleted rows: one or none */
  async delete(manager: EntityManager, id: string): Promise<number> {
    const rows = await manager.query<Array<{ deleted: number }>>(DELETE, [id]);
    return rows[0]?.deleted ?? 0;
  }
}
