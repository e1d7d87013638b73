import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { EmbeddedStackError } from './embedded-stack-error.js';
import { canReach, type SystemUser } from './system-user.js';

/** The umask of a process that keeps secrets. */
export const PRIVATE_UMASK = 0o077;

const STICKY = 0o1000;

/** The stack's own entries, and entries that every volume has. */
const KNOWN =
  /^(?:stack\.json(?:\.\d+)?|stack\.lock(?:\.\w+)*|postgres|postgres\.log|storage|lost\+found|\..*)$/;

/**
 * Creates the data folder or uses an existing one, and closes it and the stack's files to other users. PostgreSQL's own
 * account may pass through it to the cluster, and can read nothing else.
 *
 * @throws EmbeddedStackError for a folder that is also used for other files
 */
export function openPrivateFolder(folder: string, postgres: SystemUser): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = statSync(folder);
  const uid = process.getuid?.();
  if ((stats.mode & STICKY) !== 0 || (uid !== undefined && uid !== 0 && stats.uid !== uid))
    throw new EmbeddedStackError(
      `DATA_DIR ${folder} is shared with other users. Set a folder that is used only for this`,
    );
  const names = readdirSync(folder);
  // Closing a system folder, or a folder with a user's own files, would cause harm.
  if (!names.includes('stack.json') && !names.every((name) => KNOWN.test(name)))
    throw new EmbeddedStackError(
      `DATA_DIR ${folder} contains other files. Set a folder that is used only for this`,
    );
  if (postgres.gid !== undefined && canReach(folder, postgres)) {
    chownSync(folder, stats.uid, postgres.gid);
    chmodSync(folder, 0o710);
  } else {
    chmodSync(folder, 0o700);
  }
  for (const name of names) {
    if (/^(?:stack\.|postgres\.log)/.test(name)) close(join(folder, name));
  }
  close(join(folder, 'storage'));
}

/** Removes all permissions of others from a file or folder, recursively. Links are not changed. */
function close(path: string): void {
  if (!existsSync(path)) return;
  const stats = lstatSync(path);
  if (stats.isDirectory()) {
    chmodSync(path, 0o700);
    for (const name of readdirSync(path)) close(join(path, name));
  } else if (/\.part(?:\.json)?$/.test(path)) {
    // Left by an upload that was interrupted by a crash.
    rmSync(path, { force: true });
  } else if (stats.isFile() && (stats.mode & 0o777) !== 0o600) {
    chmodSync(path, 0o600);
  }
}
