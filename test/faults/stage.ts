import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestUser } from '../support/app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.js';
import { HAS_PGBOUNCER, PgBouncer } from '../support/pgbouncer.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';
import type { ServerProcess } from '../support/server-process.js';
import type { Need } from './fault.js';

const SERVERS = 2;
const USERS = 12;
/** PostgreSQL keeps committed transactions in memory for so long that a crash loses all that nobody has waited for. */
const LAZY = { wal_writer_delay: '5s', wal_writer_flush_after: '512MB', max_wal_size: '256MB' };
const DISK = '900m';
const CLOCK = new URL('./clock.js', import.meta.url).href;

/** Real processes: servers, PostgreSQL, Redis and PgBouncer if they are installed, and a double of the providers. */
export class Stage {
  readonly postgres: OwnPostgres;
  readonly redis?: RedisServer;
  readonly users: TestUser[] = [];
  /** The folder of PostgreSQL's small disk, if it has one. */
  readonly disk?: string;
  servers: ServerProcess[] = [];
  bouncer?: PgBouncer;
  /** Servers that ended although no fault ended them. */
  readonly ended: string[] = [];
  private readonly parts: ChatServers;
  private readonly expectedEnds = new WeakSet<ServerProcess>();
  private readonly all: ServerProcess[] = [];

  private constructor(postgres: OwnPostgres, parts: ChatServers, redis?: RedisServer, disk?: string) {
    this.postgres = postgres;
    this.parts = parts;
    this.redis = redis;
    this.disk = disk;
  }

  static async open(): Promise<Stage> {
    const disk = mountSmallDisk();
    const postgres = await startOwnPostgres(LAZY, disk);
    const redis = HAS_REDIS ? await RedisServer.start() : undefined;
    const stage = new Stage(postgres, await prepareChatServers(postgres.database), redis, disk);
    await postgres.database.query(
      `update admin_config set config_data = jsonb_set(config_data, '{rateLimit}', '{"hourly": 1000000, "daily": 1000000}')
        where config_data ? 'rateLimit'`,
    );
    for (let index = 0; index < USERS; index++) stage.users.push(await stage.createUser());
    return stage;
  }

  get double() {
    return this.parts.double;
  }

  get database() {
    return this.parts.database;
  }

  createUser(): Promise<TestUser> {
    return this.parts.createUser();
  }

  /** Whether the machine has what a fault needs. */
  has(need: Need): boolean {
    return {
      redis: this.redis !== undefined,
      pgbouncer: HAS_PGBOUNCER,
      'small disk': this.disk !== undefined,
    }[need];
  }

  /** Starts the servers, directly at PostgreSQL or behind PgBouncer, unless they already run like that. */
  async prepare(behindPgBouncer: boolean): Promise<void> {
    if (this.servers.length === SERVERS && (this.bouncer !== undefined) === behindPgBouncer) return;
    await Promise.all(this.servers.map((server) => this.stop(server, 'SIGKILL')));
    await this.bouncer?.stop();
    this.bouncer = behindPgBouncer ? await PgBouncer.start(this.database.url) : undefined;
    this.servers = await Promise.all(Array.from({ length: SERVERS }, () => this.startServer()));
  }

  /** Puts a new server in the place of one that has ended. */
  async replace(server: ServerProcess): Promise<void> {
    const started = await this.startServer();
    this.servers = this.servers.map((other) => (other === server ? started : other));
  }

  /** Sends a signal that ends a server. */
  stop(server: ServerProcess, signal: NodeJS.Signals): Promise<number | null> {
    this.expectedEnds.add(server);
    return server.stop(signal);
  }

  /** What all servers have printed. */
  output(): string {
    return this.all.map((server) => server.output()).join('\n');
  }

  async close(): Promise<void> {
    for (const server of this.all) this.expectedEnds.add(server);
    await this.parts.close();
    await this.bouncer?.stop();
    await this.redis?.stop();
    await this.postgres.close();
    if (this.disk === undefined) return;
    execFileSync('umount', ['-l', this.disk]);
    rmSync(this.disk, { recursive: true, force: true });
  }

  private async startServer(): Promise<ServerProcess> {
    const server = await this.parts.start({
      NODE_OPTIONS: `--import=${CLOCK}`,
      LOG_LEVEL: 'info',
      DATABASE_URL: this.bouncer?.url ?? this.database.url,
      THROTTLE_LIMIT: '1000000',
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '3000',
      UPSTREAM_IDLE_TIMEOUT_MS: '3000',
      SHUTDOWN_TIMEOUT_MS: '3000',
      ...(this.redis ? { REDIS_URL: this.redis.url } : {}),
    });
    this.all.push(server);
    server.process.once('exit', (code, signal) => {
      if (!this.expectedEnds.has(server)) this.ended.push(`a server ended with ${signal ?? code}`);
    });
    return server;
  }
}

/** A disk that a fault can fill. Only root can mount one. */
function mountSmallDisk(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=755`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
    return folder;
  } catch {
    if (existsSync(folder)) rmSync(folder, { recursive: true });
    return undefined;
  }
}
