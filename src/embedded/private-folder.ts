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

/** The file mode mask of a process that keeps secrets. */
export const PRIVATE_UMASK = 0o077;

const STICKY = 0o1000;

/** What the stack keeps; and what a volume has of its own. */
const KNOWN = /^(?:stack\.json|postgres|postgres\.log|storage|lost\+found|\..*)$/;

/**
 * Makes the data folder, or takes one that is there, and closes it and what the stack keeps in it to everybody else.
 * PostgreSQL's own account may pass through it to the cluster, and see nothing.
 *
 * @throws EmbeddedStackError for a folder that others use as well
 */
export function openPrivateFolder(folder: string, postgres: SystemUser): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = statSync(folder);
  const uid = process.getuid?.();
  if ((stats.mode & STICKY) !== 0 || (uid !== undefined && uid !== 0 && stats.uid !== uid))
    throw new EmbeddedStackError(`DATA_DIR ${folder} is shared with others; set a folder of its own`);
  const names = readdirSync(folder);
  // To close a folder of the system, or of somebody's own files, would do harm.
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
    if (/^(?:stack\.json|postgres\.log|\.password-)/.test(name)) close(join(folder, name));
  }
  close(join(folder, 'storage'));
}

/** Takes every right of others from a file or folder, and from all below it; links are left alone. */
function close(path: string): void {
  if (!existsSync(path)) return;
  const stats = lstatSync(path);
  if (stats.isDirectory()) {
    chmodSync(path, 0o700);
    for (const name of readdirSync(path)) close(join(path, name));
  } else if (/\.part(?:\.json)?$/.test(path)) {
    // A crash left it of an upload that was under way.
    rmSync(path, { force: true });
  } else if (stats.isFile() && (stats.mode & 0o777) !== 0o600) {
    chmodSync(path, 0o600);
  }
}
