import { type Catalog, IS_EXPECTED, TABLE_NAME } from './catalog.js';
import { TABLES } from './expected-schema.js';

/** Was asked when the catalog was opened. */
export function checkTables({ tables }: Catalog): Promise<string[]> {
  const missing = TABLES.filter((table) => !tables.includes(table));
  return Promise.resolve(missing.map(({ name }) => `missing table ${name}`));
}

interface Column {
  type: string;
  not_null: boolean;
  default: string | null;
}

export async function checkColumns(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<Column & { table: string; name: string }>(
    `select ${TABLE_NAME} as table, attname::text as name, format_type(atttypid, atttypmod) as type,
            attnotnull as not_null,
            case when attidentity <> '' then 'identity' else pg_get_expr(adbin, adrelid) end as default
       from pg_attribute
       join pg_class on pg_class.oid = attrelid
       left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where ${IS_EXPECTED} and attnum > 0 and not attisdropped`,
    [catalog.tableNames],
  );
  return catalog.tables.flatMap(({ name: table, columns }) =>
    Object.entries(columns).flatMap(([name, expected]) => {
      const actual = rows.find((row) => row.table === table && row.name === name);
      return actual === undefined
        ? [`missing column ${name} of ${table}`]
        : compareColumn(actual, expected).map((difference) => `column ${name} of ${table} ${difference}`);
    }),
  );
}

const COLUMN = /^(?<type>\S+)(?<notNull> not null)?(?: default (?<value>.+))?$/;

function compareColumn(actual: Column, expected: string): string[] {
  const { type = '', notNull, value } = COLUMN.exec(expected)?.groups ?? {};
  const differences: string[] = [];
  if (!isAsWideAs(typeOf(actual), type)) differences.push(`is ${typeOf(actual)}, expected ${type}`);
  if (actual.not_null !== (notNull !== undefined)) {
    differences.push(actual.not_null ? 'is not null, expected nullable' : 'is nullable, expected not null');
  }
  // A default that nothing relies on does no harm.
  if (value !== undefined && defaultOf(actual) !== value) {
    differences.push(`has ${defaultOf(actual) ?? 'nothing'} as its default, expected ${value}`);
  }
  return differences;
}

/** The short names of types: those that migrations are written with. */
function typeOf({ type }: Column): string {
  return type
    .replace(/^timestamp(\(\d\))? with time zone$/, 'timestamptz$1')
    .replace(/^timestamp(\(\d\))? without time zone$/, 'timestamp$1')
    .replace(/^character varying/, 'varchar');
}

function defaultOf({ default: value }: Column): string | undefined {
  return value?.replace(/::[a-z ]+(\(\d+\))?$/, '').replace(/^\((.*)\)$/, '$1');
}

function isAsWideAs(actual: string, expected: string): boolean {
  const [wanted, is] = [expected, actual].map((type) => /^varchar(?:\((\d+)\))?$/.exec(type));
  return wanted && is ? Number(is[1] ?? Infinity) >= Number(wanted[1]) : actual === expected;
}

/** A CHECK that lists the words or numbers a column may hold, as PostgreSQL prints it. */
const LIST = /^\(\(?"?(?:\w+)"?\)?(?:::text)? = ANY \(\(?ARRAY\[(.+?)\]\)?(?:::text\[\])?\)\)$/;

export async function checkAllowedValues(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.query<{ table: string; column: string; expression: string }>(
    `select ${TABLE_NAME} as table, attname::text as column, pg_get_expr(conbin, conrelid) as expression
       from pg_constraint
       join pg_class on pg_class.oid = conrelid
       join pg_attribute on attrelid = conrelid and attnum = conkey[1]
      where ${IS_EXPECTED}
        and contype = 'c' and cardinality(conkey) = 1 and convalidated`,
    [catalog.tableNames],
  );
  return catalog.tables.flatMap(({ name: table, values = {} }) =>
    Object.entries(values).flatMap(([column, words]) => {
      const expected = words.toSorted().join(', ');
      const found = rows
        .filter((row) => row.table === table && row.column === column)
        .map(({ expression }) => LIST.exec(expression)?.[1])
        .filter((list) => list !== undefined)
        .map((list) => wordsOf(list).toSorted().join(', '));
      if (found.includes(expected)) return [];
      return [
        found.length === 0
          ? `missing check on ${column} of ${table}: ${expected}`
          : `check on ${column} of ${table} allows ${found.join('; ')}, expected ${expected}`,
      ];
    }),
  );
}

function wordsOf(list: string): string[] {
  return [...list.matchAll(/'((?:[^']|'')*)'|\b\d+\b(?=,|$)/g)].map(([number, word = number]) => word);
}
