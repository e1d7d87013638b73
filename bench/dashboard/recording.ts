import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { TEST_JWT_SECRET } from '../../test/support/tokens.js';
import { startPostgres } from '../support/postgres.js';
import { freePort } from '../../test/support/free-port.js';
import { killAll, startScript, startSwitchboard } from '../support/processes.js';
import { seed } from '../support/seed.js';
import { simulateUsers } from './people.js';
import { startPrometheus } from './prometheus.js';

/** The run is short, and a rate needs at least a minute of data. */
const LEAST_MINUTES = 2;
const MOST_MINUTES = 30;
const INSTANCES = ['api-1', 'api-2'];

/** The times, in seconds since 1970, between which there is data. */
export interface Recording {
  from: number;
  to: number;
}

/** Two instances of the production build, a provider double, and a real Prometheus that scrapes them. */
export async function recordLoad(where: string, minutes: number): Promise<void> {
  const folder = resolve(where);
  mkdirSync(folder, { recursive: true });
  process.on('SIGINT', () => process.exit(1));
  process.on('exit', killAll);
  const postgres = await startPostgres();
  const stops: Array<() => Promise<unknown>> = [() => postgres.stop()];
  try {
    const { users } = await seed(postgres.url);
    await setLimits(postgres.url);
    const double = await startScript({ script: 'test/doubles/serve.ts', environment: {} });
    stops.push(() => double.stop());
    const servers = [];
    const targets = [];
    for (const instance of INSTANCES) {
      const metricsPort = await freePort();
      const server = await startSwitchboard({
        DATABASE_URL: postgres.url,
        SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
        GOOGLE_BASE_URL: `${double.url}/google`,
        OPENAI_BASE_URL: `${double.url}/openai`,
        ANTHROPIC_BASE_URL: `${double.url}/anthropic`,
        GOOGLE_GENERATIVE_AI_API_KEY: 'load',
        OPENAI_API_KEY: 'load',
        ANTHROPIC_API_KEY: 'load',
        METRICS_PORT: String(metricsPort),
        THROTTLE_LIMIT: '0',
        LOG_LEVEL: 'fatal',
      });
      stops.push(() => server.stop());
      servers.push(server.url);
      targets.push({ instance, address: `127.0.0.1:${metricsPort}` });
    }
    const prometheus = await startPrometheus(folder, targets);
    stops.push(() => prometheus.stop());

    const from = Date.now() / 1000;
    const duration = Math.min(Math.max(minutes, LEAST_MINUTES), MOST_MINUTES);
    console.log(`Simulated users send messages for ${duration} minutes.`);
    console.log(await simulateUsers(servers, users, duration));
    // The recording ends while users are still active.
    const recording: Recording = { from, to: from + duration * 60 };
    writeFileSync(join(folder, 'recording.json'), JSON.stringify(recording));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/**
 * Low enough to be reached: every user reaches the artifact agent's limit, and heavy users reach the chat agent's
 * budget.
 */
async function setLimits(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(
      `update admin_config set config_data = config_data || '{"rateLimit": {"hourly": 12, "daily": 1000}}'
        where config_key = 'artifact_agent_google'`,
    );
    await client.query(
      `update admin_config set config_data = config_data || '{"budget": {"daily": 0.45}}'
        where config_key = 'chat_agent_google'`,
    );
  } finally {
    await client.end();
  }
}
