import type { Context, Decision } from './context.js';

/** A message in the format of `"Message_v2"`, with JSON as text. */
export interface NewMessage {
  id: string;
  chatId: string;
  role: string;
  parts: string;
  attachments: string;
  createdAt: Date;
}

/** An old message that needs a conversion. */
export interface OldMessage {
  n: string;
  id: string;
  chatId: string;
  source: 1 | 2;
  role: string;
  createdAt: Date;
  hasChat: boolean;
  /** JSON as text: the parts, or the content of the first message table. */
  content: string;
  attachments: string | null;
  /** The contents of tool rows after an assistant's message, or of the assistant's message before a tool row. */
  neighbors: string[];
}

/** The number of rows of one chat in which to look for the other half of a tool call. */
const NEIGHBORS = 64;

/** `->>` cannot read some escapes. A message with one of them is converted outside of the database. */
const HAS_ESCAPES = String.raw`strpos(m.parts::text, '\u') > 0`;

/** The number of bytes that a part may contain besides its text. This few bytes cannot be nested too deeply. */
const MAX_EXTRA = 240;

/** Whether a message can stay unchanged: it only contains texts, and reasoning of AI SDK 5 and later. */
const IS_PLAIN = `
  w.role in ('user', 'assistant', 'system') and m.attachments::text = '[]'
  and case when ${HAS_ESCAPES} then false
           when json_typeof(m.parts::json) <> 'array' then false
           else not exists (
             select from json_array_elements(m.parts::json) as part
              where not coalesce(case
                when json_typeof(part) <> 'object' then false
                when octet_length(part::text) - coalesce(octet_length((part -> 'text')::text), 0) > ${MAX_EXTRA} then false
                when part ->> 'type' = 'text' then json_typeof(part -> 'text') = 'string'
                when part ->> 'type' = 'step-start' then true
                when part ->> 'type' = 'reasoning' then
                  json_typeof(part -> 'text') = 'string' and part -> 'details' is null and part -> 'reasoning' is null
                  and part -> 'signature' is null
                else false end, false)) end`;

/**
 * Copies the messages that need no conversion inside the database.
 *
 * @returns the numbers of the other messages, with their size in bytes
 */
export async function copyPlainMessages(
  { client, legacy, work, target }: Context,
  from: number,
  to: number,
): Promise<Array<{ n: string; bytes: number }>> {
  const plain = legacy.has('Message_v2')
    ? `select w.n, w.id, w.chat_id, w.role, m.parts, m.attachments, w.created_at
         from ${work}.messages w
         join ${work}.chats c on c.id = w.chat_id and c.kept
         join ${legacy.table('Message_v2')} m on m.id = w.id
        where w.n > $1 and w.n <= $2 and w.source = 2 and ${IS_PLAIN}`
    : undefined;
  const copied =
    plain === undefined
      ? undefined
      : target === undefined
        ? `select id from (${plain}) plain`
        : `insert into ${target}."Message_v2" (id, "chatId", role, parts, attachments, "createdAt")
           select id, chat_id, role, parts::json, attachments::json, created_at from (${plain}) plain
           on conflict (id) do nothing returning id`;
  const size = [
    ...(legacy.has('Message_v2')
      ? [
          `when 2 then (select octet_length(m.parts::text) from ${legacy.table('Message_v2')} m where m.id = w.id)`,
        ]
      : []),
    ...(legacy.has('Message')
      ? [
          `when 1 then (select octet_length(m.content::text) from ${legacy.table('Message')} m where m.id = w.id)`,
        ]
      : []),
  ].join(' ');
  const { rows } = await client.query<{ n: string; bytes: number }>(
    `${copied === undefined ? '' : `with copied as (${copied})`}
     select w.n, coalesce(case w.source ${size} end, 0) as bytes from ${work}.messages w
      where w.n > $1 and w.n <= $2 and w.outcome = 0
        ${copied === undefined ? '' : 'and not exists (select from copied where copied.id = w.id)'}
      order by w.n`,
    [from, to],
  );
  return rows;
}

export async function readMessages({ client, legacy, work }: Context, ns: string[]): Promise<OldMessage[]> {
  const neighbors = (role: string, order: 'asc' | 'desc') => `
    select coalesce(array_agg(other.content::text), '{}') from (
      select near.id from ${work}.messages near
       where near.chat_id = w.chat_id and near.source = 1 and near.role = '${role}' and near.n ${order === 'asc' ? '>' : '<'} w.n
       order by near.n ${order} limit ${NEIGHBORS}) near
      join ${legacy.table('Message')} other on other.id = near.id`;
  const parts = legacy.has('Message_v2');
  const { rows } = await client.query<OldMessage>(
    `select w.n, w.id, w.chat_id as "chatId", w.source, w.role, w.created_at as "createdAt", coalesce(c.kept, false) as "hasChat",
            coalesce(${[...(parts ? ['m2.parts::text'] : []), ...(legacy.has('Message') ? ['m1.content::text'] : []), `'null'`].join(', ')}) as content,
            ${parts ? 'm2.attachments::text' : 'null'} as attachments,
            ${
              legacy.has('Message')
                ? `case when w.source = 1 and w.role = 'assistant' and position('tool-call' in m1.content::text) > 0
                          then (${neighbors('tool', 'asc')})
                        when w.source = 1 and w.role = 'tool' then (${neighbors('assistant', 'desc')})
                        else '{}' end`
                : `'{}'::text[]`
            } as neighbors
       from ${work}.messages w left join ${work}.chats c on c.id = w.chat_id
       ${parts ? `left join ${legacy.table('Message_v2')} m2 on w.source = 2 and m2.id = w.id` : ''}
       ${legacy.has('Message') ? `left join ${legacy.table('Message')} m1 on w.source = 1 and m1.id = w.id` : ''}
      where w.n = any($1::bigint[]) order by w.n`,
    [ns],
  );
  return rows;
}

/** @returns the ids of the messages that were written; the other ids already exist */
export async function insertMessages(
  { client, target }: Context,
  messages: NewMessage[],
): Promise<Set<string>> {
  if (target === undefined || messages.length === 0) return new Set(messages.map(({ id }) => id));
  const column = <Name extends keyof NewMessage>(name: Name) => messages.map((message) => message[name]);
  const { rows } = await client.query<{ id: string }>(
    `insert into ${target}."Message_v2" (id, "chatId", role, parts, attachments, "createdAt")
     select id, chat, role, parts::json, attachments::json, created
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
         as message (id, chat, role, parts, attachments, created)
     on conflict (id) do nothing returning id`,
    [
      column('id'),
      column('chatId'),
      column('role'),
      column('parts'),
      column('attachments'),
      column('createdAt'),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}

export interface MessageDecision {
  n: string;
  decision: Decision;
  reason: string;
}

/** Records the results for messages, and keeps the original of each. */
export async function tellMessages(
  { client, legacy, work, report }: Context,
  decisions: MessageDecision[],
  outcomes: ReadonlyMap<string, number>,
): Promise<void> {
  if (outcomes.size > 0) {
    await client.query(
      `update ${work}.messages w set outcome = given.outcome
         from unnest($1::bigint[], $2::smallint[]) as given (n, outcome) where given.n = w.n`,
      [[...outcomes.keys()], [...outcomes.values()]],
    );
  }
  if (decisions.length === 0) return;
  const values = [
    decisions.map(({ n }) => n),
    decisions.map(({ decision }) => decision),
    decisions.map(({ reason }) => reason),
  ];
  for (const [table, source] of [
    ['Message', 1],
    ['Message_v2', 2],
  ] as const) {
    if (!legacy.has(table)) continue;
    await client.query(
      `insert into ${report} (table_name, row_id, chat_id, decision, reason, original)
       select '${table}', old.id::text, w.chat_id, decision, reason, row_to_json(old)
         from unnest($1::bigint[], $2::text[], $3::text[]) as told (n, decision, reason)
         join ${work}.messages w on w.n = told.n and w.source = ${source}
         join ${legacy.table(table)} old on old.id = w.id`,
      values,
    );
  }
}

/** Records what could not be copied from chats that contain their messages. */
export async function tellChats(
  { client, legacy, report }: Context,
  decisions: Array<{ id: string; reason: string }>,
): Promise<void> {
  if (decisions.length === 0) return;
  await client.query(
    `insert into ${report} (table_name, row_id, chat_id, decision, reason, original)
     select 'Chat', old.id::text, old.id, 'changed', reason, row_to_json(old)
       from unnest($1::uuid[], $2::text[]) as told (id, reason) join ${legacy.table('Chat')} old on old.id = told.id`,
    [decisions.map(({ id }) => id), decisions.map(({ reason }) => reason)],
  );
}
