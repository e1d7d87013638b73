import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { AppError, upstreamError } from '../../common/errors/app-error.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { githubFailure, GithubTimeoutError, githubUnreachable } from './github-failure.js';
import type { RepositoryName } from './repository-name.js';

/** A repository as described by GitHub. */
export interface FoundRepository extends RepositoryName {
  url: string;
  description: string | null;
  defaultBranch: string;
  isPrivate: boolean;
}

/** GitHub's maximum page size. */
export const GITHUB_PAGE_SIZE = 100;

const DEFAULT_API_URL = 'https://api.github.com';
const GITHUB_HOST = 'github.com';
/** Time limit for headers and body together. */
const TIMEOUT = 10_000;
/** A renamed repository redirects once, and a renamed owner once more. */
const MAX_REDIRECTIONS = 3;

const repositorySchema = z.object({
  name: z.string(),
  owner: z.object({ login: z.string() }),
  html_url: z.url({ protocol: /^https?$/ }),
  description: z.string().nullish(),
  default_branch: z.string().min(1).max(255).nullish(),
  private: z.boolean(),
});

/** Calls GitHub's REST API with the user's own token. */
@Injectable()
export class GithubApi {
  /** The hosts of repository URLs that this can look up. The first one is used in messages. */
  readonly hosts: readonly string[];
  private readonly baseUrl: string;
  private readonly timeout: number;

  constructor(@Inject(APP_CONFIG) config: AppConfig) {
    this.baseUrl = (config.githubApiUrl ?? DEFAULT_API_URL).replace(/\/+$/, '');
    this.timeout = Math.min(TIMEOUT, config.upstream.firstByteTimeout);
    const host = new URL(this.baseUrl).host.replace(/^api\./, '');
    this.hosts = [...new Set([GITHUB_HOST, host])];
  }

  /** @throws AppError 404 for a repository that the token has no access to, and errors of GitHub */
  async findRepository({ owner, name }: RepositoryName, token: string): Promise<FoundRepository> {
    const path = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
    return toFound(parse(repositorySchema, await this.get(path, token, `The repository ${owner}/${name}`)));
  }

  /**
   * One page of the repositories that the token has access to, by name.
   *
   * @param page starts at 1; a page with fewer than {@link GITHUB_PAGE_SIZE} items is the last
   */
  async findVisible(page: number, token: string): Promise<FoundRepository[]> {
    const path = `/user/repos?sort=full_name&per_page=${GITHUB_PAGE_SIZE}&page=${page}`;
    const body = await this.get(path, token, 'The list of repositories');
    return parse(z.array(repositorySchema), body).map(toFound);
  }

  private async get(path: string, token: string, what: string): Promise<unknown> {
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new GithubTimeoutError(`No data arrived for ${this.timeout} ms.`)),
      this.timeout,
    );
    try {
      const response = await this.follow(`${this.baseUrl}${path}`, token, controller.signal);
      if (!response.ok) {
        void response.body?.cancel().catch(() => undefined);
        throw githubFailure(response, what);
      }
      return await response.json();
    } catch (error) {
      throw toFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The token is only sent to the configured server, even if a response redirects elsewhere. */
  private async follow(url: string, token: string, signal: AbortSignal): Promise<Response> {
    for (let redirections = 0; ; redirections++) {
      const response = await fetch(url, {
        headers: {
          accept: 'application/vnd.github+json',
          authorization: `Bearer ${token}`,
          'user-agent': 'switchboard',
          'x-github-api-version': '2022-11-28',
        },
        redirect: 'manual',
        signal,
      });
      const location = response.headers.get('location');
      if (![301, 302, 307, 308].includes(response.status) || location === null) return response;
      void response.body?.cancel().catch(() => undefined);
      const target = URL.parse(location, url);
      if (target?.origin !== new URL(this.baseUrl).origin || redirections === MAX_REDIRECTIONS)
        throw upstreamError('GitHub redirected to another host. The token is not sent there.');
      url = target.href;
    }
  }
}

function toFailure(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return error instanceof SyntaxError
    ? upstreamError("GitHub's response is not JSON.", error)
    : githubUnreachable(error);
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) throw upstreamError('GitHub sent an unexpected response.', result.error);
  return result.data;
}

function toFound(found: z.output<typeof repositorySchema>): FoundRepository {
  return {
    owner: found.owner.login,
    name: found.name,
    url: found.html_url,
    description: found.description ?? null,
    // A repository without commits has no default branch yet.
    defaultBranch: found.default_branch ?? 'main',
    isPrivate: found.private,
  };
}
