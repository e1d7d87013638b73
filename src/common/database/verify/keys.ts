import { type Aspect, type ByTable, byTable, compareByTable } from './aspect.js';
import { IS_TABLE, TABLE_NAME } from './catalog.js';

interface Keys {
  primary: string[];
  unique: string[][];
}

/**
 * Only constraints that apply to every row immediately: neither partial nor deferrable, so that `on conflict` can use
 * them.
 */
export const KEYS: Aspect<Record<string, Keys>> = {
  async read(catalog) {
    const rows = await catalog.query<{ table: string; primary: boolean; columns: string[] }>(
      `select ${TABLE_NAME} as table, indisprimary as primary,
              array(select attname::text from unnest(indkey::int2[]) with ordinality as key (number, place)
                      join pg_attribute on attrelid = indrelid and attnum = number
                     where place <= indnkeyatts order by place) as columns
         from pg_index
         join pg_class on pg_class.oid = indrelid
        where ${IS_TABLE} and indisunique and indisvalid and indimmediate and indpred is null and indexprs is null
        order by 1, 2, 3`,
    );
    const keys: Record<string, Keys> = {};
    for (const { table, primary, columns } of rows) {
      const described = (keys[table] ??= { primary: [], unique: [] });
      if (primary) described.primary = columns;
      else described.unique.push(columns);
    }
    return keys;
  },
  compare: (actual, expected, isPresent) =>
    Object.entries(expected)
      .filter(([table]) => isPresent(table))
      .flatMap(([table, wanted]) => compareKeys(table, actual[table], wanted)),
};

function compareKeys(table: string, actual: Keys = { primary: [], unique: [] }, expected: Keys): string[] {
  const [primary, wanted] = [actual.primary.join(', '), expected.primary.join(', ')];
  const differences: string[] = [];
  if (primary === '') differences.push(`missing primary key (${wanted}) on ${table}`);
  else if (primary !== wanted)
    differences.push(`primary key of ${table} is (${primary}), expected (${wanted})`);
  // The order of the columns does not matter for uniqueness.
  const sets = [actual.primary, ...actual.unique].map((columns) => columns.toSorted().join(', '));
  for (const columns of expected.unique) {
    if (!sets.includes(columns.toSorted().join(', '))) {
      differences.push(`missing unique (${columns.join(', ')}) on ${table}`);
    }
  }
  return differences;
}

const ACTIONS = { a: 'no action', r: 'restrict', c: 'cascade', n: 'set null', d: 'set default' };

/** By column: the referenced table, and the action when the referenced row is deleted. */
export const FOREIGN_KEYS: Aspect<ByTable<string[]>> = {
  async read(catalog) {
    const rows = await catalog.query<{
      table: string;
      columns: string[];
      target: string;
      target_columns: string[];
      on_delete: keyof typeof ACTIONS;
      validated: boolean;
      enforced: boolean;
    }>(
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
        where ${IS_TABLE} and contype = 'f'
        order by 1, conname`,
    );
    const tables: ByTable<string[]> = {};
    for (const { table, columns, target, target_columns, on_delete, validated, enforced } of rows) {
      const name = target.replace(/^public\./, '').replaceAll('"', '');
      const state = `${validated ? '' : ' not valid'}${enforced ? '' : ' not enforced'}`;
      const text = `${name} (${target_columns.join(', ')}) on delete ${ACTIONS[on_delete]}${state}`;
      ((tables[table] ??= {})[columns.join(', ')] ??= []).push(text);
    }
    return tables;
  },
  compare: (actual, expected, isPresent) =>
    compareByTable(actual, expected, isPresent, (table, columns, found = [], wanted) =>
      wanted
        .filter((target) => !found.includes(target))
        .map((target) =>
          found.length === 0
            ? `missing foreign key (${columns}) of ${table} to ${target}`
            : `foreign key (${columns}) of ${table} refers to ${found.join('; ')}, expected ${target}`,
        ),
    ),
};

interface Index {
  definition: string;
  isValid: boolean;
}

/** Without the indexes of primary keys and unique constraints. */
export const INDEXES: Aspect<ByTable<Index>> = {
  async read(catalog) {
    const rows = await catalog.query<{
      table: string;
      name: string;
      method: string;
      unique: boolean;
      valid: boolean;
      columns: string[];
      options: number[];
      predicate: string | null;
    }>(
      `select t.table, relname::text as name, amname::text as method, indisunique as unique,
              indisvalid and indisready as valid, pg_get_expr(indpred, indrelid, true) as predicate,
              array(select pg_get_indexdef(indexrelid, place, true) from generate_series(1, indnkeyatts) as place
                     order by place) as columns,
              indoption::int2[]::int[] as options
         from pg_index
         join (select oid, ${TABLE_NAME} as table from pg_class where ${IS_TABLE}) t on t.oid = indrelid
         join pg_class on pg_class.oid = indexrelid
         join pg_am on pg_am.oid = relam
        where not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))
        order by 1, 2`,
    );
    return byTable(rows, ({ columns, options, unique, method, predicate, valid }) => {
      const keys = columns.map(
        (column, place) => `${column.replaceAll('"', '')}${orderOf(options[place] ?? 0)}`,
      );
      const using = method === 'btree' ? '' : `using ${method} `;
      const where = predicate === null ? '' : ` where ${predicate}`;
      return { definition: `${unique ? 'unique ' : ''}${using}(${keys.join(', ')})${where}`, isValid: valid };
    });
  },
  compare: (actual, expected, isPresent) =>
    compareByTable(actual, expected, isPresent, (table, name, index, { definition }) => {
      if (index === undefined) return [`missing index ${name} on ${table}`];
      if (!index.isValid) return [`index ${name} on ${table}is invalid: building it did not finish`];
      return index.definition === definition
        ? []
        : [`index ${name} on ${table} is ${index.definition}, expected ${definition}`];
    }),
};

/** Bit 1 is `desc`. Bit 2 is `nulls first`, the default for `desc`. */
function orderOf(option: number): string {
  return ['', ' desc nulls last', ' nulls first', ' desc'][option & 3] ?? '';
}
