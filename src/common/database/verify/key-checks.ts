import { type Catalog, IS_EXPECTED, TABLE_NAME } from './catalog.js';

interface Key {
  table: string;
  primary: boolean;
  columns: string[];
}

/** Only what holds for every row, and at once: neither partial nor deferrable, so that `on conflict` can use it. */
export async function checkKeys(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<Key>(
    `select ${TABLE_NAME} as table, indisprimary as primary,
            array(select attname::text from unnest(indkey::int2[]) with ordinality as key (number, place)
                    join pg_attribute on attrelid = indrelid and attnum = number
                   where place <= indnkeyatts order by place) as columns
       from pg_index
       join pg_class on pg_class.oid = indrelid
      where ${IS_EXPECTED}
        and indisunique and indisvalid and indimmediate and indpred is null and indexprs is null`,
    [catalog.tableNames],
  );
  return catalog.tables.flatMap(({ name, primaryKey, unique = [] }) => {
    const keys = rows.filter(({ table }) => table === name);
    const primary = keys.find((key) => key.primary)?.columns.join(', ');
    const expected = primaryKey.join(', ');
    const differences: string[] = [];
    if (primary === undefined) differences.push(`missing primary key (${expected}) on ${name}`);
    else if (primary !== expected) {
      differences.push(`primary key of ${name} is (${primary}), expected (${expected})`);
    }
    // Which column comes first makes no difference to what is unique.
    const sets = keys.map(({ columns }) => columns.toSorted().join(', '));
    for (const columns of unique) {
      if (!sets.includes(columns.toSorted().join(', '))) {
        differences.push(`missing unique (${columns.join(', ')}) on ${name}`);
      }
    }
    return differences;
  });
}

interface ForeignKey {
  table: string;
  columns: string[];
  target: string;
  target_columns: string[];
  on_delete: keyof typeof ACTIONS;
  validated: boolean;
  enforced: boolean;
}

const ACTIONS = { a: 'no action', r: 'restrict', c: 'cascade', n: 'set null', d: 'set default' };

export async function checkForeignKeys(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<ForeignKey>(
    `select ${TABLE_NAME} as table, confrelid::regclass::text as target, confdeltype::text as on_delete,
            array(select attname::text from unnest(conkey) with ordinality as key (number, place)
                    join pg_attribute on attrelid = conrelid and attnum = number order by place) as columns,
            array(select attname::text from unnest(confkey) with ordinality as key (number, place)
                    join pg_attribute on attrelid = confrelid and attnum = number order by place) as target_columns,
            convalidated as validated,
            -- A foreign key is made of triggers, and a superuser can switch them off.
            not exists (select from pg_trigger where tgconstraint = pg_constraint.oid and tgenabled not in ('O', 'A')) as enforced
       from pg_constraint
       join pg_class on pg_class.oid = conrelid
      where ${IS_EXPECTED} and contype = 'f'`,
    [catalog.tableNames],
  );
  return catalog.tables.flatMap(({ name, foreignKeys }) =>
    Object.entries(foreignKeys).flatMap(([columns, expected]) => {
      const found = rows
        .filter((row) => row.table === name && row.columns.join(', ') === columns)
        .map(foreignKeyOf);
      if (found.includes(expected)) return [];
      return [
        found.length === 0
          ? `missing foreign key (${columns}) of ${name} to ${expected}`
          : `foreign key (${columns}) of ${name} refers to ${found.join('; ')}, expected ${expected}`,
      ];
    }),
  );
}

function foreignKeyOf(key: ForeignKey): string {
  const target = key.target.replace(/^public\./, '').replaceAll('"', '');
  const action = ACTIONS[key.on_delete];
  const state = `${key.validated ? '' : ' not valid'}${key.enforced ? '' : ' switched off'}`;
  return `${target} (${key.target_columns.join(', ')}) on delete ${action}${state}`;
}

interface Index {
  table: string;
  name: string;
  method: string;
  unique: boolean;
  valid: boolean;
  columns: string[];
  options: number[];
  predicate: string | null;
}

export async function checkIndexes(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<Index>(
    `select t.table, relname::text as name, amname::text as method, indisunique as unique,
            indisvalid and indisready as valid, pg_get_expr(indpred, indrelid, true) as predicate,
            array(select pg_get_indexdef(indexrelid, place, true) from generate_series(1, indnkeyatts) as place
                   order by place) as columns,
            indoption::int2[]::int[] as options
       from pg_index
       join (select oid, ${TABLE_NAME} as table from pg_class where ${IS_EXPECTED}) t on t.oid = indrelid
       join pg_class on pg_class.oid = indexrelid
       join pg_am on pg_am.oid = relam`,
    [catalog.tableNames],
  );
  return catalog.tables.flatMap(({ name: table, indexes }) =>
    Object.entries(indexes).flatMap(([name, expected]) => {
      const index = rows.find((row) => row.table === table && row.name === name);
      if (index === undefined) return [`missing index ${name} on ${table}`];
      if (!index.valid) return [`index ${name} on ${table} is invalid: it was not built to its end`];
      const actual = indexOf(index);
      return actual === expected ? [] : [`index ${name} on ${table} is ${actual}, expected ${expected}`];
    }),
  );
}

function indexOf({ columns, options, unique, method, predicate }: Index): string {
  const keys = columns.map((column, place) => `${column.replaceAll('"', '')}${orderOf(options[place] ?? 0)}`);
  const using = method === 'btree' ? '' : `using ${method} `;
  const where = predicate === null ? '' : ` where ${predicate}`;
  return `${unique ? 'unique ' : ''}${using}(${keys.join(', ')})${where}`;
}

/** Bit 1 is `desc`, bit 2 `nulls first`, which is what `desc` means unless it says otherwise. */
function orderOf(option: number): string {
  return ['', ' desc nulls last', ' nulls first', ' desc'][option & 3] ?? '';
}
