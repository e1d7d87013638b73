import { type Catalog, HELPER_SCHEMA, ROLES } from './catalog.js';

/**
 * Row level security must apply to the roles of users, the helpers must be inaccessible to anonymous users, and only
 * the server may switch to its role.
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
