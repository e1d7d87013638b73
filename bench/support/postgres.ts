import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { fromBuild } from './build.js';
import { freePort } from '../../test/support/free-port.js';

const START_ATTEMPTS = 200;

/** Production settings: what is committed is on disk. The rest are PostgreSQL's defaults. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 100,
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
};

export interface TemporaryPostgres {
  url: string;
  pid: number;
  version: string;
  /** Adds an empty database. @returns its URL */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a migrated PostgreSQL in its own folder. It is removed at the end. */
export async function startPostgres(): Promise<TemporaryPostgres> {
  const { postgresBinaries, postgresUser, runMigrations } = await fromBuild();
  // PostgreSQL refuses to run as root.
  const user = postgresUser();
  const { initdb, postgres } = postgresBinaries(user);
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-bench-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  if (user.uid !== undefined && user.gid !== undefined) {
    for (const path of [folder, data]) chownSync(path, user.uid, user.gid);
  }
  const removeFolder = () => remove(folder);
  process.on('exit', removeFolder);

  const options = { ...user, cwd: folder };
  const setup = ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  execFileSync(initdb, setup, { ...options, stdio: 'ignore' });
  const port = await freePort();
  const settings = Object.entries({ port, ...SETTINGS }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  // PostgreSQL runs in its own process group. Ctrl-C goes to the harness, which stops PostgreSQL last.
  const server = spawn(postgres, ['-D', data, ...settings], { ...options, stdio: 'ignore', detached: true });
  const ended = once(server, 'exit');
  const kill = () => void server.kill('SIGQUIT');
  process.prependListener('exit', kill);

  if (server.pid === undefined) throw new Error(`${postgres} could not be started`);
  const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const url = urlOf('postgres');
  const version = await untilReady(url);
  await runMigrations({ url });
  return {
    url,
    pid: server.pid,
    version,
    createDatabase: async (name) => {
      const client = new pg.Client(url);
      await client.connect();
      try {
        await client.query(`create database ${pg.escapeIdentifier(name)}`);
      } finally {
        await client.end();
      }
      return urlOf(name);
    },
    stop: async () => {
      server.kill('SIGINT');
      await ended;
      process.off('exit', kill);
      removeFolder();
      process.off('exit', removeFolder);
    },
  };
}

/** Retries: a PostgreSQL process that was just killed may still be writing its last file. */
function remove(folder: string): void {
  for (let attempt = 1; attempt <= 40 && existsSync(folder); attempt++) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // This also runs when the process exits, where nothing can be awaited.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

async function untilReady(url: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client(url);
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string }>(
        `select current_setting('server_version') as version`,
      );
      await client.end();
      return rows[0]?.version ?? 'unknown';
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
      await sleep(50);
    }
  }
}
