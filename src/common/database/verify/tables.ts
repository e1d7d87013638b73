import { type Aspect, type ByTable, byTable, compareByTable } from './aspect.js';
import { IS_TABLE, TABLE_NAME } from './catalog.js';

export const TABLES: Aspect<string[]> = {
  async read(catalog) {
    const rows = await catalog.query<{ name: string }>(
      `select ${TABLE_NAME} as name from pg_class where ${IS_TABLE}`,
    );
    return rows.map(({ name }) => name).toSorted();
  },
  compare: (actual, expected) =>
    expected.filter((name) => !actual.includes(name)).map((name) => `missing table ${name}`),
};

interface Column {
  type: string;
  notNull: boolean;
  /** The expression, or `identity`. */
  default?: string;
}

export const COLUMNS: Aspect<ByTable<Column>> = {
  async read(catalog) {
    const rows = await catalog.query<{
      table: string;
      name: string;
      type: string;
      not_null: boolean;
      default: string | null;
    }>(
      `select ${TABLE_NAME} as table, attname::text as name, format_type(atttypid, atttypmod) as type,
              attnotnull as not_null,
              case when attidentity <> '' then 'identity' else pg_get_expr(adbin, adrelid) end as default
         from pg_attribute
         join pg_class on pg_class.oid = attrelid
         left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where ${IS_TABLE} and attnum > 0 and not attisdropped
        order by 1, attnum`,
    );
    return byTable(rows, (row) => ({
      type: shortTypeOf(row.type),
      notNull: row.not_null,
      ...(row.default === null ? {} : { default: shortDefaultOf(row.default) }),
    }));
  },
  compare: (actual, expected, isPresent) =>
    compareByTable(actual, expected, isPresent, (table, name, column, wanted) =>
      column === undefined
        ? [`missing column ${name} of ${table}`]
        : compareColumn(column, wanted).map((difference) => `column ${name} of ${table} ${difference}`),
    ),
};

function compareColumn(actual: Column, expected: Column): string[] {
  const differences: string[] = [];
  if (!isAsWideAs(actual.type, expected.type)) {
    differences.push(`is ${actual.type}, expected ${expected.type}`);
  }
  if (actual.notNull !== expected.notNull) {
    differences.push(actual.notNull ? 'is not null, expected nullable' : 'is nullable, expected not null');
  }
  // A default that nothing depends on is harmless.
  if (expected.default !== undefined && actual.default !== expected.default) {
    differences.push(`has ${actual.default ?? 'nothing'} as its default, expected ${expected.default}`);
  }
  return differences;
}

/** The short names of types, as used in migrations. */
function shortTypeOf(type: string): string {
  return type
    .replace(/^timestamp(\(\d\))? with time zone$/, 'timestamptz$1')
    .replace(/^timestamp(\(\d\))? without time zone$/, 'timestamp$1')
    .replace(/^character varying/, 'varchar');
}

function shortDefaultOf(expression: string): string {
  return expression.replace(/::[a-z ]+(\(\d+\))?$/, '').replace(/^\((.*)\)$/, '$1');
}

function isAsWideAs(actual: string, expected: string): boolean {
  const [wanted, is] = [expected, actual].map((type) => /^varchar(?:\((\d+)\))?$/.exec(type));
  return wanted && is ? Number(is[1] ?? Infinity) >= Number(wanted[1]) : actual === expected;
}

/** A CHECK that lists the allowed strings or numbers of a column, as PostgreSQL prints it. */
const LIST =
  /^\(\(?"?(?:\w+)"?\)?(?:::text)? = ANY \((?:\(?ARRAY\[(.+?)\]\)?(?:::text\[\])?|'\{([\w,-]+)\}'::text\[\])\)\)$/;

/** By column: the lists of allowed values, one for each such CHECK. */
export const ALLOWED_VALUES: Aspect<ByTable<string[]>> = {
  async read(catalog) {
    const rows = await catalog.query<{ table: string; name: string; expressions: string[] }>(
      `select ${TABLE_NAME} as table, attname::text as name,
              array_agg(pg_get_expr(conbin, conrelid) order by conname) as expressions
         from pg_constraint
         join pg_class on pg_class.oid = conrelid
         join pg_attribute on attrelid = conrelid and attnum = conkey[1]
        where ${IS_TABLE} and contype = 'c' and cardinality(conkey) = 1 and convalidated
        group by 1, 2 order by 1, 2`,
    );
    const listsOf = (expressions: string[]) =>
      expressions.flatMap((expression) => {
        const [, list, array] = LIST.exec(expression) ?? [];
        const values = list === undefined ? array?.split(',') : wordsOf(list);
        return values === undefined ? [] : [values.toSorted().join(', ')];
      });
    return byTable(
      rows.filter(({ expressions }) => listsOf(expressions).length > 0),
      ({ expressions }) => listsOf(expressions),
    );
  },
  compare: (actual, expected, isPresent) =>
    compareByTable(actual, expected, isPresent, (table, column, found = [], wanted) =>
      wanted
        .filter((list) => !found.includes(list))
        .map((list) =>
          found.length === 0
            ? `missing check on ${column} of ${table}: ${list}`
            : `check on ${column} of ${table} allows ${found.join('; ')}, expected ${list}`,
        ),
    ),
};

function wordsOf(list: string): string[] {
  return [...list.matchAll(/'((?:[^']|'')*)'|\b\d+\b(?=,|$)/g)].map(([number, word = number]) => word);
}
