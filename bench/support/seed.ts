import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { signToken } from '../../test/support/tokens.js';

/** Each concurrent connection has its own user. */
const USERS = 100;
const CHATS_OF_OTHERS = 20;
const CHATS_TO_LIST = 1_000;
const MESSAGES_TO_LIST = 50;
const WORDS = 'The quick brown fox jumps over the lazy dog, and says so in a sentence of some length. ';

export interface BenchUser {
  id: string;
  token: string;
}

export interface Seed {
  /** Users with a few chats each. */
  users: BenchUser[];
  /** A user with 1,000 chats. */
  reader: BenchUser;
  /** A chat of the reader with 50 messages. */
  longChatId: string;
}

/**
 * Fills a migrated database with users and tokens, and with the data for the lists.
 *
 * @param same the seed of another database; this one gets the same users and the same long chat
 */
export async function seed(databaseUrl: string, same?: Seed): Promise<Seed> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const [reader, ...users] = same ? [same.reader, ...same.users] : await createUsers(USERS + 1);
    if (!reader) throw new Error('no users');
    await addUsers(client, [reader, ...users]);
    await liftLimits(client);
    for (const { id } of users) await addChats(client, id, CHATS_OF_OTHERS);
    const chats = await addChats(client, reader.id, CHATS_TO_LIST);
    const longChatId = same?.longChatId ?? chats[0]!;
    await client.query('update chat set id = $1 where id = $2', [longChatId, chats[0]]);
    await client.query(
      `insert into "Message_v2" (id, "chatId", role, parts, attachments, "createdAt", model_used, input_tokens,
                                 output_tokens, cost, status, metadata)
       select gen_random_uuid(), $1, case when n % 2 = 1 then 'user' else 'assistant' end,
              json_build_array(json_build_object('type', 'text', 'text', repeat($2, 5))), '[]',
              now() - interval '1 day' + n * interval '1 second', 'gemini-2.5-flash', 120, 110, 0.000311, 'complete',
              case when n % 2 = 0 then '{"agentType": "chat", "model": "google/gemini-2.5-flash"}'::jsonb end
         from generate_series(1, $3::int) n`,
      [longChatId, WORDS, MESSAGES_TO_LIST],
    );
    await client.query('vacuum analyze');
    return { users, reader, longChatId };
  } finally {
    await client.end();
  }
}

/** Adds chats that already have a title. @returns their ids */
export async function addTitledChats(
  databaseUrl: string,
  users: readonly BenchUser[],
  each: number,
): Promise<Map<string, string[]>> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const chats = new Map<string, string[]>();
    for (const { id } of users) chats.set(id, await addChats(client, id, each));
    return chats;
  } finally {
    await client.end();
  }
}

function createUsers(count: number): Promise<BenchUser[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  return Promise.all(
    ids.map(async (id) => ({ id, token: await signToken(id, { email: `${id}@example.com` }) })),
  );
}

async function addUsers(client: pg.Client, users: readonly BenchUser[]): Promise<void> {
  await client.query(
    `insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
     select id, 'authenticated', 'authenticated', id || '@example.com', '{}', '{"role": "user", "isActive": true}',
            now(), now()
       from unnest($1::uuid[]) id`,
    [users.map(({ id }) => id)],
  );
}

async function addChats(client: pg.Client, userId: string, count: number): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `insert into chat (id, user_id, title, "createdAt", "lastContext", total_input_tokens, total_output_tokens, total_cost)
     select gen_random_uuid(), $1, 'A chat about something, number ' || n, now() - n * interval '1 minute',
            '{"inputTokens": 120, "outputTokens": 110, "model": "google/gemini-2.5-flash", "cost": 0.000311}',
            1200, 1100, 0.00311
       from generate_series(1, $2::int) n returning id`,
    [userId, count],
  );
  return rows.map(({ id }) => id);
}

/** The product's limits are meant for people, who send less than a load generator. */
async function liftLimits(client: pg.Client): Promise<void> {
  await client.query(
    `update admin_config set config_data = jsonb_set(config_data, '{rateLimit}', '{"hourly": 1000000, "daily": 1000000}')
      where config_data ? 'rateLimit'`,
  );
}
