import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ADVISORY_LOCKS } from '../common/database/advisory-locks.js';
import { EmbeddedStackError } from './embedded-stack-error.js';
import { inUse } from './folder-lock.js';
import { makeSharedFolder, postgresBinaries, SHARED_FOLDER } from './postgres-binaries.js';
import {
  didNotStart,
  endPostgres,
  freePort,
  initialise,
  isRunning,
  launch,
  logSize,
  type PostgresPlace,
  postmasterPid,
  removeStaleLock,
  wasPortTaken,
} from './postgres-process.js';
import { databaseUrl, type StackSecrets, writeSecrets } from './stack-secrets.js';
import { canReach, postgresUser, type SystemUser } from './system-user.js';
import { within } from '../common/periodic/within.js';

/** PostgreSQL may have to recover from a crash before it accepts connections. */
const START_TIMEOUT = 60_000;
const START_POLL = 50;
const PORT_ATTEMPTS = 5;
/** Waiting times before PostgreSQL is started again, in milliseconds. Each start may take {@link START_TIMEOUT}. */
const RESTART_DELAYS = [0, 500, 1_000, 2_000, 4_000, 8_000];
/** A PostgreSQL that ends this often within {@link CRASH_WINDOW} is not started again. */
const MOST_CRASHES = 5;
const CRASH_WINDOW = 60_000;
/** Closing a connection to a PostgreSQL that does not respond would take forever. */
export const CLOSE_TIMEOUT = 1_000;

/** Name of the connection with the lock that marks the process of the stack as alive. */
const OWNER_NAME = 'switchboard-embedded';

/** The PostgreSQL of one data folder. It is started again when it ends by itself. */
export class PostgresCluster {
  /** Rejects if PostgreSQL has ended and cannot be started again. It never resolves. */
  readonly lost: Promise<never>;
  private readonly giveUp: (reason: unknown) => void;
  private readonly crashes: number[] = [];
  private isStopping = false;
  private reviving?: Promise<void>;

  private constructor(
    private readonly place: PostgresPlace,
    private readonly secrets: StackSecrets,
    private owner: pg.Client,
    private readonly log: (line: string) => void,
  ) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.lost = promise;
    this.giveUp = reject;
    // A command does not wait for it.
    this.lost.catch(() => undefined);
    this.watch();
  }

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
    choosePort = freePort,
  ): Promise<PostgresCluster> {
    const user = postgresUser();
    secrets.clusterFolder = clusterIn(dataDir) ?? secrets.clusterFolder ?? prepareFolder(dataDir, user);
    const place = { dataDir, user, folder: secrets.clusterFolder };
    const { initdb } = postgresBinaries(user);
    // A first start that is cut off leaves the passwords for the next one.
    writeSecrets(dataDir, secrets);
    if (!existsSync(join(place.folder, 'PG_VERSION'))) {
      log(`Creating a PostgreSQL database in ${dataDir}. Only the first start does this.`);
      create(initdb, place, secrets);
    }

    let owner = await tryOwn(secrets, dataDir);
    if (owner) log('Reused a PostgreSQL process that was still running after a crash.');
    else {
      await removeStaleLock(place.folder);
      owner = await launchOnFreePort(place, secrets, choosePort);
      writeSecrets(dataDir, secrets);
    }
    return new PostgresCluster(place, secrets, owner, log);
  }

  get url(): string {
    return databaseUrl(this.secrets);
  }

  /** Stops PostgreSQL after ending all sessions, and waits for it. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.reviving;
    const pid = postmasterPid(this.place.folder);
    const ended = this.owner.end().catch(() => undefined);
    await within(CLOSE_TIMEOUT, ended, () => undefined);
    if (pid !== undefined && isRunning(this.place.folder)) await endPostgres(pid);
  }

  private watch(): void {
    this.owner.once('end', () => {
      if (!this.isStopping) this.reviving = this.revive().catch(this.giveUp);
    });
  }

  /** The owner's connection was lost. PostgreSQL may still run: one killed session makes it end all others. */
  private async revive(): Promise<void> {
    const since = performance.now();
    this.log(
      isRunning(this.place.folder)
        ? 'The embedded PostgreSQL has ended its connections. Connecting again.'
        : 'The embedded PostgreSQL has ended. Starting it again.',
    );
    let reason = '';
    for (const delay of RESTART_DELAYS) {
      await sleep(delay);
      if (this.isStopping) return;
      try {
        this.owner = await this.own();
        this.watch();
        const seconds = ((performance.now() - since) / 1_000).toFixed(1);
        return this.log(`The embedded PostgreSQL accepts connections again, after ${seconds} s.`);
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
        this.log(`The embedded PostgreSQL could not be started: ${reason}`);
        if (error instanceof EndsAgainAndAgain) break;
      }
    }
    throw new EmbeddedStackError(
      `The embedded PostgreSQL in ${this.place.dataDir} has ended and cannot be started again: ${reason}`,
    );
  }

  /** Keeps the port, because all connections use the same URL. */
  private async own(): Promise<pg.Client> {
    const { place, secrets } = this;
    const running = await untilOwned(secrets, place.dataDir, () => isRunning(place.folder));
    if (running) return running;
    const now = performance.now();
    if (this.crashes.filter((time) => time > now - CRASH_WINDOW).length >= MOST_CRASHES)
      throw new EndsAgainAndAgain(`it has ended ${MOST_CRASHES + 1} times within a minute`);
    await removeStaleLock(place.folder);
    const owner = await launchAndOwn(place, secrets);
    this.crashes.push(now);
    return owner;
  }
}

/** Another attempt would help nobody. */
class EndsAgainAndAgain extends EmbeddedStackError {}

/** The folder of the cluster that the data folder already has, which may have been moved since. */
function clusterIn(dataDir: string): string | undefined {
  const own = join(dataDir, 'postgres');
  if (!existsSync(join(own, 'PG_VERSION'))) return undefined;
  return lstatSync(own).isSymbolicLink() ? realpathSync(own) : own;
}

/** In the data folder, or, if PostgreSQL's account cannot reach that, in a shared place with a link to it. */
function prepareFolder(dataDir: string, user: SystemUser): string {
  const own = join(dataDir, 'postgres');
  const folder = canReach(own, user) ? own : join(SHARED_FOLDER, `data-${randomUUID()}`);
  if (folder !== own) makeSharedFolder();
  makePrivate(folder, user);
  if (folder !== own) {
    // Left by a start that was cut off.
    if (lstatSync(own, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(own);
    symlinkSync(folder, own);
  }
  return folder;
}

function makePrivate(folder: string, user: SystemUser): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
}

/** The cluster appears in its folder when it is complete. What a start that was cut off has left is removed. */
function create(initdb: string, place: PostgresPlace, secrets: StackSecrets): void {
  const { folder, user } = place;
  const unfinished = `.${basename(folder)}-new-`;
  const parent = dirname(folder);
  for (const name of readdirSync(parent))
    if (name.startsWith(unfinished)) rmSync(join(parent, name), { recursive: true, force: true });
  makePrivate(folder, user);
  if (readdirSync(folder).length > 0)
    throw new EmbeddedStackError(
      `${folder} contains files, but no PostgreSQL database. Move them away, or set another DATA_DIR`,
    );
  // The initdb of the other start may still be running.
  const fresh = join(parent, `${unfinished}${randomUUID()}`);
  makePrivate(fresh, user);
  try {
    initialise(initdb, { ...place, folder: fresh }, secrets);
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
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
  throw inUse(rows[0]?.other?.split(' ')[1], dataDir);
}

/** Another program can take the port between the search for it and the start. */
async function launchOnFreePort(
  place: PostgresPlace,
  secrets: StackSecrets,
  choosePort: () => Promise<number>,
): Promise<pg.Client> {
  for (let attempt = 1; ; attempt++) {
    secrets.port = await choosePort();
    const since = logSize(place.dataDir);
    try {
      return await launchAndOwn(place, secrets);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !wasPortTaken(place.dataDir, since)) throw error;
    }
  }
}

async function launchAndOwn(place: PostgresPlace, secrets: StackSecrets): Promise<pg.Client> {
  const { dataDir, user } = place;
  const since = logSize(dataDir);
  const child = launch(postgresBinaries(user).postgres, place, secrets.port ?? 0);
  const runs = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  const owner = await untilOwned(secrets, dataDir, runs);
  if (owner) return owner;
  // It must not be left behind without an owner.
  child.kill('SIGINT');
  throw didNotStart(dataDir, since, secrets.port);
}

/** Takes ownership as soon as PostgreSQL accepts connections. Undefined if it ends, or takes too long. */
async function untilOwned(
  secrets: StackSecrets,
  dataDir: string,
  runs: () => boolean,
): Promise<pg.Client | undefined> {
  const deadline = performance.now() + START_TIMEOUT;
  while (runs() && performance.now() < deadline) {
    const owner = await tryOwn(secrets, dataDir);
    if (owner) return owner;
    await sleep(START_POLL);
  }
  return undefined;
}
