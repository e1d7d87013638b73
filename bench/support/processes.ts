import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.js';

const ROOT = new URL('../../', import.meta.url);
const HOOKS = new URL('./typescript.js', import.meta.url).href;
const START_TIMEOUT = 30_000;
const STOP_TIMEOUT = 10_000;

/** Variables of the caller that a measured process may see. Any others could change the result. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG'];

/** Running processes. None is left running, however the harness ends. */
const running = new Set<ChildProcess>();
process.on('exit', killAll);

/** Kills all servers at once, for example when the harness is interrupted. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A server in its own process. */
export interface ServerProcess {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

interface StartOptions {
  script: string;
  environment: Record<string, string>;
  flags?: string[];
  /** The folder it starts in. The default is this repository. */
  root?: string;
}

/** Starts a script of this project that prints `{"url":…}` when it listens. */
export async function startScript({ script, environment, flags = [] }: StartOptions): Promise<ServerProcess> {
  const server = launch({ script, environment, flags: ['--import', HOOKS, ...flags] });
  const line = await Promise.race([server.firstLine, server.failure]);
  const { url } = JSON.parse(line) as { url: string };
  return { ...server, url };
}

/**
 * Starts a production build. Resolves when it is ready.
 *
 * @param root the folder of the revision, by default this one
 */
export async function startSwitchboard(
  environment: Record<string, string>,
  flags: string[] = [],
  root?: string,
): Promise<ServerProcess & { readyAfterMs: number }> {
  const port = await freePort();
  const startedAt = performance.now();
  const server = launch({
    script: 'dist/src/main.js',
    environment: { NODE_ENV: 'production', PORT: String(port), ...environment },
    flags,
    root,
  });
  const url = `http://127.0.0.1:${port}`;
  const ready = untilReady(`${url}/health/ready`);
  await Promise.race([ready, server.failure]);
  return { ...server, url, readyAfterMs: performance.now() - startedAt };
}

/** Seconds of processor time that a process has used, or undefined if the system does not report them. */
export function cpuSeconds(pid: number): number | undefined {
  const times = readTimes(pid);
  return times && times.own / ticksPerSecond();
}

/** The same for a process and all its children, including those that have ended: PostgreSQL with its backends. */
export function cpuSecondsWithChildren(pid: number): number | undefined {
  for (;;) {
    const before = readTimes(pid);
    if (!before) return undefined;
    let sum = before.own + before.endedChildren;
    for (const child of readdirSync('/proc')) {
      const times = /^\d+$/.test(child) ? readTimes(Number(child)) : undefined;
      if (times?.parent === pid) sum += times.own + times.endedChildren;
    }
    // A child that ended meanwhile may have been counted twice, or not at all.
    if (readTimes(pid)?.endedChildren === before.endedChildren) return sum / ticksPerSecond();
  }
}

/** Resident memory of a process in bytes, or undefined if the system does not report it. */
export function residentBytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProcess(pid, 'status') ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

interface Launched {
  pid: number;
  firstLine: Promise<string>;
  /** Never resolves. Rejects if the process ends before it is stopped. */
  failure: Promise<never>;
  stop(): Promise<void>;
}

function launch({ script, environment, flags = [], root }: StartOptions): Launched {
  const inherited = Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
  const child = spawn(process.execPath, [...flags, script], {
    cwd: root ?? ROOT,
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Only the harness handles Ctrl-C. It then ends the processes in order.
    detached: true,
  });
  if (child.pid === undefined) throw new Error(`${script} could not be started`);
  running.add(child);
  const ended = once(child, 'exit').then(() => void running.delete(child));
  const failure = ended.then(() => Promise.reject(new Error(`${script} ended before it was ready`)));
  failure.catch(() => undefined);
  const firstLine = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line));
  firstLine.catch(() => undefined);
  return {
    pid: child.pid,
    firstLine,
    failure,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function untilReady(url: string): Promise<void> {
  for (const deadline = performance.now() + START_TIMEOUT; performance.now() < deadline; await sleep(5)) {
    const ready = await fetch(url).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      () => false,
    );
    if (ready) return;
  }
  throw new Error(`${url} did not answer in time`);
}

interface ProcessTimes {
  parent: number;
  /** Ticks, user and system. */
  own: number;
  endedChildren: number;
}

function readTimes(pid: number): ProcessTimes | undefined {
  const stat = readProcess(pid, 'stat');
  if (stat === undefined) return undefined;
  // The name of the process, in parentheses, may contain any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const sum = (first: number, second: number) => Number(fields[first]) + Number(fields[second]);
  return { parent: Number(fields[1]), own: sum(11, 12), endedChildren: sum(13, 14) };
}

function readProcess(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

let ticks: number | undefined;

function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}
