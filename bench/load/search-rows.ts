import { randomUUID } from 'node:crypto';
import type pg from 'pg';

const VOCABULARY = 20_000;
const MESSAGES_OF_A_CHAT = 40;
const LONG_CHAT = 10_000;
const BATCH = 2_000;

/** Words that stand in few messages, or in many. */
export const PLANTED = {
  rare: 'quixotrope',
  composed: 'Zürich'.normalize('NFC'),
  decomposed: 'Zürich'.normalize('NFD'),
  ideographs: '鯨魚',
  emoji: '🦑',
  hebrew: 'שלום',
  wildcards: '100%_sure\\',
  sentence:
    'a long sentence that nobody else says, about lighthouses and the people who kept them alight at night',
  /** In one message of a hundred. */
  common: 'harborage',
  /** In every message of the older half, in none of the newer one. */
  old: 'palimpsest',
};

/** Chats of one user with ordinary words, by Zipf's law; one of the chats has 10,000 messages. */
export async function addConversations(
  client: pg.Client,
  { userId, messages, planted = false }: { userId: string; messages: number; planted?: boolean },
): Promise<{ longChatId?: string; shortChatId: string }> {
  const chats: string[] = [];
  let rows: Array<{ id: string; chatId: string; role: string; text: string; at: Date }> = [];
  const flush = async () => {
    const at = rows.map((row) => row.at);
    await client.query(
      `insert into "Message_v2" (id, "chatId", role, parts, "createdAt", status)
       select id, chat_id, role, json_build_array(json_build_object('type', 'text', 'text', text)), at, 'complete'
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) row (id, chat_id, role, text, at)`,
      [...(['id', 'chatId', 'role', 'text'] as const).map((key) => rows.map((row) => row[key])), at],
    );
    rows = [];
  };
  const started = Date.now() - messages * 60_000;
  let left = 0;
  for (let n = 0; n < messages; n++) {
    if (left === 0) {
      if (rows.length > 0) await flush();
      const chatId = randomUUID();
      const isLong = planted && chats.length === 1;
      left = isLong ? LONG_CHAT : chats.length === 0 ? 10 : MESSAGES_OF_A_CHAT;
      chats.push(chatId);
      await client.query('insert into chat (id, user_id, title, "createdAt") values ($1, $2, $3, $4)', [
        chatId,
        userId,
        sentence(4),
        new Date(started + n * 60_000),
      ]);
    }
    left--;
    const isQuestion = n % 2 === 0;
    let text = n % 97 === 0 ? ideographs(60) : sentence(isQuestion ? 15 : 110);
    if (planted) text += plantedAt(n, messages);
    const at = new Date(started + n * 60_000);
    rows.push({
      id: randomUUID(),
      chatId: chats.at(-1)!,
      role: isQuestion ? 'user' : 'assistant',
      text,
      at,
    });
    if (rows.length === BATCH) await flush();
  }
  if (rows.length > 0) await flush();
  return { shortChatId: chats[0]!, longChatId: planted ? chats[1] : undefined };
}

/** Rare things stand in the middle of all messages, each in one of its own. */
function plantedAt(n: number, messages: number): string {
  const { common, old, ...rare } = PLANTED;
  const word = Object.values(rare)[n - Math.floor(messages / 2)];
  return [word, n % 100 === 0 && common, n < messages / 2 && old]
    .filter(Boolean)
    .map((text) => ` ${text as string}`)
    .join('');
}

const CONSONANTS = [...'bcdfghjklmnprstvw', 'st', 'tr', 'ch', 'pl', 'sh', 'br'];
const VOWELS = [...'aeiou', 'ea', 'io', 'ou'];
const ENDS = ['', '', '', 'n', 'r', 's', 'l', 't', 'ng', 'ment', 'nt'];
const words = Array.from({ length: VOCABULARY }, (_, index) => word(index));

/** Consonants and vowels in turn, more syllables the rarer it is. */
function word(index: number): string {
  let result = '';
  for (let left = index < 100 ? 1 : index < 2_000 ? 2 : 3; left > 0; left--) {
    result += oneOf(CONSONANTS) + oneOf(VOWELS) + oneOf(ENDS);
  }
  return result;
}

/** The first ones more often. */
function oneOf(letters: string[]): string {
  return letters[Math.floor(letters.length * Math.random() ** 1.5)]!;
}

function sentence(length: number): string {
  return Array.from(
    { length },
    // The n-th word is used about 1/n as often as the first.
    () => words[Math.floor(VOCABULARY ** Math.random()) - 1],
  ).join(' ');
}

function ideographs(length: number): string {
  return String.fromCodePoint(
    ...Array.from({ length }, () => 0x4e00 + Math.floor(3_000 * Math.random() ** 2)),
  );
}
