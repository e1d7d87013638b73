import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  fchmodSync,
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedStackError } from './embedded-stack-error.js';
import type { StackSecrets } from './stack-secrets.js';
import type { SystemUser } from './system-user.js';

/** What PostgreSQL is told to end, and how long it may take: fast, at once, and by the system. */
const STOP_SIGNALS = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 2_000],
  ['SIGKILL', 1_000],
] as const;

/** Where PostgreSQL is, and as whom it runs. */
export interface PostgresPlace {
  dataDir: string;
  /** The cluster. */
  folder: string;
  user: SystemUser;
}

export function initialise(
  initdb: string,
  { dataDir, folder, user }: PostgresPlace,
  secrets: StackSecrets,
): void {
  // It is removed with the folder, if this process is killed meanwhile.
  const passwordFile = `${folder}.password`;
  writeFileSync(passwordFile, secrets.databasePassword, { mode: 0o600 });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(passwordFile, user.uid, user.gid);
  try {
    const flags = [
      '-D',
      folder,
      '-U',
      'postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
    ];
    const options = { ...user, cwd: '/', encoding: 'utf8', env: environment() } as const;
    let result = spawnSync(initdb, flags, options);
    // macOS has no C.UTF-8. The builtin provider sorts the same way everywhere.
    if (result.status !== 0) result = spawnSync(initdb, [...flags.slice(0, -1), '--locale=C'], options);
    if (result.status !== 0) {
      const reason = result.error?.message ?? causeIn(result.stderr);
      throw new EmbeddedStackError(`PostgreSQL could not be set up in ${dataDir}: ${reason}`);
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** The line of PostgreSQL's output that says why it failed. Hints and clean-up messages follow it. */
function causeIn(output: string): string | undefined {
  const lines = output.trim().split('\n');
  const cause =
    lines.find((line) => /No space left|quota exceeded/i.test(line)) ??
    lines.findLast((line) => /\b(?:FATAL|PANIC|error):/.test(line)) ??
    lines.at(-1);
  return cause?.replace(/^.*?\b(?:FATAL|PANIC|error):\s*/, '').trim();
}

export function launch(
  postgres: string,
  { dataDir, folder, user }: PostgresPlace,
  port: number,
): ChildProcess {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 100,
    password_encryption: 'scram-sha-256',
    shared_buffers: '64MB',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const logFile = openSync(logOf(dataDir), 'a', 0o600);
  try {
    fchmodSync(logFile, 0o600);
    // PostgreSQL runs in its own process group. Ctrl-C in a terminal must only reach the server, which stops PostgreSQL
    // last.
    const child = spawn(postgres, ['-D', folder, ...flags], {
      ...user,
      cwd: '/',
      env: environment(),
      detached: true,
      stdio: ['ignore', logFile, logFile],
    });
    child.on('error', () => undefined);
    child.unref();
    return child;
  } finally {
    closeSync(logFile);
  }
}

function logOf(dataDir: string): string {
  return join(dataDir, 'postgres.log');
}

/** The number of bytes in the log. What is written later comes from a later start. */
export function logSize(dataDir: string): number {
  try {
    return statSync(logOf(dataDir)).size;
  } catch {
    return 0;
  }
}

/** Whether PostgreSQL could not listen because another program uses its port. */
export function wasPortTaken(dataDir: string, since: number): boolean {
  return /could not bind .* address|Address already in use/i.test(logFrom(dataDir, since));
}

/** Why PostgreSQL did not start. */
export function didNotStart(dataDir: string, since: number, port?: number): EmbeddedStackError {
  if (wasPortTaken(dataDir, since))
    return new EmbeddedStackError(
      `PostgreSQL did not start in ${dataDir}: another program uses its port ${port}`,
    );
  const log = logFrom(dataDir, since);
  const cause = /\b(?:FATAL|PANIC):|No space left/.test(log) ? `: ${causeIn(log)}` : '';
  return new EmbeddedStackError(
    `PostgreSQL did not start in ${dataDir}${cause}. See ${logOf(dataDir)} for the reason`,
  );
}

function logFrom(dataDir: string, since: number): string {
  return readFileSync(logOf(dataDir)).subarray(since).toString('utf8');
}

/**
 * The environment variables that PostgreSQL needs. The environment also has provider keys, which its account could
 * read.
 */
function environment(): NodeJS.ProcessEnv {
  const needed = /^(?:PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|SystemRoot)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => needed.test(name)));
}

/**
 * PostgreSQL leaves its lock file behind when it is killed, and considers it valid while any process has that id. The
 * file may also be empty, if the machine has lost its power.
 */
export async function removeStaleLock(folder: string): Promise<void> {
  const pid = postmasterPid(folder);
  if (pid === undefined || !isPostgresOf(folder, pid)) {
    rmSync(join(folder, 'postmaster.pid'), { force: true });
    return;
  }
  // It runs but does not respond under the known port and password.
  await endPostgres(pid);
}

/** Ends PostgreSQL and all its sessions, and waits for it. One that does not react is killed. */
export async function endPostgres(pid: number): Promise<void> {
  for (const [name, patience] of STOP_SIGNALS) {
    signal(pid, name);
    const deadline = performance.now() + patience;
    while (isAlive(pid) && performance.now() < deadline) await sleep(25);
    if (!isAlive(pid)) return;
  }
}

/** Whether the PostgreSQL of this folder runs. */
export function isRunning(folder: string): boolean {
  const pid = postmasterPid(folder);
  return pid !== undefined && isPostgresOf(folder, pid);
}

/**
 * Whether a process is the PostgreSQL of this folder. Any other process may have the same id by now: after a restart of
 * the machine or the container even the PostgreSQL of another folder.
 */
function isPostgresOf(folder: string, pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    const [program = '', ...flags] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (!/(?:^|\/)(?:postgres|postmaster)$/.test(program)) return false;
    return flags[flags.indexOf('-D') + 1] === folder || worksIn(folder, pid);
  } catch {
    const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return /postgres|postmaster/.test(stdout ?? '') && stdout.includes(`-D ${folder} `);
  }
}

/** PostgreSQL works in its folder, however it was told which one. */
function worksIn(folder: string, pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder);
  } catch {
    return false;
  }
}

export function postmasterPid(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
