import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EmbeddedStackError } from './embedded-stack-error.js';

/** The account that PostgreSQL runs as. Empty if it is the account of this process. */
export interface SystemUser {
  uid?: number;
  gid?: number;
}

/** Accounts without rights that exist on every Debian or macOS system. */
const UNPRIVILEGED = ['postgres', '_postgres', 'nobody'];

/** PostgreSQL refuses to run as root, so it then runs as an account without rights. */
export function postgresUser(): SystemUser {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of UNPRIVILEGED) {
    const account = accounts.find((fields) => fields[0] === name);
    const [uid, gid] = [Number(account?.[2]), Number(account?.[3])];
    if (account && uid > 0 && gid > 0) return { uid, gid };
  }
  throw new EmbeddedStackError(
    'PostgreSQL cannot run as root, and there is no account such as "nobody" to run it',
  );
}

/** Whether the user can reach `path`: every parent folder must let the user through. */
export function canReach(path: string, { uid, gid }: SystemUser): boolean {
  if (uid === undefined) return true;
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const stats = statSync(folder);
    const bit = stats.uid === uid ? 0o100 : stats.gid === gid ? 0o010 : 0o001;
    if ((stats.mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
