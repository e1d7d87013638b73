import { type Aspect, type ByTable, byTable, compareByTable } from './aspect.js';
import { IS_TABLE, ROLES, TABLE_NAME } from './catalog.js';

/** The tables with row level security. */
export const ROW_LEVEL_SECURITY: Aspect<string[]> = {
  async read(catalog) {
    const rows = await catalog.query<{ name: string }>(
      `select ${TABLE_NAME} as name from pg_class where ${IS_TABLE} and relrowsecurity`,
    );
    return rows.map(({ name }) => name).toSorted();
  },
  compare: (actual, expected, isPresent) =>
    expected
      .filter((table) => isPresent(table) && !actual.includes(table))
      .map((table) => `row level security is disabled on ${table}`),
};

interface Policy {
  /** Printed on one line. */
  rule: string;
  /** Whether it affects users. */
  concernsUsers: boolean;
}

/** An additional policy that affects users is also a difference: a permissive policy extends what they may do. */
export const POLICIES: Aspect<ByTable<Policy>> = {
  async read(catalog) {
    const rows = await catalog.query<{
      table: string;
      name: string;
      command: string;
      permissive: boolean;
      roles: string[];
      using: string | null;
      check: string | null;
      concerns_users: boolean;
    }>(
      `select ${TABLE_NAME} as table, polname::text as name, polpermissive as permissive,
              case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                          when 'd' then 'delete' else 'all' end as command,
              array(select case role when 0 then 'public' else pg_get_userbyid(role)::text end
                      from unnest(polroles) as role order by 1) as roles,
              pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as check,
              0 = any(polroles) or exists (
                select from pg_roles, unnest(polroles) as role
                 where rolname = any($1) and pg_has_role(pg_roles.oid, role, 'usage')
              ) as concerns_users
         from pg_policy
         join pg_class on pg_class.oid = polrelid
        where ${IS_TABLE}
        order by 1, 2`,
      [ROLES],
    );
    return byTable(rows, ({ command, permissive, roles, using, check, concerns_users }) => {
      const parts = [`for ${command} to ${roles.join(', ')}`];
      if (!permissive) parts.unshift('restrictive');
      if (using !== null) parts.push(`using ${using}`);
      if (check !== null) parts.push(`with check ${check}`);
      // PostgreSQL prints longer expressions on several lines.
      const rule = parts.join(' ').replaceAll(/\s+/g, ' ').replaceAll('( ', '(');
      return { rule, concernsUsers: concerns_users };
    });
  },
  compare(actual, expected, isPresent) {
    const differences = compareByTable(actual, expected, isPresent, (table, name, policy, { rule }) => {
      if (policy === undefined) return [`missing policy ${name} on ${table}`];
      return policy.rule === rule ? [] : [`policy ${name} on ${table} is ${policy.rule}, expected ${rule}`];
    });
    for (const [table, policies] of Object.entries(actual)) {
      for (const [name, { concernsUsers }] of Object.entries(policies)) {
        if (isPresent(table) && concernsUsers && expected[table]?.[name] === undefined) {
          differences.push(`unexpected policy ${name} on ${table}`);
        }
      }
    }
    return differences;
  },
};

/** `truncate` would bypass row level security, and users do not need the last two. */
const PRIVILEGES = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'];
const GRANTED_ON_COLUMNS = ['select', 'insert', 'update', 'references'];

type Role = (typeof ROLES)[number];
type Extent = 'all' | string[];

/**
 * The effective privileges of the roles, whether granted to them, to everyone, or only on some columns. Grouped by
 * table, role and privilege: the whole table or the columns. Roles that do not exist are omitted.
 */
export const GRANTS: Aspect<Record<string, Partial<Record<Role, Record<string, Extent>>>>> = {
  async read(catalog) {
    const rows = await catalog.query<{
      table: string;
      role: Role;
      privilege: string;
      granted: boolean;
      columns: string[];
    }>(
      `select ${TABLE_NAME} as table, rolname::text as role, privilege,
              has_table_privilege(pg_roles.oid, pg_class.oid, privilege) as granted,
              array(select attname::text from pg_attribute
                     where attrelid = pg_class.oid and attnum > 0 and not attisdropped and privilege = any($2)
                       and has_column_privilege(pg_roles.oid, pg_class.oid, attnum, privilege)
                     order by attname) as columns
         from pg_class, pg_roles, unnest($1::text[]) with ordinality as privileges (privilege, place)
        where ${IS_TABLE} and rolname = any($3)
        order by 1, 2, place`,
      [PRIVILEGES, GRANTED_ON_COLUMNS, ROLES],
    );
    const tables: Record<string, Partial<Record<Role, Record<string, Extent>>>> = {};
    for (const { table, role, privilege, granted, columns } of rows) {
      const grants = ((tables[table] ??= {})[role] ??= {});
      if (granted) grants[privilege] = 'all';
      else if (columns.length > 0) grants[privilege] = columns;
    }
    return tables;
  },
  compare: (actual, expected, isPresent) =>
    Object.entries(actual)
      .filter(([table]) => isPresent(table))
      .flatMap(([table, roles]) =>
        ROLES.flatMap((role) => {
          const grants = roles[role];
          if (grants === undefined) return [];
          return PRIVILEGES.flatMap((privilege) =>
            compareGrant(grants[privilege] ?? [], expected[table]?.[role]?.[privilege] ?? [], {
              privilege,
              to: `${table} to ${role}`,
            }),
          );
        }),
      ),
};

function compareGrant(
  actual: Extent,
  expected: Extent,
  { privilege, to }: { privilege: string; to: string },
): string[] {
  const what = (on: string[]) =>
    `grant of ${privilege}${on.length > 0 ? ` (${on.join(', ')})` : ''} on ${to}`;
  if (expected === 'all') return actual === 'all' ? [] : [`missing ${what([])}`];
  if (actual === 'all') return [`unexpected ${what([])}`];
  const missing = expected.filter((column) => !actual.includes(column));
  const unexpected = actual.filter((column) => !expected.includes(column));
  return [
    ...(missing.length > 0 ? [`missing ${what(missing)}`] : []),
    ...(unexpected.length > 0 ? [`unexpected ${what(unexpected)}`] : []),
  ];
}
