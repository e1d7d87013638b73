/** Starts one PostgreSQL for the whole run, with a migrated template that each test database is cloned from. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { runMigrations } from '../../dist/src/common/database/migrate.js';
import { postgresBinaries } from '../../dist/src/embedded/postgres-binaries.js';
import { postgresUser } from '../../dist/src/embedded/system-user.js';
import { freePort } from './free-port.js';

const PREFIX = 'switchboard-test-';
/** The database of a new installation. */
export const SEEDED_TEMPLATE = 'switchboard_seeded_template';
/** The same with fixed models, whatever vendors retire and newer versions seed. */
export const TEMPLATE = 'switchboard_template';
const PINNED = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/pinned-models.json'), 'utf8'));

export default async function globalSetup() {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(folder, 'owner'), String(process.pid));
  globalThis.switchboardTestFolder = folder;
  // What workers share, see `prepared-stack.ts`.
  process.env.TEST_SHARED_FOLDER = join(folder, 'shared');
  mkdirSync(process.env.TEST_SHARED_FOLDER);
  if (process.env.TEST_DATABASE_URL) {
    chmodSync(folder, 0o755);
    await prepareTemplate(process.env.TEST_DATABASE_URL);
    return;
  }
  // PostgreSQL refuses to run as root.
  const identity = postgresUser();
  const { initdb, postgres } = postgresBinaries(identity);
  const data = join(folder, 'data');
  mkdirSync(data);
  for (const path of [folder, data])
    if (identity.uid !== undefined) chownSync(path, identity.uid, identity.gid);
  const options = { ...identity, stdio: 'ignore', cwd: folder };
  execFileSync(
    initdb,
    ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    options,
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 300,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '128MB',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(postgres, ['-D', data, ...flags], { ...options, detached: true });
  globalThis.switchboardTestCluster = server;
  process.env.TEST_DATABASE_URL = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await untilReady(process.env.TEST_DATABASE_URL);
  await prepareTemplate(process.env.TEST_DATABASE_URL);
}

/**
 * The template has the auth server's role, like Supabase, so that its writes can be distinguished from an operator's.
 */
async function prepareTemplate(url) {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`do $do$ begin
    if to_regrole('supabase_auth_admin') is null then create role supabase_auth_admin login noinherit; end if;
  end $do$`);
  for (const name of [SEEDED_TEMPLATE, TEMPLATE])
    await client.query(`drop database if exists ${name} with (force)`);
  await client.query(`create database ${SEEDED_TEMPLATE}`);
  await runMigrations({ url: databaseUrl(url, SEEDED_TEMPLATE) });
  await inDatabase(
    databaseUrl(url, SEEDED_TEMPLATE),
    `grant usage on schema auth to supabase_auth_admin;
     grant select, insert, update, delete on auth.users to supabase_auth_admin`,
  );
  await client.query(`create database ${TEMPLATE} template ${SEEDED_TEMPLATE}`);
  await client.end();
  await inDatabase(databaseUrl(url, TEMPLATE), pinModels());
}

/** Replaces the seeded models with the pinned ones, in the history too, as if they had been the seed. */
function pinModels() {
  const json = (value) => `${pg.escapeLiteral(JSON.stringify(value))}::jsonb`;
  const { catalog, titleModels, imageModels, routingModels, agentModels } = PINNED;
  const changes = [
    ['model_catalog', json(catalog)],
    ['app_settings', `config_data || ${json({ titleModels, imageModels })}`],
    ['routing_agent', `config_data || ${json({ models: routingModels })}`],
    ...Object.entries(agentModels).flatMap(([provider, models]) =>
      ['chat', 'artifact', 'git_mcp'].map((agent) => [
        `${agent}_agent_${provider}`,
        `config_data || ${json({ models })}`,
      ]),
    ),
  ];
  const statements = changes.flatMap(([key, data]) =>
    ['public.admin_config', 'switchboard.config_history'].map(
      (table) => `update ${table} set config_data = ${data} where config_key = '${key}'`,
    ),
  );
  return ['begin', `set local session_replication_role = replica`, ...statements, 'commit'].join(';\n');
}

function databaseUrl(url, name) {
  const named = new URL(url);
  named.pathname = `/${name}`;
  return named.href;
}

async function inDatabase(url, statements) {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(statements);
  await client.end();
}

/** Clusters of runs that were killed. */
function removeLeftovers() {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    // A run that is just starting has not written its process id yet.
    if (Date.now() - statSync(folder).mtimeMs < 60_000) continue;
    try {
      const owner = Number(readFileSync(join(folder, 'owner'), 'utf8'));
      if (isAlive(owner)) continue;
      process.kill(
        Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]),
        'SIGQUIT',
      );
    } catch {
      // It is no longer running.
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function untilReady(url) {
  for (let attempt = 0; ; attempt++) {
    const client = new pg.Client(url);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (attempt === 1_200) throw error;
      await sleep(50);
    }
  }
}
