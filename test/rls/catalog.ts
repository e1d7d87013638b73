import type { SqlRunner } from '../fixtures/rows.js';

const ROLES = `('anon', 'authenticated', 'service_role', 'supabase_auth_admin')`;

/**
 * One line for each object that migrations create: the schema of a database, without its content. The migrations table
 * is omitted, because its runner creates it.
 */
const CATALOG = `
  with spaces as (
    select oid, nspname, nspacl, nspowner from pg_namespace
     where nspname !~ '^pg_' and nspname <> 'information_schema'
  ), relations as (
    select pg_class.oid, format('%I.%I', nspname, relname) as name, relkind, relrowsecurity, relacl, relowner,
           obj_description(pg_class.oid, 'pg_class') as comment
      from pg_class join spaces on spaces.oid = relnamespace
     where not (nspname = 'switchboard' and relname like 'migrations%')
  ), routines as (
    select pg_proc.oid, pg_proc.oid::regprocedure as name, proacl, proowner from pg_proc join spaces on spaces.oid = pronamespace
  ), rights as (
    select 'schema ' || nspname as name, acl.* from spaces,
           aclexplode(coalesce(nspacl, acldefault('n', nspowner))) acl
    union all select 'table ' || name, acl.* from relations, aclexplode(coalesce(relacl, acldefault('r', relowner))) acl
     where relkind = 'r'
    union all select 'function ' || name, acl.* from routines, aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
  )
  select 'schema ' || nspname as line from spaces
  union all select format('%s %s, row security %s, %s', relkind, name, relrowsecurity, comment) from relations
  union all
    select format('column %s.%I %s not null %s default %s', name, attname, format_type(atttypid, atttypmod), attnotnull,
                  pg_get_expr(adbin, adrelid))
      from relations join pg_attribute on attrelid = oid and attnum > 0 and not attisdropped
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
     where relkind = 'r'
  union all select 'index ' || pg_get_indexdef(indexrelid) from relations join pg_index on indrelid = oid
  union all
    select format('constraint %s on %s: %s', conname, name, pg_get_constraintdef(pg_constraint.oid))
      from relations join pg_constraint on conrelid = relations.oid
  union all
    select 'trigger ' || pg_get_triggerdef(pg_trigger.oid) from relations join pg_trigger on tgrelid = relations.oid
     where not tgisinternal
  union all select 'policy ' || row_to_json(pg_policies) from pg_policies
  union all select pg_get_functiondef(oid) from routines
  union all
    select format('%s for %s on %s', privilege_type, coalesce(rolname, 'public'), name)
      from rights left join pg_roles on pg_roles.oid = grantee
     where grantee = 0 or rolname in ${ROLES}
  order by line`;

export async function describeCatalog(runner: SqlRunner): Promise<string[]> {
  const rows = await runner.query(CATALOG);
  return rows.map(({ line }) => line as string);
}
