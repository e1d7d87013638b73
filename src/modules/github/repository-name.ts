/** Identifies a repository at GitHub. */
export interface RepositoryName {
  owner: string;
  name: string;
}

/** Users and organizations. Managed users have an underscore in their name. */
const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?$/;
const NAME = /^[A-Za-z0-9._-]{1,100}$/;

/** `git@github.com:owner/name.git`, which is not a URL. */
const SCP_STYLE = /^git@([^/:\s]+):(.+)$/;

export const isOwner = (text: string): boolean => OWNER.test(text);

/** One or two dots would be a path step, and `.git` alone is the suffix that is removed. */
export const isRepositoryName = (text: string): boolean =>
  NAME.test(text) && !['.', '..', '.git'].includes(text);

/** Whether two names mean the same repository. GitHub names are case-insensitive. */
export const isSameRepository = (one: RepositoryName, other: RepositoryName): boolean =>
  one.owner.toLowerCase() === other.owner.toLowerCase() &&
  one.name.toLowerCase() === other.name.toLowerCase();

/**
 * Parses what users paste: the URL of any page of a repository, with or without its scheme, and the URLs of `git
 * clone`.
 *
 * @param hosts the accepted hosts
 * @returns for an invalid URL, the problem as a text that can follow the name of a field
 */
export function parseRepositoryUrl(text: string, hosts: readonly string[]): RepositoryName | string {
  const trimmed = text.trim();
  const scpStyle = SCP_STYLE.exec(trimmed);
  const url = toUrl(scpStyle ? `ssh://git@${scpStyle[1]}/${scpStyle[2]}` : trimmed);
  if (!url) return 'is not the URL of a repository';
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:'))
    return 'must not contain credentials';
  if (!hosts.includes(url.host.replace(/^www\./, ''))) return `must be a URL at ${hosts[0]}`;
  const [owner = '', last = ''] = url.pathname.split('/').filter((segment) => segment !== '');
  const name = last.replace(/\.git$/, '');
  return isOwner(owner) && isRepositoryName(name)
    ? { owner, name }
    : `must name a repository, as in https://${hosts[0]}/owner/name`;
}

function toUrl(text: string): URL | undefined {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  return url && ['https:', 'http:', 'ssh:', 'git:'].includes(url.protocol) ? url : undefined;
}
