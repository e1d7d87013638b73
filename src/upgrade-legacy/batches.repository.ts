import type { Context } from './context.js';
import type { LegacyTable } from './legacy-tables.repository.js';
import type { Step } from './steps.js';

/** All or nothing: a transaction, or a savepoint of the open transaction. */
export async function inBatch(context: Context, work: () => Promise<void>): Promise<void> {
  const { client, nested } = context;
  await client.query(nested ? 'savepoint legacy_batch' : 'begin');
  try {
    await work();
    await client.query(nested ? 'release savepoint legacy_batch' : 'commit');
  } catch (error) {
    // A lost connection has already ended the transaction. The first error is the relevant one.
    await client
      .query(nested ? 'rollback to savepoint legacy_batch; release savepoint legacy_batch' : 'rollback')
      .catch(() => undefined);
    throw error;
  }
}

export async function rowCountOf({ client, work }: Context, { table }: Step): Promise<number> {
  const { rows } = await client.query<{ last: string | null }>(`select max(n) as last from ${work}.${table}`);
  return Number(rows[0]?.last ?? 0);
}

export async function progressOf({ client, work }: Context, step: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>(`select n from ${work}.progress where step = $1`, [
    step,
  ]);
  return Number(rows[0]?.n ?? 0);
}

export async function saveProgress({ client, work }: Context, step: string, n: number): Promise<void> {
  await client.query(
    `insert into ${work}.progress (step, n) values ($1, $2) on conflict (step) do update set n = excluded.n`,
    [step, n],
  );
}

/** The kind of row that a row of a work table stands for. */
const LEGACY: Record<Step['table'], LegacyTable[]> = {
  users: ['User'],
  chats: ['Chat'],
  messages: ['Message', 'Message_v2'],
  documents: ['Document'],
  suggestions: ['Suggestion'],
};

export async function setAsideRow(
  { client, legacy, work, report }: Context,
  table: Step['table'],
  n: number,
  reason: string,
): Promise<void> {
  if (table === 'messages') await client.query(`update ${work}.messages set outcome = 1 where n = $1`, [n]);
  for (const name of LEGACY[table]) {
    if (!legacy.has(name)) continue;
    const isIt = {
      users: 'true',
      chats: 'true',
      messages: `w.source = ${name === 'Message' ? 1 : 2}`,
      documents:
        name === 'Document' ? `${legacy.time('Document', 'createdAt', 'old')} = w.old_created` : 'true',
      suggestions: 'true',
    }[table];
    const original = name === 'User' ? `(to_jsonb(old) - 'password')::json` : 'row_to_json(old)';
    await client.query(
      `insert into ${report} (table_name, row_id, chat_id, document_id, decision, reason, original)
       select '${name}', old.id::text, ${table === 'messages' ? 'w.chat_id' : table === 'chats' ? 'w.id' : 'null'},
              ${table === 'documents' ? 'w.id' : table === 'suggestions' ? 'w.document_id' : 'null'}, 'set aside', $2, ${original}
         from ${work}.${table} w join ${legacy.table(name)} old on old.id = w.id
        where w.n = $1 and ${isIt}`,
      [n, reason],
    );
  }
}

/** Updates statistics. Without them, the first queries after a copy would treat the tables as empty. */
export async function analyze({ client, work }: Context, target: string | undefined): Promise<void> {
  const tables = ['users', 'chats', 'messages', 'documents', 'suggestions'].map(
    (table) => `${work}.${table}`,
  );
  const own = ['chat', '"Message_v2"', '"Vote_v2"', '"Document"', '"Suggestion"'].map(
    (table) => `${target}.${table}`,
  );
  await client.query(`analyze ${[...tables, ...(target === undefined ? [] : own)].join(', ')}`);
}
