import type { SqlRunner } from '../fixtures/rows.js';

/** The versions of the old chatbot's schema: the numbers of its migrations, and the migration that squashed them. */
export const VERSIONS = [
  '0000',
  '0001',
  '0002',
  '0003',
  '0004',
  '0005',
  '0006',
  '0007',
  '0008',
  'squashed',
] as const;
export type Version = (typeof VERSIONS)[number];

/** The changes that each migration makes to the tables, in our own words. */
const STEPS: Record<Exclude<Version, 'squashed'>, string> = {
  '0000': `
    create table "User" (id uuid primary key default gen_random_uuid(), email varchar(64) not null, password varchar(64));
    create table "Chat" (
      id uuid primary key default gen_random_uuid(), "createdAt" timestamp not null, messages json not null,
      "userId" uuid not null references "User" (id))`,
  '0001': `
    create table "Document" (
      id uuid not null default gen_random_uuid(), "createdAt" timestamp not null, title text not null, content text,
      "userId" uuid not null references "User" (id), primary key (id, "createdAt"));
    create table "Suggestion" (
      id uuid primary key default gen_random_uuid(), "documentId" uuid not null, "documentCreatedAt" timestamp not null,
      "originalText" text not null, "suggestedText" text not null, description text,
      "isResolved" boolean not null default false, "userId" uuid not null references "User" (id),
      "createdAt" timestamp not null,
      foreign key ("documentId", "documentCreatedAt") references "Document" (id, "createdAt"))`,
  '0002': `
    create table "Message" (
      id uuid primary key default gen_random_uuid(), "chatId" uuid not null references "Chat" (id), role varchar not null,
      content json not null, "createdAt" timestamp not null);
    create table "Vote" (
      "chatId" uuid not null references "Chat" (id), "messageId" uuid not null references "Message" (id),
      "isUpvoted" boolean not null, primary key ("chatId", "messageId"));
    alter table "Chat" add title text not null;
    alter table "Chat" drop messages`,
  '0003': `alter table "Chat" add visibility varchar not null default 'private'`,
  '0004': `alter table "Document" add text varchar not null default 'text'`,
  '0005': `
    create table "Message_v2" (
      id uuid primary key default gen_random_uuid(), "chatId" uuid not null references "Chat" (id), role varchar not null,
      parts json not null, attachments json not null, "createdAt" timestamp not null);
    create table "Vote_v2" (
      "chatId" uuid not null references "Chat" (id), "messageId" uuid not null references "Message_v2" (id),
      "isUpvoted" boolean not null, primary key ("chatId", "messageId"))`,
  '0006': `
    create table "Stream" (
      id uuid primary key default gen_random_uuid(), "chatId" uuid not null references "Chat" (id),
      "createdAt" timestamp not null)`,
  '0007': `alter table "Chat" add "lastContext" jsonb`,
  '0008': `alter table "Chat" drop "lastContext"`,
};

/** The squashed schema has no deprecated tables, and users have the columns of the newer sign-in. */
const SQUASHED = `
  drop table "Vote", "Message";
  alter table "User" add name text, add "emailVerified" boolean not null default false, add image text,
    add "isAnonymous" boolean not null default false, add "createdAt" timestamp not null default now(),
    add "updatedAt" timestamp not null default now()`;

/** Creates the empty tables of a version in a schema. */
export async function createLegacyTables(
  database: SqlRunner,
  version: Version,
  schema = 'public',
): Promise<void> {
  const numbers = Object.keys(STEPS).filter((number) => version === 'squashed' || number <= version);
  const steps = numbers.map((number) => STEPS[number as keyof typeof STEPS]);
  if (version === 'squashed') steps.push(SQUASHED);
  await database.query(`set search_path = ${schema}; ${steps.join(';\n')}; reset search_path`);
}

/** The tables and columns of a version. */
export function featuresOf(version: Version) {
  const from = (number: string) => version === 'squashed' || version >= number;
  return {
    embedded: !from('0002'),
    documents: from('0001'),
    firstMessages: from('0002') && version !== 'squashed',
    visibility: from('0003'),
    kind: from('0004'),
    messages: from('0005'),
    streams: from('0006'),
    lastContext: version === '0007',
    profiles: version === 'squashed',
  };
}
