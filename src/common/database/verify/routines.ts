import { createHash } from 'node:crypto';
import { type Aspect, byTable, type ByTable, compareByTable } from './aspect.js';
import { HELPER_SCHEMA } from './catalog.js';

interface Trigger {
  /** The part after the name in `CREATE TRIGGER`. */
  definition: string;
  /** A trigger fires unless it is disabled or only enabled for replicas. */
  isEnabled: boolean;
}

/** Tables are named with their schema. `auth.users` belongs to the auth server but has triggers of ours. */
export const TRIGGERS: Aspect<ByTable<Trigger>> = {
  async read(catalog) {
    const rows = await catalog.query<{ table: string; name: string; definition: string; enabled: boolean }>(
      `select nspname || '.' || relname as table, tgname::text as name, pg_get_triggerdef(pg_trigger.oid) as definition,
              tgenabled in ('O', 'A') as enabled
         from pg_trigger
         join pg_class on pg_class.oid = tgrelid
         join pg_namespace on pg_namespace.oid = relnamespace
        where not tgisinternal and nspname in ('public', 'switchboard', 'auth')
        order by 1, 2`,
    );
    return byTable(rows, ({ definition, enabled }) => ({
      definition: definition.replace(/^CREATE TRIGGER \S+ /, ''),
      isEnabled: enabled,
    }));
  },
  compare(actual, expected, isPresent) {
    const isThere = (table: string) => table === 'auth.users' || isPresent(table.replace(/^public\./, ''));
    return compareByTable(actual, expected, isThere, (table, name, trigger, { definition }) => {
      const where = `trigger ${name} on ${table}`;
      if (trigger === undefined) return [`missing ${where}`];
      return [
        ...(trigger.isEnabled ? [] : [`${where} is disabled`]),
        ...(trigger.definition === definition
          ? []
          : [`${where} is ${trigger.definition}, expected ${definition}`]),
      ];
    });
  },
};

interface Routine {
  securityDefiner: boolean;
  fixedSearchPath: boolean;
  /** Whether users' statements may call it (for a policy or a check). Undefined if there is no such role. */
  calledByUsers?: boolean;
  /** Whether the server may call it for a user. */
  calledByServer?: boolean;
  /** A hash of its body. */
  body: string;
}

/** On Supabase, these functions are Supabase's own. */
const OF_SUPABASE = ['auth.uid()', 'auth.jwt()'];

const isOfSupabase = (signature: string) => OF_SUPABASE.includes(signature);
const nameOf = (signature: string) => signature.replace(/^\w+\./, '').replace(/\(.*$/, '');

/** By signature: the helpers, the Supabase functions that they need, and functions that the Data API exposes. */
export const FUNCTIONS: Aspect<Record<string, Routine>> = {
  async read(catalog) {
    const rows = await catalog.query<{
      signature: string;
      security_definer: boolean;
      fixed_path: boolean;
      called_by_users: boolean | null;
      called_by_server: boolean | null;
      source: string;
    }>(
      `select pg_proc.oid::regprocedure::text as signature, prosecdef as security_definer, prosrc as source,
              exists (select from unnest(proconfig) as setting where setting like 'search\\_path=%') as fixed_path,
              has_function_privilege(to_regrole('authenticated')::oid, pg_proc.oid, 'execute') as called_by_users,
              has_function_privilege(to_regrole('switchboard_user')::oid, pg_proc.oid, 'execute') as called_by_server
         from pg_proc
         join pg_namespace on pg_namespace.oid = pronamespace
        where nspname in ($1, 'public') or pg_proc.oid::regprocedure::text = any($2)
        order by 1`,
      [HELPER_SCHEMA, OF_SUPABASE],
    );
    return Object.fromEntries(
      rows.map((row) => [
        row.signature,
        {
          securityDefiner: row.security_definer,
          fixedSearchPath: row.fixed_path,
          ...(row.called_by_users === null ? {} : { calledByUsers: row.called_by_users }),
          ...(row.called_by_server === null ? {} : { calledByServer: row.called_by_server }),
          body: createHash('sha256').update(row.source).digest('hex').slice(0, 16),
        },
      ]),
    );
  },
  compare(actual, expected) {
    const differences = Object.entries(expected).flatMap(([signature, wanted]) => {
      const routine = actual[signature];
      return routine === undefined
        ? [`missing function ${signature}`]
        : compareRoutine(signature, routine, wanted);
    });
    const helpers = new Set(
      Object.keys(expected)
        .filter((signature) => !isOfSupabase(signature))
        .map(nameOf),
    );
    for (const [signature, { fixedSearchPath }] of Object.entries(actual)) {
      if (signature.startsWith(`${HELPER_SCHEMA}.`)) {
        if (!fixedSearchPath) differences.push(`function ${signature} has no fixed search_path`);
      } else if (!isOfSupabase(signature) && helpers.has(nameOf(signature))) {
        differences.push(`function ${signature} is in a schema that the Data API exposes`);
      }
    }
    return differences;
  },
};

function compareRoutine(signature: string, actual: Routine, expected: Routine): string[] {
  const differences: string[] = [];
  const add = (difference: string) => differences.push(difference);
  const grant = `grant of execute on function ${signature} to`;
  if (expected.calledByUsers) {
    if (actual.calledByUsers === false) add(`missing ${grant} authenticated`);
  } else if (expected.calledByServer && actual.calledByServer === false) {
    add(`missing ${grant} switchboard_user`);
  }
  if (isOfSupabase(signature)) return differences;
  if (!expected.calledByUsers && actual.calledByUsers) add(`unexpected ${grant} authenticated`);
  if (actual.securityDefiner !== expected.securityDefiner) {
    const [is, wanted] = actual.securityDefiner ? ['definer', 'invoker'] : ['invoker', 'definer'];
    add(`function ${signature} is security ${is}, expected security ${wanted}`);
  }
  if (actual.body !== expected.body) add(`the body of function ${signature} differs from its migration`);
  return differences;
}
