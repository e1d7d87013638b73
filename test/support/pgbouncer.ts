import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { untilOpen } from './server-process.js';

/** PgBouncer is not on npm. Debian and Homebrew have it as `pgbouncer`. */
export const HAS_PGBOUNCER = spawnSync('pgbouncer', ['--version']).status === 0;

/** A PgBouncer with its default settings, in front of the database of a URL. */
export class PgBouncer {
  readonly url: string;
  private process: ChildProcess;
  private readonly folder: string;
  private readonly port: number;

  private constructor(url: string, process: ChildProcess, folder: string, port: number) {
    this.url = url;
    this.process = process;
    this.folder = folder;
    this.port = port;
  }

  static async start(
    databaseUrl: string,
    {
      mode = 'transaction',
      settings = {},
    }: { mode?: string; settings?: Record<string, string | number> } = {},
  ): Promise<PgBouncer> {
    const { hostname, port, username, password } = new URL(databaseUrl);
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-pgbouncer-'));
    chmodSync(folder, 0o755);
    const listenPort = await freePort();
    const users = join(folder, 'users.txt');
    writeFileSync(users, `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
    const all = {
      listen_addr: '127.0.0.1',
      listen_port: listenPort,
      unix_socket_dir: '',
      auth_type: 'trust',
      auth_file: users,
      pool_mode: mode,
      max_client_conn: 500,
      default_pool_size: 10,
      ...settings,
    };
    const file = join(folder, 'pgbouncer.ini');
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    writeFileSync(file, `[databases]\n* = host=${hostname} port=${port}\n[pgbouncer]\n${lines.join('\n')}\n`);
    const child = launch(file);
    await untilOpen(listenPort, 'PgBouncer', child);
    const url = new URL(databaseUrl);
    url.host = `127.0.0.1:${listenPort}`;
    return new PgBouncer(url.href, child, folder, listenPort);
  }

  /** All connections are lost at once. */
  async kill(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  /** After `kill()`, at the same address. */
  async startAgain(): Promise<void> {
    this.process = launch(join(this.folder, 'pgbouncer.ini'));
    await untilOpen(this.port, 'PgBouncer', this.process);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function launch(file: string): ChildProcess {
  // It refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  return spawn('pgbouncer', [...(isRoot ? ['-u', 'nobody'] : []), '-q', file], { stdio: 'ignore' });
}
