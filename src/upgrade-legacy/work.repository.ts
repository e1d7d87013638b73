import type { Context } from './context.js';

/** Times that Switchboard's tables accept. Others become `otherwise`. */
export function sane(time: string, otherwise: string): string {
  return `case when ${isSane(time)} then (${time})::timestamptz(3) else ${otherwise} end`;
}

export function isSane(time: string): string {
  return `coalesce(${time} >= '1970-01-01 00:00:00+00' and ${time} < '9999-12-30 00:00:00+00', false)`;
}

const tables = (work: string, report: string) => `
  create table ${work}.users (
    n bigint primary key, id uuid not null unique, place integer not null, first_chat timestamptz,
    kept boolean not null default false);
  create table ${work}.chats (n bigint primary key, id uuid not null unique, kept boolean not null default false);
  create table ${work}.messages (
    n bigint primary key, id uuid not null, chat_id uuid not null, source smallint not null, role text not null,
    created_at timestamptz(3) not null, outcome smallint not null default 0);
  create index messages_id on ${work}.messages (id);
  create index messages_chat on ${work}.messages (chat_id, n);
  create table ${work}.documents (
    n bigint primary key, id uuid not null, old_created timestamptz, created_at timestamptz(3) not null,
    owner uuid not null, kept boolean not null default false);
  create index documents_version on ${work}.documents (id, old_created);
  create table ${work}.suggestions (n bigint primary key, id uuid not null unique, document_id uuid not null, kept boolean not null default false);
  create index suggestions_document on ${work}.suggestions (document_id);
  create table ${work}.progress (step text primary key, n bigint not null);
  create table ${work}.changed (kind text not null, id uuid not null, primary key (kind, id));
  create table if not exists ${report} (
    id bigint generated always as identity primary key,
    table_name text not null, row_id text not null, chat_id uuid, document_id uuid,
    decision text not null, reason text not null, original json,
    decided_at timestamptz(3) not null default now())`;

/** Creates the tables that list what to copy. In a dry run, they are temporary. */
export async function createWorkTables({ client, work, report }: Context): Promise<void> {
  await client.query(tables(work, report));
}

/** The scope: a whole copy, or only the rows that the table `changed` names. */
export type Scope = 'all' | 'changed';

/** Lists what to copy, after everything that is already listed, so that a step can continue its count. */
export async function listRows(context: Context, scope: Scope): Promise<void> {
  for (const statement of [users, chats, messages, documents, suggestions]) {
    const sql = statement(context, scope);
    if (sql !== undefined) await context.client.query(sql);
  }
}

const only = (scope: Scope, work: string, kind: string, column: string) =>
  scope === 'all'
    ? 'true'
    : `exists (select from ${work}.changed where kind = '${kind}' and changed.id = ${column})`;

/** The steps that process a table, if they differ from the name of the table. */
const STEPS: Record<string, string> = { chats: `'chats', 'votes'` };

/** New rows get higher numbers than all rows that were ever copied, even if those are no longer listed. */
const last = (work: string, table: string) => `
  greatest((select coalesce(max(n), 0) from ${work}.${table}),
           (select coalesce(max(n), 0) from ${work}.progress where step in (${STEPS[table] ?? `'${table}'`})))`;

/**
 * If several accounts have the same email address, the account that was used last keeps it. The old chatbot
 * distinguishes upper and lower case, and the auth server does not.
 */
function users({ legacy, work }: Context, scope: Scope): string {
  const time = legacy.time('Chat', 'createdAt', 'chat');
  return `
    insert into ${work}.users (n, id, place, first_chat)
    select ${last(work, 'users')} + row_number() over (order by id), id, place, first_chat
      from (select old.id, latest.first_chat, row_number() over (
                     partition by lower(btrim(old.email))
                     order by latest.at desc nulls last, (old.password is null), old.id) as place
              from ${legacy.table('User')} old
              left join (select "userId", max(${time}) as at, min(${sane(time, 'null')}) as first_chat
                           from ${legacy.table('Chat')} chat group by 1) latest on latest."userId" = old.id) listed
     where ${only(scope, work, 'user', 'listed.id')}`;
}

function chats({ legacy, work }: Context, scope: Scope): string {
  return `
    insert into ${work}.chats (n, id)
    select ${last(work, 'chats')} + row_number() over (order by id), id
      from ${legacy.table('Chat')} old where ${only(scope, work, 'chat', 'old.id')}`;
}

/**
 * All messages in the order of their chats. Two messages of a chat never get the same millisecond, because their order
 * would be lost: the old tables only keep it by the order of rows. If the old chatbot's own script has converted the
 * messages of a chat, the converted ones are used: outcome 2 says that a row needs no copy.
 */
function messages({ legacy, work, report }: Context, scope: Scope): string | undefined {
  const sources: string[] = [];
  for (const [table, source] of [
    ['Message', 1],
    ['Message_v2', 2],
  ] as const) {
    if (!legacy.has(table)) continue;
    const isConverted =
      source === 1 && legacy.has('Message_v2')
        ? `old."chatId" in (select first."chatId" from ${legacy.table('Message')} first
                              join ${legacy.table('Message_v2')} second on second.id = first.id)`
        : 'false';
    sources.push(`
      select old.id, old."chatId" as chat_id, old.role::text as role, ${source} as source, old.ctid as position,
             ${legacy.time(table, 'createdAt', 'old')} as created, ${isConverted} as is_converted
        from ${legacy.table(table)} old where ${only(scope, work, 'chat', 'old."chatId"')}`);
  }
  if (sources.length === 0) return undefined;
  const chatTime = legacy.time('Chat', 'createdAt', 'chat');
  return `
    with source as (${sources.join(' union all ')}),
    placed as (
      select source.*, row_number() over (partition by chat_id, is_converted order by created, source, position) as place,
             ${sane('source.created', sane(chatTime, "'2023-01-01 00:00:00+00'"))} as time,
             ${isSane('source.created')} as is_sane
        from source left join ${legacy.table('Chat')} chat on chat.id = source.chat_id),
    timed as (
      select placed.*,
             'epoch'::timestamptz + interval '1 millisecond' * (place + max(
               round(extract(epoch from time) * 1000)::bigint - place)
               over (partition by chat_id, is_converted order by place))::double precision as own_time
        from placed),
    listed as (
      insert into ${work}.messages (n, id, chat_id, source, role, created_at, outcome)
      select ${last(work, 'messages')} + row_number() over (order by chat_id, is_converted, place), id, chat_id, source, role,
             own_time, case when is_converted then 2 else 0 end
        from timed),
    converted as (
      insert into ${report} (table_name, row_id, chat_id, decision, reason)
      select distinct 'Message', chat_id::text, chat_id, 'folded', 'the old chatbot had converted its chat to "Message_v2" before'
        from timed where is_converted)
    insert into ${report} (table_name, row_id, chat_id, decision, reason, original)
    select case source when 1 then 'Message' else 'Message_v2' end, id::text, chat_id, 'changed',
           case when is_sane then 'its time moved by milliseconds, to keep the order of the chat'
                else 'its time was impossible' end,
           json_build_object('createdAt', created, 'becomes', own_time)
      from timed where not is_converted and (not is_sane or own_time <> time)`;
}

/** All versions in order. Two versions never get the same millisecond. The first version determines the owner. */
function documents({ legacy, work }: Context, scope: Scope): string | undefined {
  if (!legacy.has('Document')) return undefined;
  const time = legacy.time('Document', 'createdAt', 'old');
  return `
    with source as (
      select old.id, ${time} as created, ${sane(time, "'2023-01-01 00:00:00+00'")} as time, old."userId" as user_id,
             row_number() over (partition by old.id order by ${time}, old.ctid) as place
        from ${legacy.table('Document')} old where ${only(scope, work, 'document', 'old.id')})
    insert into ${work}.documents (n, id, old_created, created_at, owner)
    select ${last(work, 'documents')} + row_number() over (order by id, place), id, created,
           'epoch'::timestamptz + interval '1 millisecond' * (place + max(
             round(extract(epoch from time) * 1000)::bigint - place)
             over (partition by id order by place))::double precision,
           first_value(user_id) over (partition by id order by place)
      from source`;
}

function suggestions({ legacy, work }: Context, scope: Scope): string | undefined {
  if (!legacy.has('Suggestion')) return undefined;
  return `
    insert into ${work}.suggestions (n, id, document_id)
    select ${last(work, 'suggestions')} + row_number() over (order by id), id, "documentId"
      from ${legacy.table('Suggestion')} old where ${only(scope, work, 'document', 'old."documentId"')}`;
}
