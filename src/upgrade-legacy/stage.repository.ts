import type pg from 'pg';
import { ADVISORY_LOCKS } from '../common/database/advisory-locks.js';
import { runMigrationsBetween } from '../common/database/migrate.js';
import { COUNTS, REPORT, SCHEMAS } from './context.js';
import { LEGACY_TABLES, type LegacyTables } from './legacy-tables.repository.js';

/** The progress of an upgrade. */
export type Phase = 'prepared' | 'copying' | 'switched' | 'undone' | 'finished';

export interface State {
  phase: Phase;
  /** The schema of the old tables before they were moved. */
  schema: string;
  /** A transaction number. Rows of the old tables that were written by this transaction or later may not have been copied. */
  since: string | null;
}

const STATE = 'switchboard.legacy_state';
const HOLD = 'switchboard_hold';
/** The maximum time for which others may have to wait for the old tables. */
export const LOCKING = { timeout: '3s' };

const BOOKS = `
  create table if not exists ${STATE} (
    id boolean primary key default true check (id), phase text not null, schema_name text not null, since text);
  create table if not exists ${COUNTS} (
    table_name text primary key, rows_before bigint not null, rows_after bigint not null, set_aside bigint not null,
    folded bigint not null);
  create table if not exists ${REPORT} (
    id bigint generated always as identity primary key,
    table_name text not null, row_id text not null, chat_id uuid, document_id uuid,
    decision text not null, reason text not null, original json,
    decided_at timestamptz(3) not null default now());
  alter table ${STATE} enable row level security;
  alter table ${COUNTS} enable row level security;
  alter table ${REPORT} enable row level security;
  revoke all on ${STATE}, ${COUNTS}, ${REPORT} from public, anon, authenticated`;

/**
 * The triggers that note new messages for the search were disabled. A marked user is indexed as a whole, and a search
 * finds the messages even before that.
 */
const TO_BE_INDEXED = `
  insert into switchboard.search_due (user_id, is_whole) select distinct user_id, true from public.chat
  on conflict (user_id) do update set is_whole = true`;

interface Queryable {
  query(sql: string): Promise<unknown>;
}

export async function lockUpgrade(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
    ADVISORY_LOCKS.legacyUpgrade,
  ]);
  return rows[0]?.locked === true;
}

export async function readState(client: pg.ClientBase): Promise<State | undefined> {
  const { rows: tables } = await client.query<{ present: boolean }>(
    `select to_regclass('${STATE}') is not null as present`,
  );
  if (!tables[0]?.present) return undefined;
  const { rows } = await client.query<State>(`select phase, schema_name as schema, since from ${STATE}`);
  return rows[0];
}

export async function writeState(client: Queryable, { phase, schema, since }: State): Promise<void> {
  const text = (value: string | null) => (value === null ? 'null' : `'${value.replaceAll("'", "''")}'`);
  await client.query(
    `insert into ${STATE} (phase, schema_name, since) values (${text(phase)}, ${text(schema)}, ${text(since)})
     on conflict (id) do update set phase = excluded.phase, schema_name = excluded.schema_name, since = excluded.since`,
  );
}

/** A transaction number. Rows that change after this moment have this number or a later one. */
export async function currentTransaction(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ since: string }>(
    `select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296)::text as since`,
  );
  return rows[0]?.since ?? '3';
}

/**
 * Creates Switchboard's tables, although the old ones have the same names. The old tables move away for a moment, the
 * migrations run, and the new tables move to a schema of their own. Others only see the result. The same way, the
 * migrations of a newer version reach tables that wait there.
 */
export async function migrateBeside(url: string, legacy: LegacyTables, state: State): Promise<void> {
  let others: string[] = [];
  await runMigrationsBetween(
    { url },
    async (runner) => {
      await runner.query(`set local lock_timeout = '${LOCKING.timeout}'`);
      await runner.query(`create schema ${HOLD}`);
      await move(runner, legacy.names, legacy.schema, HOLD);
      others = await tablesOf(runner, 'public');
      await move(runner, await tablesOf(runner, SCHEMAS.next), SCHEMAS.next, 'public');
    },
    async (runner) => {
      await runner.query(`create schema if not exists ${SCHEMAS.next}`);
      const made = (await tablesOf(runner, 'public')).filter((name) => !others.includes(name));
      await move(runner, made, 'public', SCHEMAS.next);
      await move(runner, legacy.names, HOLD, legacy.schema);
      await runner.query(`drop schema ${HOLD}`);
      await setTriggers(runner, 'disable');
      await makeBooks(runner, state);
    },
  );
}

/** For old tables in another schema than Switchboard's, which already has its migrations. */
export async function makeBooks(client: Queryable, state: State): Promise<void> {
  await client.query(BOOKS);
  await client.query(`create schema if not exists ${SCHEMAS.work}`);
  await writeState(client, state);
}

/** Moves the old tables away, and moves the new ones to their place. */
export async function switchTables(client: pg.ClientBase, legacy: LegacyTables): Promise<void> {
  await client.query(`create schema if not exists ${SCHEMAS.old}`);
  await move(client, legacy.names, legacy.schema, SCHEMAS.old);
  await setTriggers(client, 'enable');
  await move(client, await tablesOf(client, SCHEMAS.next), SCHEMAS.next, 'public');
  await client.query(`drop schema ${SCHEMAS.next}`);
  await client.query(TO_BE_INDEXED);
}

/** Moves the old tables back. Data that was written meanwhile stays in the schema of the new tables. */
export async function switchBack(client: pg.ClientBase, made: string[], schema: string): Promise<void> {
  await client.query(`create schema ${SCHEMAS.next}`);
  await move(client, made, 'public', SCHEMAS.next);
  await move(client, await tablesOf(client, SCHEMAS.old), SCHEMAS.old, schema);
  await client.query(`drop schema ${SCHEMAS.old}`);
}

/** Reads may continue. Writes wait until the switch is complete or has failed. */
export async function lockOldTables(client: pg.ClientBase, legacy: LegacyTables): Promise<void> {
  await client.query(`set local lock_timeout = '${LOCKING.timeout}'`);
  await client.query(`lock table ${legacy.names.map((name) => legacy.table(name)).join(', ')} in share mode`);
}

/** Drops the old tables, and everything that only the upgrade needed. The report stays. */
export async function dropOldTables(client: pg.ClientBase, schema: string): Promise<string[]> {
  const names = (await tablesOf(client, schema)).filter((name) =>
    (LEGACY_TABLES as readonly string[]).includes(name),
  );
  const tables = names.map((name) => `${quoted(schema)}.${quoted(name)}`);
  if (tables.length > 0) await client.query(`drop table ${tables.join(', ')}`);
  if (schema === SCHEMAS.old) await client.query(`drop schema ${SCHEMAS.old}`);
  await client.query(`drop schema if exists ${SCHEMAS.work} cascade`);
  return names;
}

/** Discards a copy that is no longer needed. Its target tables stay, empty. */
export async function discardCopy(client: pg.ClientBase, target: string): Promise<void> {
  await setTriggers(client, 'disable');
  await client.query(`
    delete from ${target}.chat;
    delete from ${target}."Document";
    truncate ${REPORT}, ${COUNTS};
    drop schema if exists ${SCHEMAS.work} cascade;
    create schema ${SCHEMAS.work}`);
}

export async function tablesOf(
  client: { query(sql: string): Promise<unknown> },
  schema: string,
): Promise<string[]> {
  const result = await client.query(
    `select relname::text as name from pg_class
      where relnamespace = to_regnamespace('${schema}') and relkind in ('r', 'p') order by 1`,
  );
  const rows = (Array.isArray(result) ? result : (result as { rows: unknown }).rows) as Array<{
    name: string;
  }>;
  return rows.map(({ name }) => name);
}

async function move(client: Queryable, names: readonly string[], from: string, to: string): Promise<void> {
  if (from === to) return;
  for (const name of names) {
    await client.query(`alter table ${quoted(from)}.${quoted(name)} set schema ${quoted(to)}`);
  }
}

/**
 * Trigger functions, or functions that they call, name their tables with the schema `public`, which still contains the
 * old tables. Such triggers are disabled while rows are copied. The copy does their work.
 */
async function setTriggers(client: Queryable, action: 'enable' | 'disable'): Promise<void> {
  await client.query(`
    do $do$ declare found record; begin
      for found in
        select tgrelid::regclass as relation, tgname
          from pg_trigger join pg_class on pg_class.oid = tgrelid join pg_proc on pg_proc.oid = tgfoid
         where relnamespace = to_regnamespace('${SCHEMAS.next}') and not tgisinternal
           and (prosrc like '%public.%' or exists (
             select from pg_proc called
              where called.pronamespace = to_regnamespace('switchboard') and called.prosrc like '%public.%'
                and strpos(pg_proc.prosrc, 'switchboard.' || called.proname || '(') > 0))
      loop
        execute format('alter table %s ${action} trigger %I', found.relation, found.tgname);
      end loop;
    end $do$`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
