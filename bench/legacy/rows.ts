import type pg from 'pg';

const PER_CHAT = 10;
/** About two kilobytes, of words that are not all the same. */
const WORDS = `(select string_agg(md5(i::text || j || k), ' ') from generate_series(1, 60) k)`;

/**
 * Chats of ten messages. Of ten, seven need no conversion, two have parts of AI SDK 4, and one stands in the first table.
 */
export async function addRows(client: pg.Client, messages: number): Promise<void> {
  const chats = Math.ceil(messages / PER_CHAT);
  await client.query(
    `insert into "User" (email, password) select 'user-' || i || '@example.com', '$2a$10$' || repeat('x', 53) from generate_series(1, $1::integer) i`,
    [Math.ceil(chats / 100)],
  );
  await client.query(
    `insert into "Chat" ("createdAt", title, "userId", "lastContext")
     select timestamp '2025-01-01' + i * interval '1 minute', 'Chat ' || i, users.ids[1 + i % cardinality(users.ids)], '{"inputTokens": 1}'
       from generate_series(1, $1::integer) i, (select array_agg(id) as ids from "User") users`,
    [chats],
  );
  await client.query(`create temporary table numbered as select id, row_number() over () as i from "Chat"`);
  await client.query(
    `insert into "Message_v2" ("chatId", role, parts, attachments, "createdAt")
     select id, case j % 2 when 0 then 'assistant' else 'user' end,
            case when j <= 7 then json_build_array(json_build_object('type', 'text', 'text', ${WORDS}))
                 else json_build_array(
                   json_build_object('type', 'tool-invocation', 'toolInvocation', json_build_object(
                     'state', 'result', 'toolCallId', 't' || j, 'toolName', 'getWeather', 'args', json_build_object('at', j), 'result', ${WORDS})),
                   json_build_object('type', 'text', 'text', 'Done.')) end,
            '[]', timestamp '2025-01-01' + i * interval '1 minute' + j * interval '1 second'
       from numbered, generate_series(1, 9) j`,
  );
  await client.query(
    `insert into "Message" ("chatId", role, content, "createdAt")
     select id, 'user', to_json(${WORDS.replaceAll('j ||', '0 ||')}), timestamp '2025-01-01' + i * interval '1 minute' from numbered`,
  );
  await client.query(
    `insert into "Vote_v2" select "chatId", id, true from "Message_v2" where role = 'assistant'`,
  );
  await client.query('vacuum analyze');
}
