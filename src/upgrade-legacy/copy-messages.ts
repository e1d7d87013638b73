import { toJson } from '../common/database/stored-json.js';
import { convertEmbeddedChat } from './convert-embedded.js';
import { callsOf, convertContent, resultsOf } from './convert-content.js';
import { type Converted, convertParts } from './convert-parts.js';
import { copyChats, readEmbeddedChats } from './chats.repository.js';
import type { Context } from './context.js';
import {
  copyPlainMessages,
  insertMessages,
  type MessageDecision,
  type NewMessage,
  type OldMessage,
  readMessages,
  tellChats,
  tellMessages,
} from './messages.repository.js';

/** The size of messages in memory at a time. A single message may be larger, and is then alone. */
const MAX_BYTES = 8 * 1024 ** 2;
const MAX_ROWS = 500;
/** The values that a row of `"Message_v2"` accepts. */
const MAX_MESSAGE = 64 * 1024 ** 2;
const MAX_DEPTH = 120;

const ROLES = new Set(['user', 'assistant', 'system']);
const SET_ASIDE = 1;
const FOLDED = 2;

export async function copyMessages(context: Context, from: number, to: number): Promise<void> {
  const left = await copyPlainMessages(context, from, to);
  for (const ns of chunks(left)) await convertMessages(context, ns);
}

/** Chats that contain their messages are copied together with them. */
export async function copyEmbeddedChats(context: Context, from: number, to: number): Promise<void> {
  const chats = (await readEmbeddedChats(context, from, to)).map((chat) => ({
    id: chat.id,
    ...convertEmbeddedChat(chat),
  }));
  await copyChats(context, from, to, new Map(chats.map(({ id, title }) => [id, title])));
  const kept = await keptChats(context, from, to);
  const decisions: Array<{ id: string; reason: string }> = [];
  for (const { id, messages, notes } of chats) {
    if (!kept.has(id)) continue;
    const fitting = messages.filter(({ parts }) => refusalOf(parts) === undefined);
    const written = await insertMessages(context, fitting);
    const lost = messages.length - written.size;
    if (lost > 0) notes.push(`messages were left out, for their size or a second use of an id: ${lost}`);
    decisions.push(...[...new Set(notes)].map((reason) => ({ id, reason })));
  }
  await tellChats(context, decisions);
}

async function keptChats({ client, work }: Context, from: number, to: number): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string }>(
    `select id from ${work}.chats where n > $1 and n <= $2 and kept`,
    [from, to],
  );
  return new Set(rows.map(({ id }) => id));
}

function* chunks(rows: Array<{ n: string; bytes: number }>): Generator<string[]> {
  let chunk: string[] = [];
  let total = 0;
  for (const { n, bytes } of rows) {
    if (chunk.length > 0 && (total + bytes > MAX_BYTES || chunk.length === MAX_ROWS)) {
      yield chunk;
      chunk = [];
      total = 0;
    }
    chunk.push(n);
    total += bytes;
  }
  if (chunk.length > 0) yield chunk;
}

async function convertMessages(context: Context, ns: string[]): Promise<void> {
  const decisions: MessageDecision[] = [];
  const outcomes = new Map<string, number>();
  const fresh = new Map<string, NewMessage>();
  const setAside = (n: string, reason: string) => {
    decisions.push({ n, decision: 'set aside', reason });
    outcomes.set(n, SET_ASIDE);
  };
  for (const message of await readMessages(context, ns)) {
    const { n } = message;
    if (!message.hasChat) setAside(n, 'its chat does not exist or was set aside');
    else if (message.source === 1 && message.role === 'tool') {
      if (hasCall(message)) outcomes.set(n, FOLDED);
      else setAside(n, 'it is the result of a call that is not there');
    } else if (!ROLES.has(message.role)) setAside(n, 'its role is unknown');
    else if (refusalOf(message.content) !== undefined) setAside(n, refusalOf(message.content)!);
    else {
      const { parts, notes } = convert(message);
      const json = toJson(parts);
      const refusal = refusalOf(json);
      if (refusal !== undefined) setAside(n, refusal);
      else {
        fresh.set(n, newMessage(message, json));
        for (const reason of new Set(notes)) decisions.push({ n, decision: 'changed', reason });
      }
    }
  }
  const written = await insertMessages(context, [...fresh.values()]);
  for (const [n, { id }] of fresh) if (!written.has(id)) setAside(n, 'its id is taken');
  await tellMessages(context, decisions, outcomes);
}

function newMessage({ id, chatId, role, createdAt, attachments }: OldMessage, parts: string): NewMessage {
  const kept = attachments !== null && refusalOf(attachments) === undefined ? safeJson(attachments) : '[]';
  return { id, chatId, role, createdAt, parts, attachments: kept };
}

function safeJson(json: string): string {
  return Array.isArray(JSON.parse(json)) ? toJson(JSON.parse(json)) : '[]';
}

function convert({ source, content, attachments, neighbors }: OldMessage): Converted {
  const parsed: unknown = JSON.parse(content);
  if (source === 1)
    return convertContent(parsed, resultsOf(neighbors.map((text) => JSON.parse(text) as unknown)));
  return convertParts(parsed, attachments === null ? [] : (JSON.parse(attachments) as unknown));
}

function hasCall({ content, neighbors }: OldMessage): boolean {
  const results = resultsOf([JSON.parse(content)]);
  const calls = callsOf(neighbors.map((text) => JSON.parse(text) as unknown));
  return results.size > 0 && [...results.keys()].every((id) => calls.has(id));
}

/** Why the database would refuse a JSON text. Undefined if it accepts it. */
function refusalOf(json: string): string | undefined {
  if (json.length > MAX_MESSAGE || Buffer.byteLength(json) > MAX_MESSAGE) return 'it is larger than 64 MB';
  return depthOf(json) > MAX_DEPTH ? 'it is nested too deeply' : undefined;
}

function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (inText) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inText = false;
    } else if (code === 0x22) inText = true;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}
