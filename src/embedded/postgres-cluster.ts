import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  fchmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ADVISORY_LOCKS } from '../common/database/advisory-locks.js';
import { EmbeddedStackError } from './embedded-stack-error.js';
import { makeSharedFolder, postgresBinaries, SHARED_FOLDER } from './postgres-binaries.js';
import { databaseUrl, type StackSecrets, writeSecrets } from './stack-secrets.js';
import { canReach, postgresUser, type SystemUser } from './system-user.js';

const START_ATTEMPTS = 300;
const STOP_TIMEOUT = 15_000;

/** Name of the connection with the lock that marks the process of the stack as alive. */
const OWNER_NAME = 'switchboard-embedded';

/** The PostgreSQL of one data folder. */
export class PostgresCluster {
  private constructor(
    readonly url: string,
    private readonly owner: pg.Client,
    private readonly folder: string,
  ) {}

  /**
   * Starts PostgreSQL with the cluster in `dataDir`, which is created on the first start. A PostgreSQL that is still
   * running after a crash is reused. One that belongs to another process is left alone.
   *
   * @throws EmbeddedStackError
   */
  static async start(
    dataDir: string,
    secrets: StackSecrets,
    log: (line: string) => void,
  ): Promise<PostgresCluster> {
    const user = postgresUser();
    secrets.clusterFolder ??= prepareFolder(dataDir, user);
    const folder = secrets.clusterFolder;
    const binaries = postgresBinaries(user);
    const isNew = !existsSync(join(folder, 'PG_VERSION'));
    if (isNew) log(`Creating a PostgreSQL database in ${dataDir}. Only the first start does this.`);
    if (isNew) initialise(binaries.initdb, folder, user, secrets, dataDir);
    writeSecrets(dataDir, secrets);

    let owner = await tryOwn(secrets, dataDir);
    if (owner) log('Reused a PostgreSQL process that was still running after a crash.');
    else {
      removeStaleLock(folder);
      secrets.port = await freePort();
      const child = launch(binaries.postgres, folder, user, secrets.port, dataDir);
      owner = await untilOwned(secrets, dataDir, child);
      writeSecrets(dataDir, secrets);
    }
    return new PostgresCluster(databaseUrl(secrets), owner, folder);
  }

  /** Stops PostgreSQL after ending all sessions, and waits for it. */
  async stop(): Promise<void> {
    const pid = postmasterPid(this.folder);
    await this.owner.end().catch(() => undefined);
    if (pid === undefined) return;
    signal(pid, 'SIGINT');
    const deadline = Date.now() + STOP_TIMEOUT;
    while (isAlive(pid) && Date.now() < deadline) await sleep(25);
    if (isAlive(pid)) signal(pid, 'SIGQUIT');
  }
}

/** In the data folder, or, if PostgreSQL's account cannot reach that, in a shared place with a link to it. */
function prepareFolder(dataDir: string, user: SystemUser): string {
  const own = join(dataDir, 'postgres');
  const folder = canReach(own, user) ? own : join(SHARED_FOLDER, `data-${randomUUID()}`);
  if (folder !== own) makeSharedFolder();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  if (folder !== own) symlinkSync(folder, own);
  return folder;
}

function initialise(
  initdb: string,
  folder: string,
  user: SystemUser,
  secrets: StackSecrets,
  dataDir: string,
): void {
  const passwordFile = join(folder, '..', `.password-${process.pid}`);
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
      const reason = (result.error?.message ?? result.stderr).trim().split('\n').at(-1);
      throw new EmbeddedStackError(`PostgreSQL could not be set up in ${dataDir}: ${reason}`);
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function launch(
  postgres: string,
  folder: string,
  user: SystemUser,
  port: number,
  dataDir: string,
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
  const logFile = openSync(join(dataDir, 'postgres.log'), 'a', 0o600);
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
  child.unref();
  return child;
}

/**
 * The environment variables that PostgreSQL needs. The environment also has provider keys, which its account could
 * read.
 */
function environment(): NodeJS.ProcessEnv {
  const needed = /^(?:PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|SystemRoot)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => needed.test(name)));
}

/** Takes ownership of a running PostgreSQL. Returns undefined if none is running. */
async function tryOwn(secrets: StackSecrets, dataDir: string): Promise<pg.Client | undefined> {
  if (secrets.port === undefined) return undefined;
  const client = new pg.Client({
    connectionString: databaseUrl(secrets),
    application_name: `${OWNER_NAME} ${process.pid}`,
    connectionTimeoutMillis: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch {
    return undefined;
  }
  const { rows } = await client.query<{ owned: boolean; other: string | null }>(
    `select pg_try_advisory_lock($1) as owned,
            (select application_name from pg_stat_activity
              where application_name like '${OWNER_NAME} %' and pid <> pg_backend_pid() limit 1) as other`,
    [ADVISORY_LOCKS.embeddedStack],
  );
  if (rows[0]?.owned) return client;
  await client.end();
  const pid = rows[0]?.other?.split(' ')[1] ?? 'unknown';
  throw new EmbeddedStackError(
    `Another Switchboard process (${pid}) is using ${dataDir}. Stop it or set another DATA_DIR`,
  );
}

async function untilOwned(secrets: StackSecrets, dataDir: string, child: ChildProcess): Promise<pg.Client> {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    const owner = await tryOwn(secrets, dataDir);
    if (owner) return owner;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  throw new EmbeddedStackError(
    `PostgreSQL did not start. See ${join(dataDir, 'postgres.log')} for the reason`,
  );
}

/**
 * PostgreSQL leaves its lock file behind when it is killed, and considers it valid while any process has that id. A
 * process that is not PostgreSQL was only assigned the same id later.
 */
function removeStaleLock(folder: string): void {
  const pid = postmasterPid(folder);
  if (pid === undefined) return;
  if (!isAlive(pid) || !isPostgres(pid)) {
    rmSync(join(folder, 'postmaster.pid'), { force: true });
    return;
  }
  // It runs but does not respond under the known port and password, so it is not ours.
  signal(pid, 'SIGINT');
  const until = Date.now() + STOP_TIMEOUT;
  while (isAlive(pid) && Date.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  } catch {
    return (
      spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.includes(
        'postgres',
      ) ?? false
    );
  }
}

function postmasterPid(folder: string): number | undefined {
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

function freePort(): Promise<number> {
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
