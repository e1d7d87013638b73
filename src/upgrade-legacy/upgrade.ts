import type pg from 'pg';
import { hasPendingMigrations, runMigrations } from '../common/database/migrate.js';
import { EXPECTED } from '../common/database/verify/snapshot.js';
import { analyze } from './batches.repository.js';
import { forgetChanged, markChanges } from './changes.repository.js';
import { setAsideStrayVotes } from './chats.repository.js';
import { type Context, REPORT, SCHEMAS } from './context.js';
import { LegacyTables } from './legacy-tables.repository.js';
import {
  checkCounts,
  type Count,
  countRows,
  readCounts,
  readDecisions,
  saveCounts,
  type Told,
} from './report.repository.js';
import {
  currentTransaction,
  discardCopy,
  dropOldTables,
  lockOldTables,
  lockUpgrade,
  makeBooks,
  migrateBeside,
  readState,
  type State,
  switchBack,
  switchTables,
  tablesOf,
  writeState,
} from './stage.repository.js';
import { INTERRUPTED, type Progress, runStep, stepsOf } from './steps.js';
import { readAuthColumns } from './users.repository.js';
import { createWorkTables, listRows } from './work.repository.js';

export interface Options {
  /** The schema of the old tables. */
  schema: string;
  tell: (progress: Progress) => void;
  isInterrupted: () => boolean;
}

export interface Result {
  version: string;
  counts: Count[];
  decisions: Told[];
}

/** How many times changed data is copied before the old tables are locked for the rest. */
const CATCH_UPS = 3;
/**
 * The lock for the switch waits for readers, and other readers wait for the lock. To keep that wait short, the lock is
 * tried several times.
 */
const SWITCH_ATTEMPTS = 5;

/** Reads the old tables like the upgrade, and writes nothing that outlives the connection. */
export async function dryRun(client: pg.Client, options: Options): Promise<Result> {
  const state = await readState(client);
  if (state?.phase === 'switched' || state?.phase === 'finished') return report(client, 'upgraded already');
  const legacy = await findLegacy(client, state?.schema ?? options.schema);
  const context = {
    client,
    legacy,
    target: undefined,
    work: 'pg_temp',
    report: 'pg_temp.legacy_report',
    nested: true,
  };
  await client.query('begin isolation level repeatable read');
  try {
    await createWorkTables(context);
    await listRows(context, 'all');
    await analyze(context, undefined);
    await copyRows(context, options);
    await setAsideStrayVotes(context);
    const counts = await countRows(context);
    await checkCounts(context, counts);
    return { version: legacy.describe(), counts, decisions: await readDecisions(context) };
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

/** Copies everything and then moves the new tables to the place of the old ones. Continues where an earlier run has stopped. */
export async function apply(client: pg.Client, url: string, options: Options): Promise<Result> {
  await lock(client);
  const known = await readState(client);
  if (known?.phase === 'switched' || (known?.phase === 'finished' && options.schema === known.schema)) {
    return report(client, 'upgraded already');
  }
  const isNew = known === undefined || known.phase === 'finished';
  const schema = known === undefined || isNew ? options.schema : known.schema;
  const legacy = await findLegacy(client, schema);
  const isBeside = schema === 'public';
  const target = isBeside ? SCHEMAS.next : 'public';
  let state: State = known === undefined || isNew ? { phase: 'prepared', schema, since: null } : known;
  if (isNew || (await hasPendingMigrations({ url }))) {
    if (isBeside) await migrateBeside(url, legacy, state);
    else await runMigrations({ url });
  }
  if (isNew && !isBeside) await makeBooks(client, state);
  if (state.phase === 'undone') state = await beginAnew(client, state, target);
  const context: Context = { client, legacy, target, work: SCHEMAS.work, report: REPORT };
  if (state.phase === 'prepared') state = await begin(context, state);
  await copyRows(context, options);
  await analyze(context, target);
  if (!isBeside) {
    const copied = state;
    const counts = await transaction(client, () => close(context, copied));
    return { version: legacy.describe(), counts, decisions: await readDecisions(context) };
  }
  for (let round = 0; round < CATCH_UPS; round++) {
    if (options.isInterrupted()) throw new Error(INTERRUPTED);
    state = await catchUp(context, state, options);
    if (state.since === null) break;
  }
  const counts = await switchOver(context, options);
  await analyze(context, 'public');
  return { version: legacy.describe(), counts, decisions: await readDecisions(context) };
}

/** Drops the old tables. The report and the counts stay. */
export async function finish(client: pg.Client): Promise<string[]> {
  await lock(client);
  const state = await readState(client);
  if (state?.phase !== 'switched')
    throw new Error('there is no upgrade to finish: run it with --apply first');
  return transaction(client, async () => {
    const dropped = await dropOldTables(client, state.schema === 'public' ? SCHEMAS.old : state.schema);
    await writeState(client, { ...state, phase: 'finished' });
    return dropped;
  });
}

/** Moves the old tables back to their place. Data that was written since the switch is only in the new tables. */
export async function undo(client: pg.Client): Promise<void> {
  await lock(client);
  const state = await readState(client);
  if (state?.phase !== 'switched') {
    throw new Error(
      state?.phase === 'finished'
        ? 'the old tables have been dropped: there is no way back'
        : 'there is nothing to undo: the old tables are in their place',
    );
  }
  if (state.schema !== 'public')
    throw new Error('the old tables are where they were, in a schema of their own');
  await transaction(client, async () => {
    const made = (await tablesOf(client, 'public')).filter((name) => MADE.includes(name));
    await switchBack(client, made, state.schema);
    await writeState(client, { ...state, phase: 'undone' });
  });
}

/** Switchboard's tables in the schema `public`. */
const MADE = EXPECTED.tables.filter((name) => !name.includes('.'));

async function lock(client: pg.Client): Promise<void> {
  if (!(await lockUpgrade(client))) throw new Error('the database is being upgraded by somebody else');
}

async function findLegacy(client: pg.Client, schema: string): Promise<LegacyTables> {
  const legacy = await LegacyTables.read(client, schema);
  if (!legacy) {
    throw new Error(`there is no old chatbot in schema ${schema}: it has no tables "User" and "Chat"`);
  }
  return legacy;
}

/** After an undo, the earlier copy is useless, because the old tables may have changed in any way. */
async function beginAnew(client: pg.Client, { schema }: State, target: string): Promise<State> {
  const state: State = { phase: 'prepared', schema, since: null };
  await transaction(client, async () => {
    await discardCopy(client, target);
    await writeState(client, state);
  });
  return state;
}

/** Lists everything to copy, as of this moment. */
async function begin(context: Context, state: State): Promise<State> {
  return transaction(context.client, async () => {
    const copying: State = { ...state, phase: 'copying', since: await currentTransaction(context.client) };
    await createWorkTables(context);
    await listRows(context, 'all');
    await analyze(context, undefined);
    await writeState(context.client, copying);
    return copying;
  });
}

async function copyRows(context: Context, { tell, isInterrupted }: Options): Promise<void> {
  const auth = await readAuthColumns(context.client);
  for (const step of stepsOf(context, auth)) await runStep(context, step, tell, isInterrupted);
}

/** @returns the state; without `since` if nothing had changed */
async function catchUp(context: Context, state: State, options: Options): Promise<State> {
  const { client } = context;
  const next = await transaction(client, async () => {
    const since = await currentTransaction(client);
    const changes = state.since === null ? 0 : await relist(context, state.since);
    const following: State = { ...state, since };
    await writeState(client, following);
    return changes === 0 ? undefined : following;
  });
  if (next === undefined) return { ...state, since: null };
  await copyRows(context, options);
  return next;
}

async function relist(context: Context, since: string): Promise<number> {
  const changes = await markChanges(context, since);
  if (changes > 0) {
    await forgetChanged(context);
    await listRows(context, 'changed');
  }
  return changes;
}

/** Does the last changes, the counts and the switch in one transaction. If any of it fails, nothing changes. */
async function switchOver(context: Context, options: Options): Promise<Count[]> {
  const { client, legacy } = context;
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction(client, async () => {
        await lockOldTables(client, legacy);
        const state = await readState(client);
        if (!state?.since) throw new Error('the state of the upgrade is lost');
        if ((await relist(context, state.since)) > 0) await copyRows({ ...context, nested: true }, options);
        const counts = await close(context, state);
        await switchTables(client, legacy);
        return counts;
      });
    } catch (error) {
      const { code } = error as pg.DatabaseError;
      const isBusy = code === '55P03' || code === '40P01';
      if (!isBusy || attempt === SWITCH_ATTEMPTS) throw error;
    }
  }
}

async function close(context: Context, state: State): Promise<Count[]> {
  await setAsideStrayVotes(context);
  const counts = await countRows(context);
  await checkCounts(context, counts);
  await saveCounts(context, counts);
  await writeState(context.client, { ...state, phase: 'switched' });
  return counts;
}

async function report(client: pg.Client, version: string): Promise<Result> {
  return {
    version,
    counts: await readCounts(client),
    decisions: await readDecisions({ client, report: REPORT }),
  };
}

async function transaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
