import { type RepositoryName } from '../../github/repository-name.js';
import { GithubToolError } from './github-tool-error.js';

/** Qualifiers that name where to search. GitHub searches in all places that a query names. */
const PLACE = /(?<![\w-])-?(?:repo|org|user|owner|enterprise)\s*:/i;

/** The left side of `OR` would not be limited to the repository, because AND binds tighter. */
const OR = /\bOR\b/i;

/**
 * Limits a search query to one repository. The qualifier is placed first, where no open quotation mark can include it
 * and no `NOT` can negate it.
 *
 * @throws GithubToolError for a query that reaches further
 */
export function scopeQuery(query: string, { owner, name }: RepositoryName): string {
  const qualifier = `repo:${owner}/${name}`;
  const own = new RegExp(`(?<=^|\\s)repo:"?${`${owner}/${name}`.replaceAll(/\W/g, '\\$&')}"?(?=\\s|$)`, 'gi');
  const rest = query.replace(own, ' ').replaceAll(/\s+/g, ' ').trim();
  if (PLACE.test(rest) || PLACE.test(rest.normalize('NFKC').replace(/[\p{Cc}\p{Cf}]/gu, '')))
    throw new GithubToolError(
      `Only ${owner}/${name} can be searched: omit repo:, org:, user:, owner: and enterprise:.`,
    );
  if (OR.test(rest)) throw new GithubToolError('A search cannot use OR: search once for each word.');
  return `${qualifier} ${rest}`.trim();
}
