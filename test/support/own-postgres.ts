import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { runMigrations } from '../../src/common/database/migrate.js';
import { postgresBinaries } from '../../src/embedded/postgres-binaries.js';
import { postgresUser } from '../../src/embedded/system-user.js';
import type { TestDatabase } from './postgres.js';
import { freePort } from './free-port.js';

/** A PostgreSQL that a test may break: it writes to the disk as in production, and nobody else uses it. */
export interface OwnPostgres {
  database: TestDatabase;
  /** Ends all processes at once, as when the machine loses its power. What was not on the disk is gone. */
  kill(): Promise<void>;
  /** One backend is killed. PostgreSQL restarts by itself, and loses what was not on the disk. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Ends all sessions, and starts again. */
  restart(): Promise<void>;
  /** Starts again if it has ended by itself. */
  revive(): Promise<void>;
  /** It keeps its connections, and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Refuses all writes, or allows them again. */
  readOnly(isReadOnly: boolean): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param settings of the server, for example a long `wal_writer_delay`
 * @param parent the folder for its files
 */
export async function startOwnPostgres(
  settings: Record<string, string> = {},
  parent = tmpdir(),
): Promise<OwnPostgres> {
  const identity = postgresUser();
  const { initdb, postgres } = postgresBinaries(identity);
  const folder = mkdtempSync(join(parent, 'switchboard-own-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  for (const path of [folder, data])
    if (identity.uid !== undefined && identity.gid !== undefined) chownSync(path, identity.uid, identity.gid);
  const options = { ...identity, stdio: 'ignore', cwd: folder } as const;
  execFileSync(
    initdb,
    ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    options,
  );
  const port = await freePort();
  const all: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let server: ChildProcess;
  const query = async (sql: string, parameters?: unknown[]) => {
    const client = new pg.Client(url);
    client.on('error', () => undefined);
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(sql, parameters);
      return rows;
    } finally {
      await client.end();
    }
  };
  const untilReady = async () => {
    for (let attempt = 0; ; attempt++) {
      try {
        await query('select 1');
        return;
      } catch (error) {
        if (attempt === 1_200) throw error;
        await sleep(50);
      }
    }
  };
  const start = async () => {
    server = spawn(postgres, ['-D', data, ...flags], { ...options, detached: true });
    await untilReady();
  };
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    // The children first: they end by themselves when the postmaster is gone, but not at once.
    for (const pid of childrenOf(server.pid!)) signalOne(pid, 'SIGKILL');
    server.kill('SIGKILL');
    await ended;
    rmSync(join(data, 'postmaster.pid'), { force: true });
  };
  const signalAll = (signal: NodeJS.Signals) => {
    for (const pid of [server.pid!, ...childrenOf(server.pid!)]) signalOne(pid, signal);
  };
  await start();
  await runMigrations({ url });
  return {
    database: { url, query, drop: () => Promise.resolve() },
    kill,
    start,
    restart: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGINT');
      await ended;
      await start();
    },
    revive: async () => {
      if (server.exitCode !== null || server.signalCode !== null) await start();
      else await untilReady();
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    crash: async () => {
      const [row] = await query(
        `select min(pid) as pid from pg_stat_activity
          where pid <> pg_backend_pid() and backend_type = 'client backend'`,
      );
      signalOne(row!['pid'] as number, 'SIGKILL');
      await sleep(100);
      await untilReady();
    },
    readOnly: async (isReadOnly) => {
      // This is no transaction that a read-only server refuses.
      await query(`alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`);
      await query('select pg_reload_conf()');
    },
    close: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  // 0 and below stand for groups of processes, this one included.
  if (!(pid > 1)) throw new Error(`There is no process ${pid}.`);
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
