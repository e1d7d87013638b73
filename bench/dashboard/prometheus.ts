import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.js';

/** As in deploy/prometheus/prometheus.yml and the provisioned data source. */
export const SCRAPE_INTERVAL = 15;

export interface Target {
  instance: string;
  /** `host:port` */
  address: string;
}

/** One series of a result: its labels, and its values by the seconds since 1970. */
export interface Series {
  labels: Record<string, string>;
  values: Array<[time: number, value: number]>;
}

export interface Prometheus {
  /** A series has a value for each step for which the query returned one. */
  range(query: string, from: number, to: number, step: number): Promise<Series[]>;
  instant(query: string, at: number): Promise<Series[]>;
  stop(): Promise<void>;
}

interface Answer {
  status: string;
  error?: string;
  data?: {
    result: Array<{ metric: Record<string, string>; values?: [number, string][]; value?: [number, string] }>;
  };
}

/** Starts the system's Prometheus on 127.0.0.1 with the data of a folder. Without targets it only answers queries. */
export async function startPrometheus(folder: string, targets: Target[] = []): Promise<Prometheus> {
  const config = {
    global: { scrape_interval: `${SCRAPE_INTERVAL}s` },
    scrape_configs: [
      {
        job_name: 'switchboard',
        static_configs: targets.map(({ instance, address }) => ({
          targets: [address],
          labels: { instance },
        })),
      },
    ],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = once(child, 'exit');
  process.on('exit', () => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt++) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (attempt === 300) throw new Error('Prometheus did not start. Is it installed?');
    await sleep(100);
  }

  async function ask(path: string, parameters: Record<string, string | number>): Promise<Series[]> {
    const body = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, `${value}`]));
    const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body });
    const { data, error } = (await response.json()) as Answer;
    if (!data) throw new Error(`${parameters['query']}: ${error}`);
    return data.result.map(({ metric, values, value }) => ({
      labels: metric,
      values: (values ?? (value ? [value] : [])).map(([time, text]) => [time, Number(text)]),
    }));
  }

  return {
    range: (query, start, end, step) => ask('query_range', { query, start, end, step }),
    instant: (query, time) => ask('query', { query, time }),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
