import type { Catalog } from './catalog.js';
import { FUNCTIONS, HELPER_SCHEMA, TRIGGERS } from './expected-access.js';

/** A trigger fires unless it is switched off, or left to replicas. */
export async function checkTriggers(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<{ table: string; name: string; definition: string; enabled: boolean }>(
    `select tgrelid::regclass::text as table, tgname::text as name, pg_get_triggerdef(oid) as definition,
            tgenabled in ('O', 'A') as enabled
       from pg_trigger where not tgisinternal and tgname = any($1)`,
    [TRIGGERS.map(({ name }) => name)],
  );
  const missingTables = new Set(
    TRIGGERS.map(({ table }) => table).filter((table) => /^(public|switchboard)\./.test(table)),
  );
  for (const { name } of catalog.tables) {
    for (const table of [name, `public.${name}`, `public."${name}"`]) missingTables.delete(table);
  }
  return TRIGGERS.filter(({ table }) => !missingTables.has(table)).flatMap(({ name, table, definition }) => {
    const where = `trigger ${name} on ${table.replaceAll('"', '')}`;
    const trigger = rows.find((row) => row.table === table && row.name === name);
    if (trigger === undefined) return [`missing ${where}`];
    const differences: string[] = [];
    if (!trigger.enabled) differences.push(`${where} is disabled`);
    const actual = trigger.definition.replace(/^CREATE TRIGGER \S+ /, '');
    if (actual !== definition) differences.push(`${where} is ${actual}, expected ${definition}`);
    return differences;
  });
}

interface Routine {
  signature: string;
  schema: string;
  name: string;
  security_definer: boolean;
  fixed_path: boolean;
  called_by_users: boolean | null;
  called_by_server: boolean | null;
}

/** The helpers, any other function beside them, and what bears a helper's name where the Data API would offer it. */
export async function checkFunctions(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<Routine>(
    `select pg_proc.oid::regprocedure::text as signature, nspname::text as schema, proname::text as name,
            prosecdef as security_definer,
            exists (select from unnest(proconfig) as setting where setting like 'search\\_path=%') as fixed_path,
            has_function_privilege(to_regrole('authenticated')::oid, pg_proc.oid, 'execute') as called_by_users,
            has_function_privilege(to_regrole('switchboard_user')::oid, pg_proc.oid, 'execute') as called_by_server
       from pg_proc
       join pg_namespace on pg_namespace.oid = pronamespace
      where nspname = $1 or (nspname in ('auth', 'public') and proname = any($2))
      order by 1`,
    [HELPER_SCHEMA, FUNCTIONS.map(({ signature }) => nameOf(signature))],
  );
  const differences: string[] = [];
  for (const expected of FUNCTIONS) {
    const { signature, securityDefiner = false, calledByUsers, calledByServer, ofSupabase } = expected;
    const routine = rows.find((row) => row.signature === signature);
    if (routine === undefined) {
      differences.push(`missing function ${signature}`);
      continue;
    }
    if (!ofSupabase && routine.security_definer !== securityDefiner) {
      const [actual, wanted] = securityDefiner ? ['invoker', 'definer'] : ['definer', 'invoker'];
      differences.push(`function ${signature} is security ${actual}, expected security ${wanted}`);
    }
    if (calledByUsers && routine.called_by_users === false) {
      differences.push(`missing grant of execute on function ${signature} to authenticated`);
    }
    if (calledByServer && routine.called_by_server === false) {
      differences.push(`missing grant of execute on function ${signature} to switchboard_user`);
    }
    if (!calledByUsers && !ofSupabase && routine.called_by_users) {
      differences.push(`unexpected grant of execute on function ${signature} to authenticated`);
    }
  }
  for (const { schema, signature, name, fixed_path } of rows) {
    if (schema === HELPER_SCHEMA && !fixed_path) {
      differences.push(`function ${signature} has no fixed search_path`);
    }
    if (schema === 'public' && isHelper(name)) {
      differences.push(`function ${signature} is in a schema that the Data API exposes`);
    }
  }
  return differences;
}

function nameOf(signature: string): string {
  return signature.replace(/^\w+\./, '').replace(/\(.*$/, '');
}

function isHelper(name: string): boolean {
  return FUNCTIONS.some(({ signature, ofSupabase }) => !ofSupabase && nameOf(signature) === name);
}
