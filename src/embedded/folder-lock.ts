import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { EmbeddedStackError } from './embedded-stack-error.js';

const FILE = 'stack.lock';
const ATTEMPTS = 5;

/**
 * Marks the data folder as used by this process, before anything in it is read or created. PostgreSQL's own lock comes
 * too late: two first starts would both set up the database.
 */
export class FolderLock {
  private constructor(
    private readonly path: string,
    private readonly content: string,
  ) {}

  /** @throws EmbeddedStackError that names the process with the lock */
  static take(dataDir: string): FolderLock {
    const path = join(dataDir, FILE);
    const content = `${process.pid} ${startOf(process.pid)}`;
    const own = `${path}.${process.pid}`;
    writeFileSync(own, content, { mode: 0o600 });
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        // The file appears with its content.
        if (attemptTo(() => linkSync(own, path))) return new FolderLock(path, content);
        const found = contentOf(path);
        if (found !== undefined && isHeld(found)) throw inUse(found.split(' ')[0], dataDir);
        if (found !== undefined) removeStale(path, found);
      }
      throw inUse(contentOf(path)?.split(' ')[0], dataDir);
    } finally {
      rmSync(own, { force: true });
    }
  }

  release(): void {
    if (contentOf(this.path) === this.content) rmSync(this.path, { force: true });
  }
}

export function inUse(pid: string | undefined, dataDir: string): EmbeddedStackError {
  return new EmbeddedStackError(
    `Another Switchboard process (${pid ?? 'unknown'}) is using ${dataDir}. Stop it or set another DATA_DIR`,
  );
}

/** Another process may have replaced the file since it was read. Its file is then put back. */
function removeStale(path: string, stale: string): void {
  const moved = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (contentOf(moved) !== stale) attemptTo(() => linkSync(moved, path));
  rmSync(moved, { force: true });
}

/** A process that was only assigned the same id later started at another time. */
function isHeld(content: string): boolean {
  const [pid = '', ...start] = content.split(' ');
  const now = startOf(Number(pid));
  return now !== '' && now === start.join(' ');
}

/** When a process started, in the form of its system. Empty if there is no such process. */
function startOf(pid: number): string {
  if (!Number.isInteger(pid) || pid <= 0) return '';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the command may contain spaces and parentheses.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? '' : (fields[18] ?? '');
  } catch (error) {
    if (process.platform === 'linux' && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns false if the file already exists */
function attemptTo(create: () => void): boolean {
  try {
    create();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
