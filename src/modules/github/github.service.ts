import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { invalidField, notFound, validationFailed } from '../../common/errors/app-error.js';
import { decodeCursor, newestFirst, type Page, toPage } from '../../common/http/paging.js';
import { decodePosition, encodePosition } from './available-cursor.js';
import type { AvailableRepositoryDto, GithubRepositoryDto } from './dto/repository.dto.js';
import type { AvailableRepositoriesQuery, ListRepositoriesQuery } from './dto/repository.queries.js';
import type { ConnectRepositoryDto } from './dto/write-repository.dto.js';
import { GITHUB_PAGE_SIZE, GithubApi } from './github-api.js';
import { requireToken } from './github-failure.js';
import { toRepository } from './github.mapper.js';
import { GithubRepository } from './github.repository.js';
import { isOwner, isRepositoryName, parseRepositoryUrl, type RepositoryName } from './repository-name.js';

/** The maximum number of GitHub pages that one request searches. */
const MAX_PAGES = 5;

/** Repositories that users have connected. Tokens are used for the request and never stored. */
@Injectable()
export class GithubService {
  constructor(
    private readonly database: Database,
    private readonly repositories: GithubRepository,
    private readonly github: GithubApi,
  ) {}

  async list(
    identity: Identity,
    { active, limit, cursor }: ListRepositoriesQuery,
  ): Promise<Page<GithubRepositoryDto>> {
    const after = decodeCursor(cursor);
    const rows = await this.database.asUser(identity, (manager) =>
      this.repositories.findPage(manager, { active, after, limit }),
    );
    return toPage(rows, limit, newestFirst, toRepository);
  }

  /**
   * Connects a repository that the token has access to, with the name that GitHub returns. If it is already connected,
   * it is activated again.
   *
   * @throws AppError 400 without a (valid) token, or if the input names no repository, 404 if the token has no access
   * to it, and errors of GitHub
   */
  async connect(
    identity: Identity,
    command: ConnectRepositoryDto,
    token: string | undefined,
  ): Promise<GithubRepositoryDto> {
    const name = this.nameOf(command);
    const found = await this.github.findRepository(name, requireToken(token));
    const row = await this.database.asUser(identity, (manager) =>
      this.repositories.connect(manager, identity.id, found),
    );
    return toRepository(row);
  }

  /** The repositories that the token has access to, by name. With `q`, only those with this text in `owner/name`. */
  async findAvailable(
    { q = '', limit, cursor }: AvailableRepositoriesQuery,
    token: string | undefined,
  ): Promise<Page<AvailableRepositoryDto>> {
    const wanted = q.trim().toLowerCase();
    const items: AvailableRepositoryDto[] = [];
    let position = decodePosition(cursor);
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const page = Math.floor(position / GITHUB_PAGE_SIZE) + 1;
      const found = await this.github.findVisible(page, requireToken(token));
      for (const repository of found.slice(position % GITHUB_PAGE_SIZE)) {
        if (items.length === limit) return { items, nextCursor: encodePosition(position) };
        if (`${repository.owner}/${repository.name}`.toLowerCase().includes(wanted)) items.push(repository);
        position++;
      }
      if (found.length < GITHUB_PAGE_SIZE) return { items, nextCursor: null };
    }
    return { items, nextCursor: encodePosition(position) };
  }

  /** @throws AppError 404 if it is not the user's own repository */
  async read(identity: Identity, id: string): Promise<GithubRepositoryDto> {
    const row = await this.database.asUser(identity, (manager) => this.repositories.findById(manager, id));
    if (!row) throw notFound('The repository');
    return toRepository(row);
  }

  /** @throws AppError 404 if it is not the user's own repository */
  async setActive(identity: Identity, id: string, isActive: boolean): Promise<GithubRepositoryDto> {
    const row = await this.database.asUser(identity, (manager) =>
      this.repositories.setActive(manager, id, isActive),
    );
    if (!row) throw notFound('The repository');
    return toRepository(row);
  }

  /** @throws AppError 404 if it is not the user's own repository */
  async delete(identity: Identity, id: string): Promise<void> {
    const deleted = await this.database.asUser(identity, (manager) => this.repositories.delete(manager, id));
    if (deleted === 0) throw notFound('The repository');
  }

  /** @throws AppError 404 if it is not the user's own repository, 400 naming `repositoryId` if it is deactivated */
  async readActive(identity: Identity, id: string): Promise<GithubRepositoryDto> {
    const repository = await this.read(identity, id);
    if (!repository.isActive) throw invalidField('repositoryId', 'is a deactivated repository');
    return repository;
  }

  /** Like {@link readActive}, and records that the repository is being worked on. */
  async use(identity: Identity, id: string): Promise<GithubRepositoryDto> {
    const row = await this.database.asUser(identity, (manager) => this.repositories.touchActive(manager, id));
    return row ? toRepository(row) : this.readActive(identity, id);
  }

  private nameOf({ url, owner, name }: ConnectRepositoryDto): RepositoryName {
    if (url !== undefined) {
      if (owner !== undefined || name !== undefined)
        throw invalidField('url', 'cannot be sent together with owner and name');
      const parsed = parseRepositoryUrl(url, this.github.hosts);
      if (typeof parsed === 'string') throw invalidField('url', parsed);
      return parsed;
    }
    if (owner === undefined && name === undefined)
      throw invalidField('url', 'is required, or owner and name instead');
    const errors = [
      ...(isOwner(owner ?? '')
        ? []
        : [{ path: 'owner', message: 'must be the name of a user or organization' }]),
      ...(isRepositoryName(name ?? '')
        ? []
        : [{ path: 'name', message: 'must be the name of a repository' }]),
    ];
    if (owner === undefined || name === undefined || errors.length > 0) throw validationFailed(errors);
    return { owner, name };
  }
}
