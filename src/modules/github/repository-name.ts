/** Names a repository at GitHub. */
export interface RepositoryName {
  owner: string;
  name: string;
}

/** Users and organisations; managed users have an underscore in it. */
const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?$/;
const NAME = /^[A-Za-z0-9._-]{1,100}$/;

/** `git@github.com:owner/name.git`, which is no URL. */
const SCP_STYLE = /^git@([^/:\s]+):(.+)$/;

export const isOwner = (text: string): boolean => OWNER.test(text);

/** A dot or two would be a step in a path, and `.git` alone is what is cut off. */
export const isRepositoryName = (text: string): boolean =>
  NAME.test(text) && !['.', '..', '.git'].includes(text);

/** Whether two names mean one repository: GitHub does not tell capital letters apart. */
export const isSameRepository = (one: RepositoryName, other: RepositoryName): boolean =>
  one.owner.toLowerCase() === other.owner.toLowerCase() &&
  one.name.toLowerCase() === other.name.toLowerCase();

/**
 * Reads what people paste: the address of any page of a repository, with or without its scheme, and what `git clone`
 * takes.
 *
 * @param hosts whose repositories are meant
 * @returns what is wrong with it, as a text that can follow the name of a field, where it is no such address
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
