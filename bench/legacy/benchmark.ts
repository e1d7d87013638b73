import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../support/postgres.js';
import { createLegacyTables } from '../../test/legacy/legacy-schema.js';
import { addRows } from './rows.js';

const COMMAND = 'dist/src/upgrade-legacy/cli/upgrade-legacy.js';

/** How long the upgrade of an old chatbot's database takes, what memory it needs, and how long readers wait meanwhile. */
export async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({ args: argv, options: { messages: { type: 'string', default: '200000' } } });
  const messages = Number(values.messages);
  const server = await startPostgres();
  try {
    const url = await server.createDatabase('legacy');
    await withClient(url, async (client) => {
      await createLegacyTables({ query: async (text) => (await client.query<object>(text)).rows }, '0007');
      await addRows(client, messages);
    });
    const size = await withClient(url, async (client) => {
      const { rows } = await client.query<{ size: string }>(
        'select pg_size_pretty(pg_database_size(current_database())) as size',
      );
      return rows[0]?.size;
    });
    print(
      `${messages.toLocaleString('en-US')} messages, a database of ${size}, PostgreSQL ${server.version}`,
    );
    const dryRun = await run(url, [], server.pid);
    print(
      `dry run: ${seconds(dryRun.milliseconds)}, processor time ${dryRun.processorSeconds.toFixed(1)} s, peak memory ${dryRun.peakMegabytes} MB`,
    );
    const reader = readMeanwhile(url);
    const applied = await run(url, ['--apply'], server.pid);
    const waits = await reader.stop();
    print(
      `apply: ${seconds(applied.milliseconds)} (${Math.round(messages / (applied.milliseconds / 1_000)).toLocaleString('en-US')} messages/s), ` +
        `processor time ${applied.processorSeconds.toFixed(1)} s, peak memory ${applied.peakMegabytes} MB`,
    );
    print(
      `a reader of the old tables meanwhile: ${waits.length} reads, median ${at(waits, 0.5)} ms, 99th percentile ${at(waits, 0.99)} ms, longest ${at(waits, 1)} ms`,
    );
    const finished = await run(url, ['--finish'], server.pid);
    print(`finish: ${seconds(finished.milliseconds)}`);
  } finally {
    await server.stop();
  }
}

interface Run {
  milliseconds: number;
  /** Of the command and of the database, whatever else the machine does. */
  processorSeconds: number;
  peakMegabytes: number;
}

async function run(url: string, flags: string[], databasePid: number): Promise<Run> {
  const before = processorSecondsOf(databasePid, 'with children');
  const startedAt = performance.now();
  const child = spawn(process.execPath, [COMMAND, ...flags], {
    env: { PATH: process.env['PATH'], DATABASE_URL: url },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let peakMegabytes = 0;
  let own = 0;
  const watch = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, memoryOf(child));
    own = Math.max(own, processorSecondsOf(child.pid, 'alone'));
  }, 100);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(watch);
  if (code !== 0) throw new Error(`the command ended with ${code}`);
  const milliseconds = performance.now() - startedAt;
  // The database counts what its backend has used when that has ended.
  await sleep(500);
  return {
    milliseconds,
    processorSeconds: own + processorSecondsOf(databasePid, 'with children') - before,
    peakMegabytes,
  };
}

/** Linux counts in hundredths of a second. */
function processorSecondsOf(pid: number | undefined, extent: 'alone' | 'with children'): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
      .map(Number);
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
    return (user + system + (extent === 'alone' ? 0 : childUser + childSystem)) / 100;
  } catch {
    return 0;
  }
}

/** The most memory that a process has had, in megabytes; 0 when it has ended. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

/** Reads a chat again and again, as the old chatbot does, until its table has made room. */
function readMeanwhile(url: string): { stop(): Promise<number[]> } {
  const waits: number[] = [];
  let isStopped = false;
  const reading = withClient(url, async (client) => {
    const { rows } = await client.query<{ id: string }>('select id from "Chat" limit 1');
    while (!isStopped) {
      const startedAt = performance.now();
      const found = await client
        .query('select * from "Chat" where id = $1', [rows[0]?.id])
        .catch(() => undefined);
      if (!found) return;
      waits.push(performance.now() - startedAt);
      await sleep(5);
    }
  });
  return {
    stop: async () => {
      isStopped = true;
      await reading;
      return waits.toSorted((a, b) => a - b);
    },
  };
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(1)} s`;
const at = (sorted: number[], share: number) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
const print = (line: string) => process.stdout.write(`${line}\n`);
