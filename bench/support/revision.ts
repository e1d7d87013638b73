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
  /** Brings a database to the revision's own schema. */
  migrate(databaseUrl: string): void;
}

/**
 * Checks a revision out and builds it. `resources` removes the folder at the end.
 *
 * @throws Error when this repository has no such revision, or it does not build
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
    throw new Error(`this repository has no revision ${revision}`, { cause: error });
  }
}

/** An identical lockfile means identical dependencies, so those of this revision serve both. */
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

/** Runs a command there. Its output is shown only when it fails: then it explains why. */
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
