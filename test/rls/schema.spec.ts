import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { FOREIGN_KEYS, PRIMARY_KEYS, SEED_COLUMNS, SEED_INDEXES, type SeedType } from './seed.js';

const TYPES: Record<SeedType, RegExp> = {
  uuid: /^uuid$/,
  text: /^text$/,
  varchar: /^character varying\(\d+\)$/,
  timestamp: /^timestamp\(3\) with time zone$/,
  integer: /^integer$/,
  decimal: /^numeric\(10,6\)$/,
  boolean: /^boolean$/,
  json: /^json$/,
  jsonb: /^jsonb$/,
};

/** Security definer functions that users may call: by id, and only for public data. */
const OPEN_DEFINERS = ['switchboard.active_user_id', 'switchboard.is_active_admin'];

/** Everything that is not part of PostgreSQL or of an extension. */
const OWN_FUNCTIONS = `
  pg_proc join pg_namespace on pg_namespace.oid = pronamespace
   where nspname !~ '^pg_' and nspname <> 'information_schema'
     and not exists (select from pg_depend
                      where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e')`;

describe('schema', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(async () => {
    await database?.drop();
  });

  describe('columns', () => {
    let columns: Array<{ table: string; column: string; type: string; fallback: string | null }>;

    beforeAll(async () => {
      columns = await database.query(
        `select relname as table, attname as column, format_type(atttypid, atttypmod) as type,
                pg_get_expr(adbin, adrelid) as fallback
           from pg_class join pg_attribute on attrelid = pg_class.oid
           left join pg_attrdef on adrelid = pg_class.oid and adnum = attnum
          where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped`,
      );
    });

    it.each(Object.entries(SEED_COLUMNS))('of %s are those of the original schema', (table, expected) => {
      const actual = columns.filter((column) => column.table === table);
      for (const [name, type] of Object.entries(expected)) {
        const found = actual.find(({ column }) => column === name);
        expect({ name, type: found?.type }).toEqual({ name, type: expect.stringMatching(TYPES[type]) });
      }
    });

    it('store every time with milliseconds and its zone', () => {
      const times = columns.filter(({ type }) => /^(timestamp|date|time)/.test(type));
      expect(times.length).toBeGreaterThan(10);
      expect(times.filter(({ type }) => type !== 'timestamp(3) with time zone')).toEqual([]);
    });

    it('store every amount of money as numeric(10,6)', () => {
      const costs = columns.filter(({ column, type }) => /cost/.test(column) || /^numeric|^money/.test(type));
      expect(costs.length).toBeGreaterThan(4);
      expect(costs.filter(({ type }) => type !== 'numeric(10,6)')).toEqual([]);
    });

    it('that are an id have a random default', () => {
      const ids = columns.filter(({ column }) => column === 'id');
      expect(ids.length).toBeGreaterThanOrEqual(9);
      expect(ids.filter(({ fallback }) => fallback !== 'gen_random_uuid()')).toEqual([]);
    });
  });

  describe('keys', () => {
    it.each(Object.entries(PRIMARY_KEYS))('%s has its primary key', async (table, columns) => {
      expect(
        await database.query(
          `select ${columnNames('conrelid', 'conkey')} as columns from pg_constraint
            where conrelid = $1::regclass and contype = 'p'`,
          [`public."${table}"`],
        ),
      ).toEqual([{ columns: columns.join(', ') }]);
    });

    it('refer to the tables of the original schema, with its cascades', async () => {
      const rows = await database.query(
        `select format('%s (%s) → %s (%s): %s', replace(conrelid::regclass::text, '"', ''),
                  ${columnNames('conrelid', 'conkey')}, replace(confrelid::regclass::text, '"', ''),
                  ${columnNames('confrelid', 'confkey')},
                  case confdeltype when 'c' then 'cascade' when 'n' then 'set null' else 'refuse' end) as key
           from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`,
      );
      const keys = rows.map(({ key }) => key);
      expect(keys).toEqual(expect.arrayContaining([...FOREIGN_KEYS]));
      // New tables are also part of the deletion of a user.
      expect(keys.filter((key) => key.endsWith('refuse'))).toEqual([]);
    });

    it('that refer to another table have an index that starts with them', async () => {
      const uncovered = await database.query(
        `select conrelid::regclass::text as table, conname as key from pg_constraint
          where contype = 'f' and connamespace in ('public'::regnamespace, 'switchboard'::regnamespace)
            and not exists (
              select from pg_index
               where indrelid = conrelid and indisvalid and indpred is null
                 and (indkey::smallint[])[0:cardinality(conkey) - 1] @> conkey)`,
      );
      expect(uncovered).toEqual([]);
    });
  });

  it.each(SEED_INDEXES)('index $name is on its columns', async ({ name, table, columns }) => {
    const [index] = await database.query(
      `select indrelid = $2::regclass as "onTable", indisvalid as valid, indpred is not null as partial, amname as method,
              array(select pg_get_indexdef(indexrelid, position, true)
                           || case when indoption[position - 1] & 1 = 1 then ' desc' else '' end
                      from generate_series(1, indnkeyatts) as position) as columns
         from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
        where indexrelid = to_regclass($1)`,
      [`public.${name}`, `public."${table}"`],
    );
    expect(index).toEqual({
      onTable: true,
      valid: true,
      partial: false,
      method: 'btree',
      columns,
    });
  });

  it('has one row for each user, agent and period of a limit', async () => {
    const [index] = await database.query(
      `select 1 from pg_constraint where conrelid = 'rate_limit_tracking'::regclass and contype = 'u'
         and ${columnNames('conrelid', 'conkey')} = 'user_id, agent_type, limit_type, period_start'`,
    );
    expect(index).toBeDefined();
  });

  describe('row level security', () => {
    interface Policy {
      table: string;
      name: string;
      permissive: string;
      roles: string[];
      action: string;
      expressions: string;
    }
    let policies: Policy[];

    beforeAll(async () => {
      policies = await database.query(
        `select tablename as table, policyname as name, permissive, roles::text[], cmd as action,
                concat_ws(' ', qual, with_check) as expressions
           from pg_policies where schemaname in ('public', 'switchboard')`,
      );
      expect(policies.length).toBeGreaterThan(30);
    });

    it('is enabled on every table that the Data API exposes, and on every other that users may read', async () => {
      const tables = await database.query(
        `select relname as name, relrowsecurity as enabled from pg_class
          where relkind in ('r', 'p')
            and (relnamespace = 'public'::regnamespace
                 or relnamespace = 'switchboard'::regnamespace
                    and has_table_privilege('authenticated', pg_class.oid, 'select'))`,
      );
      expect(tables.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          ...Object.keys(SEED_COLUMNS),
          'usage_rollups',
          'usage_user_rollups',
          'usage_user_kinds',
          'usage_pending',
          'usage_archive',
        ]),
      );
      expect(tables.filter(({ enabled }) => !enabled)).toEqual([]);
    });

    it('has policies only for signed-in users, by role name', () => {
      expect(policies.filter(({ roles }) => roles.join() !== 'authenticated')).toEqual([]);
    });

    it('reads the user once per query, not once per row', () => {
      const perRow = policies.filter(({ expressions }) =>
        /\b(auth|switchboard)\.|current_setting/.test(
          expressions.replaceAll(/\( SELECT (auth|switchboard)\.\w+\(\) AS \w+\)/g, ''),
        ),
      );
      expect(perRow).toEqual([]);
      expect(
        policies.filter(({ expressions }) => !/\( SELECT (auth|switchboard)\./.test(expressions)),
      ).toEqual([]);
    });

    it('has at most one permissive policy for a table, role and action', () => {
      const permits = policies
        .filter(({ permissive }) => permissive === 'PERMISSIVE')
        .flatMap(({ table, roles, action }) =>
          roles.flatMap((role) =>
            (action === 'ALL' ? ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] : [action]).map(
              (single) => `${table} ${role} ${single}`,
            ),
          ),
        );
      expect(permits.filter((permit, index) => permits.indexOf(permit) !== index)).toEqual([]);
    });

    it('checks the new row of every update', async () => {
      expect(
        await database.query(
          `select policyname from pg_policies
            where schemaname = 'public' and cmd in ('INSERT', 'UPDATE', 'ALL') and with_check is null`,
        ),
      ).toEqual([]);
    });
  });

  describe('privileges', () => {
    it('are granted on no table to anonymous users, and only on rows to users', async () => {
      const grants = await database.query(
        `select relname as table, coalesce(rolname, 'public') as role, privilege_type as privilege
           from pg_class cross join lateral (
                  select * from aclexplode(relacl) union all
                  select acl.* from pg_attribute cross join lateral aclexplode(attacl) acl
                   where attrelid = pg_class.oid) acl
           left join pg_roles on pg_roles.oid = grantee
          where relnamespace in ('public'::regnamespace, 'switchboard'::regnamespace)
            and (grantee = 0 or rolname in ('anon', 'authenticated'))`,
      );
      expect(grants.length).toBeGreaterThan(0);
      expect(
        grants.filter(
          ({ role, privilege }) =>
            role !== 'authenticated' || !['SELECT', 'INSERT', 'UPDATE', 'DELETE'].includes(privilege),
        ),
      ).toEqual([]);
    });

    it('of the roles of users are no more than these', async () => {
      expect(
        await database.query(
          `select rolname as name, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolcanlogin as strong,
                  (select count(*)::int from pg_auth_members where member = pg_roles.oid) as memberships
             from pg_roles where rolname in ('anon', 'authenticated', 'switchboard_user') order by rolname`,
        ),
      ).toEqual([
        { name: 'anon', strong: false, memberships: 0 },
        { name: 'authenticated', strong: false, memberships: 0 },
        { name: 'switchboard_user', strong: false, memberships: 1 },
      ]);
    });

    it('do not include schemas that are not exposed, for anonymous users', async () => {
      const [row] = await database.query(
        `select has_schema_privilege('anon', 'switchboard', 'usage') as anon,
                has_schema_privilege('authenticated', 'switchboard', 'create') as "authenticated"`,
      );
      expect(row).toEqual({ anon: false, authenticated: false });
    });
  });

  describe('functions', () => {
    it('have a fixed search_path', async () => {
      const functions = await database.query(
        `select nspname || '.' || proname as name,
                exists (select from unnest(proconfig) setting where setting like 'search_path=%') as fixed
           from ${OWN_FUNCTIONS}`,
      );
      expect(functions.length).toBeGreaterThan(10);
      expect(functions.filter(({ fixed }) => !fixed)).toEqual([]);
    });

    it('of security definers are not exposed, and users may call two of them', async () => {
      const definers = await database.query(
        `select nspname || '.' || proname as name, nspname as schema,
                has_function_privilege('anon', pg_proc.oid, 'execute') as anon,
                has_function_privilege('authenticated', pg_proc.oid, 'execute') as "authenticated"
           from ${OWN_FUNCTIONS} and prosecdef order by 1`,
      );
      expect(definers.filter(({ anon, schema }) => anon || schema === 'public')).toEqual([]);
      expect(definers.filter(({ authenticated }) => authenticated).map(({ name }) => name)).toEqual(
        OPEN_DEFINERS,
      );
    });
  });
});

/** The names of a constraint's columns, in order. */
function columnNames(table: string, key: string): string {
  return `(select string_agg(attname, ', ' order by position) from unnest(${key}) with ordinality as part (number, position)
             join pg_attribute on attrelid = ${table} and attnum = number)`;
}
