import { randomUUID } from 'node:crypto';
import {
  insertChat,
  insertDocument,
  insertMessage,
  insertRateLimit,
  insertRepository,
  insertSuggestion,
  insertUsageLog,
  insertVote,
} from '../fixtures/rows.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually } from '../support/chat-app.js';
import { insertFile } from '../support/storage.js';
import { saying, send } from '../support/turns.js';
import { questionOf, type Resource } from './authorization-facts.js';

/** Which chat of a user is meant. A running one has an answer that is being generated. */
export type ChatKind = 'private' | 'public' | 'running';

/** A user with data of every kind. */
export interface World {
  user: TestUser;
  chats: Partial<Record<ChatKind, { id: string; question: string; answer: string }>>;
  document: string;
  /** The first of its two versions. */
  documentVersion: string;
  suggestion: string;
  repository: string;
  /** The path of a file in storage. */
  file: string;
  /** A configuration that is valid for the key of the samples. */
  configData: unknown;
  /** An id that does not exist. */
  fresh: () => string;
}

interface Figures {
  input: number;
  output: number;
  cost: number;
}

/** Figures of chats that no reader of them may see. No other number in the test looks like them. */
const OWNER_FIGURES: Figures = { input: 7717171, output: 7727272, cost: 7373.737373 };
export const SECRET_FIGURES = Object.values(OWNER_FIGURES).map(String);

/** How to mark what a user wrote, by the name of the field, and the usage of their chats. */
export interface Marks {
  text: (field: string) => string;
  figures: Figures;
}

/** In the data of the user that others must not reach. */
export const CANARIES: Marks = { text: (field) => `canary-${field}-7f3a`, figures: OWNER_FIGURES };

/** The names of the fields whose marks are in a text. */
export const canariesIn = (text: string): string[] =>
  [...text.matchAll(/canary-([a-z-]+)-7f3a/g)].map(([, field]) => field ?? '');

/** In the data of everyone else. */
export const PLAIN: Marks = {
  text: (field) => `own-${field}`,
  figures: { input: 11, output: 12, cost: 0.13 },
};

/** Gives a user data of every kind. */
export async function plantWorld(
  app: ChatApp,
  user: TestUser,
  { text: mark, figures }: Marks,
): Promise<World> {
  const { database } = app;
  const addChat = async (kind: 'private' | 'public') => {
    // The title and the text of a public chat are visible to everyone with its id. Nothing else of it is.
    const open = kind === 'public' ? 'public-' : '';
    const id = await insertChat(database, user.id, {
      visibility: kind,
      title: mark(`${open}chat-title`),
      lastContext: { note: mark('chat-context') },
      total_input_tokens: figures.input,
      total_output_tokens: figures.output,
      total_cost: figures.cost,
    });
    const words = [{ type: 'text', text: mark(`${open}message-text`) }];
    const question = await insertMessage(database, id, { parts: words, createdAt: at(1) });
    const answer = await insertMessage(database, id, {
      role: 'assistant',
      parts: words,
      createdAt: at(2),
      input_tokens: figures.input,
      output_tokens: figures.output,
      cost: figures.cost,
      metadata: {
        agentType: 'chat',
        usage: { inputTokens: figures.input, outputTokens: figures.output },
        cost: figures.cost,
      },
    });
    await insertVote(database, id, answer);
    return { id, question, answer };
  };
  const privateChat = await addChat('private');
  const publicChat = await addChat('public');

  const document = await insertDocument(database, user.id, {
    title: mark('document-title'),
    content: `Once upon a time ${mark('document-content')}`,
    createdAt: at(1),
  });
  await insertDocument(database, user.id, {
    id: document,
    title: mark('document-title'),
    content: `Once upon a day ${mark('document-content')}`,
    createdAt: at(2),
  });
  const suggestion = await insertSuggestion(database, user.id, document, {
    originalText: 'upon a day',
    suggestedText: mark('suggestion-text'),
    description: mark('suggestion-description'),
  });
  const repository = await insertRepository(database, user.id, {
    repo_owner: mark('repository-owner'),
    repo_name: mark('repository-name'),
    repo_url: `https://github.com/${mark('repository-url')}`,
    default_branch: mark('repository-branch'),
  });
  await insertUsageLog(database, user.id, {
    chat_id: privateChat.id,
    model_used: mark('usage-model'),
    metadata: { status: 'success', note: mark('usage-metadata') },
    total_cost: '1.5',
    response_timestamp: new Date(),
  });
  const file = await insertFile(database, user.id, `${mark('file-name')}.png`);
  const today = new Date().setUTCHours(0, 0, 0, 0);
  await insertRateLimit(database, user.id, {
    limit_type: 'daily',
    limit_value: figures.input,
    request_count: 3,
    period_start: new Date(today),
    period_end: new Date(today + 86_400_000),
  });
  const [{ configData }] = await database.query(
    `select config_data as "configData" from admin_config where config_key = 'chat_agent_google'`,
  );
  return {
    user,
    chats: { private: privateChat, public: publicChat },
    document,
    documentVersion: at(1),
    suggestion,
    repository,
    file,
    configData,
    fresh: randomUUID,
  };
}

/** Starts an answer that stops in the middle, and is not read. */
export async function startRunningChat(app: ChatApp, world: World, words: string): Promise<void> {
  app.double.enqueue({ text: [words, 'and more'], pauseAfter: 1 }, { when: ({ stream }) => stream });
  const id = randomUUID();
  const question = randomUUID();
  const reader = await send(app, world.user, { id, agent: 'chat', message: questionOf(question) });
  await reader.until(saying(words));
  await reader.leave();
  const [{ answer }] = await app.database.query(
    `select id as answer from "Message_v2" where "chatId" = $1 and status = 'streaming'`,
    [id],
  );
  world.chats.running = { id, question, answer };
  // A title is generated beside the answer, and the text so far is checkpointed.
  await eventually(async () => {
    const [row] = await app.database.query(
      `select title <> 'New chat' and parts::text like '%' || $2 || '%' as stored
         from chat join "Message_v2" on "chatId" = chat.id and role = 'assistant' where chat.id = $1`,
      [id, words],
    );
    return row?.stored as boolean;
  });
}

/** The id of a resource in a world, or of one of its chats. */
export function idIn(world: World, resource: Resource, kind: ChatKind = 'private'): string {
  const chat = world.chats[kind];
  if (!chat) throw new Error(`there is no ${kind} chat`);
  switch (resource) {
    case 'chat':
      return chat.id;
    case 'message':
      return chat.answer;
    case 'user':
      return world.user.id;
    default:
      return world[resource];
  }
}

/**
 * Every row of the database that contains the user's id or an id of their data, and the whole configuration: one line
 * per table.
 */
export type Fingerprint = () => Promise<string[]>;

/** Tables that belong to no user, and that no user's request may change. */
const SHARED = /^(public\.admin_config|switchboard\.(config_\w+|audit_log))$/;

/** One statement for all existing tables, including those of later migrations. */
export async function fingerprintOf({ database }: ChatApp, world: World): Promise<Fingerprint> {
  const tables = await database.query(
    `select table_schema || '.' || table_name as name, format('%I.%I', table_schema, table_name) as quoted
       from information_schema.tables
      where table_type = 'BASE TABLE' and table_schema in ('public', 'switchboard', 'auth')`,
  );
  const parts = tables.map(
    ({ name, quoted }) =>
      `select '${name}' || ' ' || count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as line
         from ${quoted} t ${SHARED.test(String(name)) ? '' : 'where t::text ~ $1'}`,
  );
  const ids = [
    world.user.id,
    world.document,
    world.suggestion,
    world.repository,
    ...Object.values(world.chats).flatMap(({ id, question, answer }) => [id, question, answer]),
  ];
  const statement = parts.join(' union all ');
  return async () => (await database.query(statement, [ids.join('|')])).map(({ line }) => String(line));
}

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
