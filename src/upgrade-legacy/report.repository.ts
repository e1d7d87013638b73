import { COUNTS, type Context, type Decision } from './context.js';

/** One kind of decision, and its count. */
export interface Told {
  table: string;
  decision: Decision;
  reason: string;
  rows: number;
  example: string;
}

export interface Count {
  table: string;
  before: number;
  after: number;
  setAside: number;
  folded: number;
}

/** Groups the decisions by their reason. The part of a reason after a colon differs from row to row. */
export async function readDecisions({ client, report }: Pick<Context, 'client' | 'report'>): Promise<Told[]> {
  const { rows } = await client.query<Told>(
    `select table_name as table, decision, split_part(reason, ': ', 1) as reason, count(*)::integer as rows,
            min(row_id) as example
       from ${report} group by 1, 2, 3 order by 1, 2, 3`,
  );
  return rows;
}

/** The number of rows of each old table, and their results. */
export async function countRows(context: Context): Promise<Count[]> {
  const { client, legacy, work, report } = context;
  const after: Record<string, string> = {
    User: `select count(*) from ${work}.users where kept`,
    Chat: `select count(*) from ${work}.chats where kept`,
    Message: `select count(*) from ${work}.messages where source = 1 and outcome = 0`,
    Message_v2: `select count(*) from ${work}.messages where source = 2 and outcome = 0`,
    Document: `select count(*) from ${work}.documents where kept`,
    Suggestion: `select count(*) from ${work}.suggestions where kept`,
    Stream: 'select 0',
  };
  const counts: Count[] = [];
  for (const table of legacy.names) {
    const before = `select count(*) from ${legacy.table(table)}`;
    const aside = `select count(*) from ${report} where table_name = '${table}' and decision = 'set aside'`;
    const kept = after[table];
    const { rows } = await client.query<{ before: number; aside: number; after: number | null }>(
      `select (${before})::integer as before, (${aside})::integer as aside, ${kept ? `(${kept})::integer` : 'null'} as after`,
    );
    const [row] = rows;
    if (!row) continue;
    const folded = await countFolded(context, table);
    counts.push({
      table,
      before: row.before,
      after: row.after ?? row.before - row.aside - folded,
      setAside: row.aside,
      folded,
    });
  }
  return counts;
}

/** Rows whose content is now in another row, or that are no longer needed: results of tools, votes in both tables, ended streams. */
async function countFolded({ client, legacy, work }: Context, table: string): Promise<number> {
  let sql: string | undefined;
  if (table === 'Message') sql = `select count(*) from ${work}.messages where source = 1 and outcome = 2`;
  if (table === 'Stream') sql = `select count(*) from ${legacy.table('Stream')}`;
  if (table === 'Vote' && legacy.has('Vote_v2')) {
    sql = `select count(*) from ${legacy.table('Vote')} join ${legacy.table('Vote_v2')} using ("chatId", "messageId")`;
  }
  if (sql === undefined) return 0;
  const { rows } = await client.query<{ folded: number }>(`select (${sql})::integer as folded`);
  return rows[0]?.folded ?? 0;
}

/** Counts the rows in the target that the work tables list as copied. A difference is an error, and the switch does not happen. */
export async function checkCounts(context: Context, counts: Count[]): Promise<void> {
  const { client, target, work } = context;
  const problems = counts
    .filter(({ before, after, setAside, folded }) => before !== after + setAside + folded)
    .map(
      ({ table, before, after, setAside, folded }) =>
        `"${table}" has ${before} rows, but ${after} were copied, ${setAside} set aside and ${folded} folded`,
    );
  if (target !== undefined) {
    const { rows } = await client.query<{ name: string }>(
      `select name from (values
         ('chats', (select count(*) from ${work}.chats w where kept and not exists (select from ${target}.chat t where t.id = w.id))),
         ('messages', (select count(*) from ${work}.messages w where outcome = 0 and not exists (
            select from ${target}."Message_v2" t where t.id = w.id))),
         ('documents', (select count(*) from ${work}.documents w where kept and not exists (
            select from ${target}."Document" t where t.id = w.id and t."createdAt" = w.created_at)))
       ) as missing (name, rows) where rows > 0`,
    );
    problems.push(...rows.map(({ name }) => `some ${name} that were copied are not there`));
  }
  if (problems.length > 0) throw new Error(`the counts do not add up: ${problems.join('; ')}`);
}

export async function saveCounts({ client }: Context, counts: Count[]): Promise<void> {
  await client.query(`truncate ${COUNTS}`);
  await client.query(
    `insert into ${COUNTS} (table_name, rows_before, rows_after, set_aside, folded)
     select "table", before, after, "setAside", folded
       from jsonb_to_recordset($1) as x("table" text, before bigint, after bigint, "setAside" bigint, folded bigint)`,
    [JSON.stringify(counts)],
  );
}

export async function readCounts(client: Context['client']): Promise<Count[]> {
  const { rows } = await client.query<Count>(
    `select table_name as table, rows_before::integer as before, rows_after::integer as after,
            set_aside::integer as "setAside", folded::integer as folded from ${COUNTS} order by table_name`,
  );
  return rows;
}
