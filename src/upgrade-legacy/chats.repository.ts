import type { Context } from './context.js';
import { isSane, sane } from './work.repository.js';

const MAX_TITLE = 2_000;
const MEGABYTE = 1024 ** 2;
const EPOCH = `'2023-01-01 00:00:00+00'`;

/** The old chatbot's first schema stores the messages of a chat in the chat's row. */
export interface EmbeddedChat {
  id: string;
  createdAt: Date;
  /** JSON. */
  messages: string;
}

export async function readEmbeddedChats(
  { client, legacy, work }: Context,
  from: number,
  to: number,
): Promise<EmbeddedChat[]> {
  const { rows } = await client.query<EmbeddedChat>(
    `select old.id, ${sane(legacy.time('Chat', 'createdAt', 'old'), EPOCH)} as "createdAt", old.messages::text as messages
       from ${work}.chats w join ${legacy.table('Chat')} old on old.id = w.id
      where w.n > $1 and w.n <= $2 order by w.n`,
    [from, to],
  );
  return rows;
}

/** Copies chats. Chats of users who do not exist are set aside. */
export async function copyChats(
  { client, legacy, work, report, target }: Context,
  from: number,
  to: number,
  titles: ReadonlyMap<string, string>,
): Promise<void> {
  const created = legacy.time('Chat', 'createdAt', 'old');
  const has = (column: string) => legacy.has('Chat', column);
  const context = has('lastContext') ? 'old."lastContext"::jsonb' : 'null::jsonb';
  const insert =
    target === undefined
      ? `select id from judged where owned`
      : `insert into ${target}.chat (id, user_id, title, "createdAt", visibility, "lastContext", updated_at)
         select id, user_id, left(title, ${MAX_TITLE}), time,
                case when visibility in ('public', 'private') then visibility else 'private' end,
                case when fits then context end,
                greatest(time, (select max(m.created_at) from ${work}.messages m where m.chat_id = judged.id))
           from judged where owned
         on conflict (id) do nothing returning id`;
  await client.query(
    `with judged as (
       select w.n, old.id, old."userId" as user_id, coalesce(owner.kept, false) as owned, ${isSane(created)} as is_sane,
              ${sane(created, EPOCH)} as time,
              ${has('title') ? 'old.title' : `coalesce(given.title, 'New chat')`} as title,
              ${has('visibility') ? 'old.visibility::text' : `'private'`} as visibility,
              ${context} as context,
              coalesce(octet_length((${context})::text) <= ${MEGABYTE}
                       and not jsonb_path_exists(${context}, 'strict $.**{129}'), true) as fits
         from ${work}.chats w join ${legacy.table('Chat')} old on old.id = w.id
         left join ${work}.users owner on owner.id = old."userId"
         left join jsonb_to_recordset($3) as given (id uuid, title text) on given.id = old.id
        where w.n > $1 and w.n <= $2),
     inserted as (${insert}),
     kept as (update ${work}.chats w set kept = true from inserted where inserted.id = w.id),
     decided as (
       select judged.id, decision, reason from judged left join inserted on inserted.id = judged.id
        cross join lateral (values
          (not owned, 'set aside', 'its user does not exist'),
          (owned and inserted.id is null, 'set aside', 'its id is taken'),
          (owned and not is_sane, 'changed', 'its time was impossible'),
          (owned and char_length(title) > ${MAX_TITLE}, 'changed', 'its title was cut to ${MAX_TITLE} characters'),
          (owned and visibility not in ('public', 'private'), 'changed', 'its visibility was unknown, and is private'),
          (owned and not fits, 'changed', 'its lastContext was too large or nested too deeply, and was left out')
        ) as possible (applies, decision, reason) where applies)
     insert into ${report} (table_name, row_id, chat_id, decision, reason, original)
     select 'Chat', old.id::text, old.id, decision, reason, row_to_json(old)
       from decided join ${legacy.table('Chat')} old on old.id = decided.id`,
    [from, to, JSON.stringify([...titles].map(([id, title]) => ({ id, title })))],
  );
}

/** Copies the votes on the messages of some chats. If a message has two votes, the vote in the newer table counts. */
export async function copyVotes(
  { client, legacy, work, report, target }: Context,
  from: number,
  to: number,
): Promise<void> {
  for (const table of ['Vote_v2', 'Vote'] as const) {
    if (!legacy.has(table)) continue;
    const isSecond =
      table === 'Vote' && legacy.has('Vote_v2')
        ? `not exists (select from ${legacy.table('Vote_v2')} newer
                        where newer."chatId" = old."chatId" and newer."messageId" = old."messageId")`
        : 'true';
    await client.query(
      `with judged as (
         select old."chatId", old."messageId", old."isUpvoted", c.kept and m.id is not null as kept
           from ${work}.chats c join ${legacy.table(table)} old on old."chatId" = c.id
           left join ${work}.messages m on m.id = old."messageId" and m.chat_id = old."chatId" and m.outcome = 0
          where c.n > $1 and c.n <= $2 and ${isSecond})
       ${
         target === undefined
           ? ''
           : `, inserted as (
         insert into ${target}."Vote_v2" ("chatId", "messageId", "isUpvoted")
         select "chatId", "messageId", "isUpvoted" from judged where kept on conflict do nothing)`
       }
       insert into ${report} (table_name, row_id, chat_id, decision, reason, original)
       select '${table}', "messageId"::text, "chatId", 'set aside', 'its message was not copied', row_to_json(judged)
         from judged where not kept`,
      [from, to],
    );
  }
}

/** Votes in chats that do not exist, which belong to no range of chats. */
export async function setAsideStrayVotes({ client, legacy, work, report }: Context): Promise<void> {
  for (const table of ['Vote_v2', 'Vote'] as const) {
    if (!legacy.has(table)) continue;
    await client.query(
      `insert into ${report} (table_name, row_id, chat_id, decision, reason, original)
       select '${table}', old."messageId"::text, old."chatId", 'set aside', 'its chat does not exist', row_to_json(old)
         from ${legacy.table(table)} old
        where not exists (select from ${work}.chats c where c.id = old."chatId")
          and not exists (select from ${report} known where known.table_name = '${table}'
                             and known.row_id = old."messageId"::text and known.chat_id = old."chatId")`,
    );
  }
}
