import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './free-port.js';
import { untilOpen } from './server-process.js';

const BINARY = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Redis is not on npm. Debian and Homebrew have it as `redis-server` or `valkey-server`. */
export const HAS_REDIS = BINARY !== undefined;

/** A Redis of its own, which keeps nothing on disk. It can be stopped and started again at the same address. */
export class RedisServer {
  readonly port: number;
  private process?: ChildProcess;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.process = spawn(BINARY!, options, { stdio: 'ignore' });
    await untilOpen(this.port, 'Redis', this.process);
  }

  /** It still accepts connections, and answers nothing. */
  freeze(): void {
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
