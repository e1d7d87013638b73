import { type Catalog, IS_EXPECTED, TABLE_NAME } from './catalog.js';
import { ACCESS, HELPER_SCHEMA, ROLES, type ExpectedAccess } from './expected-access.js';

export async function checkRowLevelSecurity(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<{ table: string }>(
    `select ${TABLE_NAME} as table from pg_class
      where ${IS_EXPECTED} and not relrowsecurity`,
    [catalog.tableNames],
  );
  // What is granted to nobody needs none.
  const readable = new Set(
    accessOf(catalog).flatMap(({ table, read }) => (read === undefined ? [] : [table])),
  );
  return rows
    .filter(({ table }) => readable.has(table))
    .map(({ table }) => `row level security is disabled on ${table}`);
}

interface Policy {
  table: string;
  name: string;
  command: string;
  permissive: boolean;
  roles: string[];
  using: string | null;
  check: string | null;
  /** Whether it says anything about what users may do. */
  concerns_users: boolean;
}

/** An additional policy that concerns users is a difference, too: one that permits widens what they may do. */
export async function checkPolicies(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<Policy>(
    `select ${TABLE_NAME} as table, polname::text as name, polpermissive as permissive,
            case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                        when 'd' then 'delete' else 'all' end as command,
            array(select case role when 0 then 'public' else pg_get_userbyid(role)::text end
                    from unnest(polroles) as role order by 1) as roles,
            pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as check,
            0 = any(polroles) or exists (
              select from pg_roles, unnest(polroles) as role
               where rolname = any($2) and pg_has_role(pg_roles.oid, role, 'usage')
            ) as concerns_users
       from pg_policy
       join pg_class on pg_class.oid = polrelid
      where ${IS_EXPECTED}
      order by relname, polname`,
    [catalog.tableNames, ROLES],
  );
  const differences: string[] = [];
  const known = new Set<string>();
  for (const { table, name, text } of expectedPolicies(catalog)) {
    known.add(`${name} on ${table}`);
    const policy = rows.find((row) => row.table === table && row.name === name);
    if (policy === undefined) differences.push(`missing policy ${name} on ${table}`);
    else if (textOf(policy) !== text) {
      differences.push(`policy ${name} on ${table} is ${textOf(policy)}, expected ${text}`);
    }
  }
  for (const { table, name, concerns_users } of rows) {
    if (concerns_users && !known.has(`${name} on ${table}`)) {
      differences.push(`unexpected policy ${name} on ${table}`);
    }
  }
  return differences;
}

function expectedPolicies(catalog: Catalog): Array<{ table: string; name: string; text: string }> {
  return accessOf(catalog).flatMap(({ table, read, write, check = write }) => {
    const policy = (command: string, using?: string, withCheck?: string) => ({
      table,
      name: `${table.replace(/^.+\./, '').toLowerCase()}_${command}`,
      text: textOf({
        command,
        permissive: true,
        roles: ['authenticated'],
        using: using ?? null,
        check: withCheck ?? null,
      }),
    });
    if (read === undefined) return [];
    if (write === undefined) return [policy('select', read)];
    return [
      policy('select', read),
      policy('insert', undefined, check),
      policy('update', write, check),
      policy('delete', write),
    ];
  });
}

/** A policy in one line, so that two can be compared. */
function textOf(policy: Pick<Policy, 'command' | 'permissive' | 'roles' | 'using' | 'check'>): string {
  const parts = [`for ${policy.command} to ${policy.roles.join(', ')}`];
  if (!policy.permissive) parts.unshift('restrictive');
  if (policy.using !== null) parts.push(`using ${policy.using}`);
  if (policy.check !== null) parts.push(`with check ${policy.check}`);
  return parts.join(' ').replaceAll(/\s+/g, ' ').replaceAll('( ', '(');
}

/** `truncate` would pass by row level security, and the last two are of no use to a user. */
const PRIVILEGES = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'];
const GRANTED_ON_COLUMNS = ['select', 'insert', 'update', 'references'];
const WRITES = ['insert', 'update', 'delete'] as const;

interface Grant {
  table: string;
  role: (typeof ROLES)[number];
  privilege: string;
  /** On the whole table. */
  granted: boolean;
  /** The columns that it is granted on, the whole table included. */
  columns: string[];
}

/** What the roles may do in effect, whether it was granted to them, to everyone, or only on some columns. */
export async function checkGrants(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<Grant>(
    `select ${TABLE_NAME} as table, rolname::text as role, privilege,
            has_table_privilege(pg_roles.oid, pg_class.oid, privilege) as granted,
            array(select attname::text from pg_attribute
                   where attrelid = pg_class.oid and attnum > 0 and not attisdropped and privilege = any($3)
                     and has_column_privilege(pg_roles.oid, pg_class.oid, attnum, privilege)
                   order by attname) as columns
       from pg_class, pg_roles, unnest($2::text[]) as privilege
      where ${IS_EXPECTED} and rolname = any($4)`,
    [catalog.tableNames, PRIVILEGES, GRANTED_ON_COLUMNS, ROLES],
  );
  return accessOf(catalog).flatMap((access) =>
    rows.filter(({ table }) => table === access.table).flatMap((row) => compareGrant(row, access)),
  );
}

function compareGrant({ table, role, privilege, granted, columns }: Grant, access: ExpectedAccess): string[] {
  const what = (on: readonly string[]) =>
    `grant of ${privilege}${on.length > 0 ? ` (${on.join(', ')})` : ''} on ${table} to ${role}`;
  const expected = expectedGrant(role, privilege, access);
  if (expected === 'all') return granted ? [] : [`missing ${what([])}`];
  if (granted) return [`unexpected ${what([])}`];
  const missing = expected.filter((column) => !columns.includes(column));
  const unexpected = columns.filter((column) => !expected.includes(column));
  return [
    ...(missing.length > 0 ? [`missing ${what(missing)}`] : []),
    ...(unexpected.length > 0 ? [`unexpected ${what(unexpected)}`] : []),
  ];
}

/** The columns that a privilege is granted on: none, some, or the whole table. */
function expectedGrant(
  role: Grant['role'],
  privilege: string,
  { read, write, dataApi }: ExpectedAccess,
): 'all' | readonly string[] {
  if (role === 'anon' || read === undefined) return [];
  if (privilege === 'select') return 'all';
  const writing = WRITES.find((name) => name === privilege);
  if (writing === undefined) return [];
  if (role === 'switchboard_user') return write === undefined ? [] : 'all';
  return dataApi?.[writing] ?? [];
}

function accessOf({ tables }: Catalog): ExpectedAccess[] {
  return ACCESS.filter(({ table }) => tables.some(({ name }) => name === table));
}

/**
 * The roles: row level security must hold for those of users, the helpers be closed to strangers, and nobody but the
 * server be able to take its role.
 */
export async function checkRoles(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<{
    name: string;
    bypasses: boolean;
    usage: boolean | null;
    create: boolean;
    login: boolean;
    takes_server_role: boolean | null;
  }>(
    `select rolname::text as name, rolsuper or rolbypassrls as bypasses, rolcanlogin as login,
            has_schema_privilege(pg_roles.oid, to_regnamespace($1)::oid, 'usage') as usage,
            coalesce(has_schema_privilege(pg_roles.oid, to_regnamespace($1)::oid, 'create'), false) as create,
            pg_has_role(pg_roles.oid, to_regrole('switchboard_user')::oid, 'member') as takes_server_role
       from pg_roles where rolname = any($2)`,
    [HELPER_SCHEMA, ROLES],
  );
  return ROLES.flatMap((name) => {
    const role = rows.find((row) => row.name === name);
    if (role === undefined) return [`missing role ${name}`];
    const differences: string[] = [];
    if (role.bypasses) differences.push(`role ${name} bypasses row level security`);
    if (role.create) differences.push(`unexpected grant of create on schema ${HELPER_SCHEMA} to ${name}`);
    if (name === 'anon' && role.usage) {
      differences.push(`unexpected grant of usage on schema ${HELPER_SCHEMA} to ${name}`);
    }
    if (name === 'authenticated' && role.usage === false) {
      differences.push(`missing grant of usage on schema ${HELPER_SCHEMA} to ${name}`);
    }
    if (name === 'switchboard_user') {
      if (role.login) differences.push(`role ${name} can log in`);
    } else if (role.takes_server_role) {
      differences.push(`role ${name} can become switchboard_user`);
    }
    return differences;
  });
}
