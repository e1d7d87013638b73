import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from './harness.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOCKFILE = 'package-lock.json';

/** Another revision of this repository, checked out and built in a temporary folder. */
export interface Revision {
  /** The abbreviated commit. */
  name: string;
  root: string;
  /** Migrates a database to the revision's own schema. */
  migrate(databaseUrl: string): void;
}

/**
 * Checks out and builds a revision. `resources` removes the folder at the end.
 *
 * @throws Error if this repository has no such revision, or if it does not build
 */
export function buildRevision(revision: string, resources: AsyncDisposableStack, log: Log): Revision {
  const commit = commitOf(revision);
  const name = git('rev-parse', '--short', commit);
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-bench-'));
  const root = join(folder, name);
  resources.defer(() => {
    rmSync(folder, { recursive: true, force: true });
    git('worktree', 'prune');
  });
  log(`checking out ${name}`);
  git('worktree', 'add', '--quiet', '--detach', root, commit);
  installDependencies(root, log);
  log(`building ${name}`);
  run(root, 'npm', ['run', 'build']);
  return {
    name,
    root,
    migrate: (databaseUrl) => run(root, 'npm', ['run', 'db:migrate'], { DATABASE_URL: databaseUrl }),
  };
}

function commitOf(revision: string): string {
  try {
    return git('rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`);
  } catch (error) {
    throw new Error(`This repository has no revision ${revision}.`, { cause: error });
  }
}

/** Identical lockfiles mean identical dependencies, so both revisions can use the same ones. */
function installDependencies(root: string, log: Log): void {
  const own = join(ROOT, 'node_modules');
  const isSame =
    readFileSync(join(root, LOCKFILE), 'utf8') === readFileSync(join(ROOT, LOCKFILE), 'utf8') &&
    existsSync(own);
  if (isSame) {
    symlinkSync(own, join(root, 'node_modules'), 'dir');
    return;
  }
  log('installing its dependencies: its lockfile differs');
  run(root, 'npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund']);
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
}

/** Runs a command in a folder. Its output is shown only if it fails. */
function run(cwd: string, command: string, args: string[], environment: Record<string, string> = {}): void {
  try {
    execFileSync(command, args, {
      cwd,
      env: { ...process.env, ...environment },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed in ${cwd}:\n${stdout ?? ''}${stderr ?? ''}`, {
      cause: error,
    });
  }
}
