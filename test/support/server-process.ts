import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT = 60_000;
const OPEN_TIMEOUT = 60_000;

/** The built server as its own process, as with `npm start`. */
export interface ServerProcess {
  url: string;
  process: ChildProcess;
  /** Everything printed so far, on both streams. */
  output: () => string;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** What the server prints when it listens. */
const LISTENING = /listening on http:\/\/[^\s]*?:(\d+)/;

/** All other variables of the developer's environment are kept from the server: a test must not depend on them. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
/** Tests start the server many times. Node keeps the compiled code of its modules here. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/test-servers');

/** Starts `dist/src/main.js` with exactly this environment, and waits until it is ready. */
export async function startServerProcess(environment: Record<string, string>): Promise<ServerProcess> {
  // The server itself finds a free port, unless the test names one.
  const { PORT = '0', HOST = '127.0.0.1' } = environment;
  const server = spawnServer({ ...environment, PORT });
  const deadline = Date.now() + START_TIMEOUT;
  for (;;) {
    if (server.process.exitCode !== null || Date.now() > deadline) {
      await server.stop('SIGKILL');
      throw new Error(`The server did not start:\n${server.output()}`);
    }
    const port = PORT === '0' ? LISTENING.exec(server.output())?.[1] : PORT;
    const url = `http://${HOST}:${port}`;
    if (port !== undefined && (await isReady(url))) return { ...server, url };
    await sleep(50);
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Runs the server until it ends by itself, for example when it refuses to start. */
export async function runServerProcess(
  environment: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const server = spawnServer(environment);
  const code = await server.ended;
  return { code, output: server.output() };
}

function spawnServer(
  environment: Record<string, string>,
): Omit<ServerProcess, 'url'> & { ended: Promise<number | null> } {
  const inherited = Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
  const child = spawn(process.execPath, ['dist/src/main.js'], {
    env: { ...inherited, NODE_COMPILE_CACHE: COMPILED, LOG_LEVEL: 'debug', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    process: child,
    ended,
    output: () => Buffer.concat(printed).toString('utf8'),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Waits until a program accepts connections at its port. One that has ended is not mistaken for another at that port. */
export async function untilOpen(port: number, name: string, program: ChildProcess): Promise<void> {
  for (const end = Date.now() + OPEN_TIMEOUT; Date.now() < end; await sleep(20)) {
    if (program.exitCode !== null || program.signalCode !== null) break;
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
  }
  throw new Error(`${name} did not start.`);
}
