import type { Context } from './context.js';
import { REPORT } from './context.js';

/**
 * Notes what has changed in the old tables since a transaction: chats with their content, documents with theirs, and
 * users.
 *
 * @returns the number of changes
 */
export async function markChanges({ client, legacy, work, target }: Context, since: string): Promise<number> {
  const isNew = (alias: string) => `age(${alias}.xmin) <= age('${since}'::xid)`;
  const changed: string[] = [];
  const add = (kind: string, sql: string) =>
    changed.push(`select '${kind}' as kind, id from (${sql}) of_${kind}_${changed.length} (id)`);
  add('user', `select old.id from ${legacy.table('User')} old where ${isNew('old')}`);
  add(
    'user',
    `select w.id from ${work}.users w where not exists (select from ${legacy.table('User')} old where old.id = w.id)`,
  );
  add('chat', `select old.id from ${legacy.table('Chat')} old where ${isNew('old')}`);
  add(
    'chat',
    `select w.id from ${work}.chats w where not exists (select from ${legacy.table('Chat')} old where old.id = w.id)`,
  );
  for (const [table, source] of [
    ['Message', 1],
    ['Message_v2', 2],
  ] as const) {
    if (!legacy.has(table)) continue;
    add('chat', `select old."chatId" from ${legacy.table(table)} old where ${isNew('old')}`);
    add(
      'chat',
      `select w.chat_id from ${work}.messages w where w.source = ${source}
                    and not exists (select from ${legacy.table(table)} old where old.id = w.id)`,
    );
  }
  const votes = (['Vote', 'Vote_v2'] as const).filter((table) => legacy.has(table));
  for (const table of votes)
    add('chat', `select old."chatId" from ${legacy.table(table)} old where ${isNew('old')}`);
  if (votes.length > 0) {
    const known = votes.map(
      (table) =>
        `select from ${legacy.table(table)} old where old."chatId" = vote."chatId" and old."messageId" = vote."messageId"`,
    );
    add(
      'chat',
      `select vote."chatId" from ${target}."Vote_v2" vote where ${known.map((sql) => `not exists (${sql})`).join(' and ')}`,
    );
  }
  if (legacy.has('Document')) {
    const time = legacy.time('Document', 'createdAt', 'old');
    add('document', `select old.id from ${legacy.table('Document')} old where ${isNew('old')}`);
    add(
      'document',
      `select w.id from ${work}.documents w where not exists (
                       select from ${legacy.table('Document')} old where old.id = w.id and ${time} = w.old_created)`,
    );
  }
  if (legacy.has('Suggestion')) {
    add('document', `select old."documentId" from ${legacy.table('Suggestion')} old where ${isNew('old')}`);
    add(
      'document',
      `select w.document_id from ${work}.suggestions w where not exists (
                       select from ${legacy.table('Suggestion')} old where old.id = w.id)`,
    );
  }
  await client.query(`truncate ${work}.changed`);
  const { rowCount } = await client.query(
    `insert into ${work}.changed (kind, id) ${changed.join(' union ')}`,
  );
  return rowCount ?? 0;
}

/** Removes the copies of changed data, so that the data can be listed and copied again. */
export async function forgetChanged({ client, legacy, work, target }: Context): Promise<void> {
  const of = (kind: string, column: string) =>
    `exists (select from ${work}.changed where kind = '${kind}' and changed.id = ${column})`;
  await client.query(`
    delete from ${target}.chat copy where ${of('chat', 'copy.id')};
    delete from ${target}."Document" copy where ${of('document', 'copy.id')};
    delete from ${REPORT} told
     where ${of('chat', 'told.chat_id')} or ${of('document', 'told.document_id')}
        or table_name = 'User' and exists (select from ${work}.changed where kind = 'user' and changed.id::text = told.row_id);
    delete from auth.users account
     where ${of('user', 'account.id')} and exists (select from ${work}.users w where w.id = account.id)
       and not exists (select from ${legacy.table('User')} old where old.id = account.id);
    delete from ${work}.messages w where ${of('chat', 'w.chat_id')};
    delete from ${work}.chats w where ${of('chat', 'w.id')};
    delete from ${work}.suggestions w where ${of('document', 'w.document_id')};
    delete from ${work}.documents w where ${of('document', 'w.id')};
    delete from ${work}.users w where ${of('user', 'w.id')}`);
}
