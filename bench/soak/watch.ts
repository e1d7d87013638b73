import { readdirSync } from 'node:fs';
import type pg from 'pg';
import { residentBytes, type ServerProcess } from '../support/processes.js';

/** What the servers use at one moment, all instances together. */
export interface Sample {
  /** Seconds since the start. */
  at: number;
  memory: number;
  heap: number;
  handles: number;
  /** Connections of clients to PostgreSQL. */
  connections: number;
  streams: number;
  /** The longest of the instances, in milliseconds. */
  loopDelay: number;
}

const MEGABYTE = 1024 ** 2;

/** Takes one sample. */
export async function look(
  servers: readonly ServerProcess[],
  database: pg.Client,
  startedAt: number,
): Promise<Sample> {
  const metrics = await Promise.all(servers.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  const values = (name: string) =>
    metrics.map((text) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN));
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  return {
    at: (performance.now() - startedAt) / 1000,
    memory: sum(servers.map(({ pid }) => residentBytes(pid) ?? NaN)) / MEGABYTE,
    heap: sum(values('nodejs_heap_size_used_bytes')) / MEGABYTE,
    handles: sum(servers.map(({ pid }) => readdirSync(`/proc/${pid}/fd`).length)),
    connections: rows[0]!.count,
    streams: sum(values('switchboard_active_streams')),
    loopDelay: Math.max(...values('nodejs_eventloop_lag_p99_seconds')) * 1000,
  };
}

/** The mean of a figure over a part of the run: from 0, its beginning, to 1. */
export function meanOf(
  samples: readonly Sample[],
  name: Exclude<keyof Sample, 'at'>,
  from: number,
  to: number,
): number {
  const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
  return part.reduce((total, sample) => total + sample[name], 0) / part.length;
}
